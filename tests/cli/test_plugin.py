"""``celery leakhunt …``: the console as it stands, and the commands that ``celery inspect`` then knows."""

from __future__ import annotations

from importlib.metadata import distribution
from typing import Any

import pytest
from celery.bin.celery import celery
from celery.worker.control import Panel
from click.testing import CliRunner, Result

import leakhunt
from leakhunt.cli import plugin


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Celery's console with this command, as its plugin loader adds it."""
    monkeypatch.setitem(celery.commands, "leakhunt", plugin.command)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(celery, ["leakhunt", *arguments], standalone_mode=False)

    return run


def status(result: Result) -> Any:
    return result.exception.code if isinstance(result.exception, SystemExit) else result.exit_code


def test_celery_finds_it_by_its_entry_point() -> None:
    points = {(each.group, each.name): each for each in distribution("leakhunt").entry_points}
    assert points["celery.commands", "leakhunt"].load() is plugin.command


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["top", "--help"]])
def test_options_are_leakhunts_and_not_celerys(arguments: list[str], console: Any) -> None:
    result = console(*arguments)
    assert status(result) == 0
    first = {"--version": f"leakhunt {leakhunt.__version__}", "-h": "Usage: leakhunt"}
    assert result.output.startswith(first.get(arguments[0], "Usage: leakhunt top"))


def test_what_stands_behind_goes_on_word_for_word(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr("leakhunt.cli.main", seen.append)
    console("run", "-m", "x", "--", "--help", "-A", "")
    console()
    assert seen == [["run", "-m", "x", "--", "--help", "-A", ""], []]


def test_the_exit_status_is_leakhunts(console: Any, tmp_path: Any) -> None:
    assert status(console("top", "--dir", str(tmp_path))) == 2
    assert status(console("no-such-command")) == 2


@pytest.mark.parametrize("name", ["leakhunt", "leakhunt_dump", "leakhunt_dumped", "leakhunt_piece"])
def test_celery_inspect_knows_the_names_from_then_on(name: str) -> None:
    assert name in Panel.data
    assert Panel.meta[name].visible is (name in ("leakhunt", "leakhunt_dump"))
    assert Panel.meta[name].type == ("control" if name == "leakhunt_dump" else "inspect")
