"""What pytest is told of the plugin: the figures of its texts are those that hold."""

from __future__ import annotations

import re
import unittest
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt import pytest_plugin
from leakhunt.gate.decision import LIMIT
from leakhunt.plugin.checks import AT_MOST, AT_MOST_EACH


class Parser:
    """As pytest's, for one group of options."""

    def __init__(self) -> None:
        self.helps: dict[str, str] = {}

    def getgroup(self, name: str, description: str) -> Parser:
        return self

    def addoption(self, name: str, **settings: str) -> None:
        self.helps[name] = settings["help"]


def test_the_marker_is_explained_with_the_limits_that_hold() -> None:
    text = pytest_plugin._explained()
    assert re.search(r"max_bytes_per_run=(\d+)", text)[1] == f"{LIMIT:.0f}"  # type: ignore[index]
    assert re.search(r"at_most=(\d+)", text)[1] == f"{AT_MOST:.0f}"  # type: ignore[index]
    assert "{" not in text


def test_pytest_takes_the_same_marker_from_both_texts() -> None:
    """It reads the name up to the first bracket or colon, as in ``_pytest.mark.structures``."""
    for text in (pytest_plugin.MARKER, pytest_plugin._explained()):
        assert text.split(":")[0].split("(")[0].strip() == "leakhunt"


def test_the_options_say_how_long_a_check_takes() -> None:
    parser = Parser()
    pytest_plugin.pytest_addoption(parser)  # type: ignore[arg-type]
    said = parser.helps["--leakhunt-at-most"]
    assert f"[{AT_MOST:.0f}s, with --leakhunt {AT_MOST_EACH:.0f}s]" in said


@pytest.mark.parametrize("known", ["--leakhunt", "--leakhunt-report", "--leakhunt-baseline"])
def test_every_option_says_what_it_does(known: str) -> None:
    parser = Parser()
    pytest_plugin.pytest_addoption(parser)  # type: ignore[arg-type]
    assert parser.helps[known].endswith((".", "]"))


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_case_that_was_interrupted_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """What a case raises pytest keeps for itself, but for what ends the session."""
    repeated: list[object] = []
    monkeypatch.setattr(pytest_plugin, "_wanted", lambda item: {})
    monkeypatch.setattr(pytest_plugin, "_repeated", lambda *said: repeated.append(said))
    monkeypatch.setattr(pytest, "Function", SimpleNamespace)
    parent = SimpleNamespace(obj=unittest.TestCase)
    item: Any = SimpleNamespace(parent=parent, name="test_it", originalname="test_it")
    running: Any = pytest_plugin.pytest_runtest_call(item)
    next(running)
    with pytest.raises(StopIteration):
        running.send(SimpleNamespace(excinfo=(KeyboardInterrupt,) if interrupted else None))
    assert bool(repeated) is not interrupted
