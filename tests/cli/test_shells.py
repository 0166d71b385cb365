"""What bash and zsh are handed: words that are cut where the shell cuts them, and quoted as they must be typed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from click.shell_completion import CompletionItem, add_completion_class, get_completion_class

from leakhunt.cli import group, shells
from tests.support.places import ROOT

BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def bash(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What bash is answered for a line, and for a value that is offered there."""

    def at(line: str, breaks: str = BREAKS) -> shells.Bash:
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_WORDBREAKS", breaks)
        return shells.Bash(group, {}, "leakhunt", "_LEAKHUNT_COMPLETE")

    return at


@pytest.mark.parametrize(
    ("line", "before", "typed"),
    [
        ("leakhunt ", [], ""),
        ("leakhunt to", [], "to"),
        ("leakhunt top ", ["top"], ""),
        ("leakhunt top a/celery@web1-", ["top"], "a/celery@web1-"),
        ("leakhunt top my\\ fol", ["top"], "my fol"),
        ("leakhunt top my\\ ", ["top"], "my "),
        ("leakhunt top 'my fol", ["top"], "my fol"),
        ("leakhunt diff a b ", ["diff", "a", "b"], ""),
    ],
)
def test_a_line_is_read_as_it_stands(bash: Any, line: str, before: list[str], typed: str) -> None:
    assert bash(line).get_completion_args() == (before, typed)


@pytest.mark.parametrize(
    ("typed", "value", "answer"),
    [
        ("snap", "snapshots/", "plain,snapshots/"),
        ("a/celery@we", "a/celery@web1-7/", "plain,@web1-7/"),
        ("a:b", "a:bc", "plain,bc"),
        ("--x=sn", "--x=snap", "plain,snap"),
        ("a@b:c", "a@b:cd", "plain,cd"),
        ("a@b", "other", "plain,other"),
        ("my", "my [x]$(rm)/", "plain,my\\ \\[x\\]\\$\\(rm\\)/"),
    ],
)
def test_what_bash_replaces_is_cut_off_and_the_rest_quoted(
    bash: Any, typed: str, value: str, answer: str
) -> None:
    shell = bash(f"leakhunt top {typed}")
    shell.get_completion_args()
    assert shell.format_completion(CompletionItem(value)) == answer


def test_where_bash_breaks_at_none_of_them_nothing_is_cut(bash: Any) -> None:
    shell = bash("leakhunt top a/celery@we", " \t\n")
    shell.get_completion_args()
    assert shell.format_completion(CompletionItem("a/celery@web1/")) == "plain,a/celery@web1/"


def test_a_kind_of_file_is_handed_over_uncut(bash: Any) -> None:
    shell = bash("leakhunt ls --dir a@b")
    shell.get_completion_args()
    assert shell.format_completion(CompletionItem("a@b", type="dir")) == "dir,a@b"


def test_zsh_gets_a_description_or_none() -> None:
    zsh = shells.Zsh(group, {}, "leakhunt", "_LEAKHUNT_COMPLETE")
    assert (
        zsh.format_completion(CompletionItem("top", help="What is alive."))
        == "plain\ntop\nWhat is alive."
    )
    assert zsh.format_completion(CompletionItem("my [x]/")) == "plain\nmy\\ \\[x\\]/\n_"


def test_both_take_the_place_of_clicks() -> None:
    before = {name: get_completion_class(name) for name in ("bash", "zsh")}
    try:
        shells.register()
        assert get_completion_class("bash") is shells.Bash
        assert get_completion_class("zsh") is shells.Zsh
    finally:
        for each in before.values():
            assert each is not None
            add_completion_class(each)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_a_shell_reads_names_the_program(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leakhunt"], capture_output=True, text=True, timeout=300, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "_LEAKHUNT_COMPLETE": f"{shell}_source"},
    )  # fmt: skip
    assert f"_LEAKHUNT_COMPLETE={shell}_complete" in done.stdout
    assert "%(" not in done.stdout
