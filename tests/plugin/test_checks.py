"""The tests' process: the words of a marker, a judge that has ended, and what a session leaves behind."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.errors import LeakhuntError
from leakhunt.gate.orders import RUN
from leakhunt.plugin.checks import AT_MOST, AT_MOST_EACH, Checks, Judge

Make = Callable[..., Checks]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Checks of a session, whose folders lie in the test's; closed with it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made: list[Checks] = []

    def session(at_most: str | None = None, every: bool = False, update: bool = False) -> Checks:
        made.append(Checks(at_most, every, "leaks.json", update, "/srv/shop"))
        return made[-1]

    yield session
    for each in made:
        each.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("at_most", "every", "seconds"),
    [(None, False, AT_MOST), (None, True, AT_MOST_EACH), ("2min", True, 120.0)],
)
def test_the_time_is_what_is_said_or_less_where_every_test_is_checked(
    at_most: str | None, every: bool, seconds: float, make: Make
) -> None:
    assert make(at_most, every).at_most == seconds


def test_a_time_that_is_none_is_a_usage_error(make: Make) -> None:
    with pytest.raises(pytest.UsageError, match="--leakhunt-at-most: not a duration"):
        make("soon")


def test_the_words_of_a_marker_are_read_as_the_consoles(make: Make) -> None:
    terms = make()._terms(
        {"runs": 50, "warm_up": 0, "max_bytes_per_run": "1KiB", "at_most": "2min"}
    )
    assert terms == {"runs": 50, "warm_up": 0, "limit": 1024, "at_most": 120.0,
                     "baseline": "leaks.json", "root": "/srv/shop"}  # fmt: skip
    without = make()._terms({})
    assert (without["runs"], without["limit"], without["at_most"]) == (None, None, AT_MOST)
    assert make(update=True)._terms({})["baseline"] is None


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"max_bytes": 3}, "no such keyword: max_bytes"),
        ({"runs": "many"}, "runs must be a whole number"),
        ({"warm_up": 1.5}, "warm_up must be a whole number"),
        ({"max_bytes_per_run": "few"}, "not a size"),
        ({"at_most": "soon"}, "not a duration"),
    ],
)
def test_other_words_are_a_usage_error(wanted: dict[str, Any], said: str, make: Make) -> None:
    with pytest.raises(pytest.UsageError, match=said):
        make()._terms(wanted)


class Told:
    """A judge that wants three runs and is content, and knows what it was told."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []

    def ask(self, said: bytes) -> dict[str, Any]:
        self.answers.append(json.loads(said))
        document = {"verdict": "no-leak", "bytes_per_run": 0.0, "runs": 4}
        plain = {"do": "done", "failure": None, "document": document}
        return {"do": RUN, "runs": 3} if len(self.answers) == 1 else plain

    def close(self) -> None:
        """Nothing was begun."""


@pytest.mark.parametrize("is_item", [True, False])
def test_the_run_in_which_a_test_has_passed_is_its_first(
    is_item: bool, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a function is called for by the fixture has not run before."""
    checks, judge, calls = make(), Told(), []
    observer = SimpleNamespace(begin=lambda: None, ran=lambda: calls.append("ran"))
    monkeypatch.setattr(checks, "_begun", lambda: judge)
    monkeypatch.setattr(checks, "_observed", lambda name: contextlib.nullcontext(observer))
    item: Any = SimpleNamespace(nodeid="test_shop.py::test_take", user_properties=[])
    if is_item:
        checks.item(item, lambda: calls.append("run"), {})
    else:
        checks.check(item.nodeid, lambda: calls.append("run"), {})
    assert calls == ["run", "ran"] * 3
    assert [answer.get("runs") for answer in judge.answers] == [None, 4 if is_item else 3]


def test_a_judge_that_has_ended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    judge = Judge()
    try:
        with pytest.raises(LeakhuntError, match="the process that judges has ended"):
            judge.ask(b"{}\n")
    finally:
        judge._process.wait()
        judge.close()
