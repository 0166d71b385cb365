"""Workflow commands as GitHub's runner reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame
from leakhunt.render import github
from leakhunt.render.screen import GITHUB
from tests.support import node
from tests.support.checking import outside, report, scattered, text
from tests.support.commands import parsed, read
from tests.support.web import HOSTILE

#: Files below the repository's folder with names that mean something to the runner, to a console or to a parser.
NAMES = (
    *HOSTILE, "/srv/shop/a::b,c=d.py", "/srv/shop/50%25.py", "/srv/shop/line\nend\r.py", "/srv/shop/雪 pop.py",
    "/usr/lib/python3.11/json/decoder.py", "<string>",
)  # fmt: skip


def test_an_annotation_stands_at_the_line_whatever_the_file_is_called() -> None:
    (command,) = read(text(report(200), GITHUB))
    assert command.name == "error"
    assert command.properties["file"] == "src/50%, done: tasks.py"
    assert command.properties["line"] == "40"
    assert "200 B a run (95 %: " in command.message
    assert "KEPT.append(order | other)" in command.message.splitlines()


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_one_annotation_and_can_be_printed(name: str) -> None:
    written = text(report(200, file=name), GITHUB)
    written.encode("utf-8")
    assert all(character.isprintable() or character == "\n" for character in written)
    (command,) = read(written)
    assert command.properties["title"] == "leakhunt: memory leak"
    assert command.properties["file"] == visible(name.replace("/srv/shop/", ""))


def test_a_line_that_is_not_known_is_the_first() -> None:
    (command,) = read(text(report(200, line=0), GITHUB))
    assert command.properties["line"] == "1"


def test_a_leak_without_a_line_is_an_error_where_the_target_is_defined() -> None:
    (command,) = read(text(scattered(report(200), Frame("/srv/shop/src/orders.py", 7)), GITHUB))
    assert (command.name, command.properties["file"], command.properties["line"]) == (
        "error",
        "src/orders.py",
        "7",
    )
    assert "shop.tasks:process keeps 200 B" in command.message
    (placeless,) = read(text(scattered(report(200), None), GITHUB))
    assert placeless.name == "error"
    assert "file" not in placeless.properties
    line, native = read(text(outside(report(200), Frame("/srv/shop/src/orders.py", 7)), GITHUB))
    assert (line.properties["line"], native.properties["line"]) == ("40", "7")
    assert "outside Python's objects" in native.message


def test_what_is_no_leak_is_a_notice_and_what_is_not_sure_a_warning() -> None:
    assert read(text(report(0), GITHUB))[0].name == "notice"
    assert read(text(report(0, "unsure"), GITHUB))[0].name == "warning"


#: What a property may be: for a leading ``=`` there is no escape.
VALUES = st.text(min_size=1).filter(lambda text: not text.startswith("="))


@given(st.dictionaries(st.sampled_from(["file", "title"]), VALUES, min_size=1), st.text())
def test_the_runner_reads_what_was_said(properties: dict[str, str], message: str) -> None:
    line = github._line("error", properties, message)
    assert "\n" not in line
    assert "\r" not in line
    # It strips what stands after the name, all properties together.
    last = list(properties)[-1]
    command = parsed(line)
    assert command is not None
    assert command.message == message
    assert {**command.properties, last: properties[last]} == properties


@pytest.mark.once
def test_githubs_own_toolkit_writes_the_same(tmp_path: Path) -> None:
    """The commands as they are read, given to @actions/core, come out to the letter."""
    made = node.installed(tmp_path)
    reports = [
        report(200),
        report(0),
        report(0, "unsure"),
        *(report(200, file=name) for name in NAMES),
    ]
    written = "".join(text(each, GITHUB) for each in reports)
    commands = read(written)
    assert len(commands) == len(reports)
    assert node.issued(made, commands) == written


def test_the_jobs_summary_is_a_table_that_no_code_breaks() -> None:
    lines = github.summary(report(200)).splitlines()
    assert lines[0] == "### ❌ leakhunt check `shop.tasks:process`"
    (row,) = [line for line in lines if line.startswith("| 200 B")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert github.summary(report(0)).startswith("### ✅ ")
    assert github.summary(report(0, "unsure")).startswith("### ⚠️ ")
