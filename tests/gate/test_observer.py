"""Looks at the process that runs a target: traced from the first to the last, run by run."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import CaptureError, SettingError
from leakhunt.gate.observer import Observer
from leakhunt.hook.capture import capture, fork
from leakhunt.hook.capture.capture import Capture
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.snapshots.load import load

Looking = Callable[..., Observer]


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[Looking]:
    """Makes looks with the exact engine, which end with the test."""
    made: list[Observer] = []

    def look(engine: str = "exact", nframe: int | None = None) -> Observer:
        made.append(Observer(tmp_path, engine, nframe, "shop.pay"))
        return made[-1]

    yield look
    for each in made:
        each.end()
    tracemalloc.stop()  # where it may not be stopped safely, nothing else runs here


def test_an_unknown_engine_is_a_bad_setting(looking: Looking) -> None:
    with pytest.raises(SettingError):
        looking(engine="better")


def test_it_traces_from_the_beginning_to_the_end(looking: Looking) -> None:
    one = looking(nframe=7)
    assert not tracemalloc.is_tracing()
    one.begin()
    one.begin()
    assert (tracemalloc.is_tracing(), one.tracing.engine.nframe) == (True, 7)
    refused = one.tracing.engine.stop_refused(len(sys._current_frames()))
    one.end()
    assert tracemalloc.is_tracing() is (refused is not None)


def test_what_somebody_else_traces_is_looked_at_and_goes_on(looking: Looking) -> None:
    tracemalloc.start(3)
    one = looking()
    one.begin()
    assert not one.began
    assert one.tracing.armed_at is not None
    one.end()
    assert tracemalloc.is_tracing()


def test_a_look_tells_the_runs_and_what_they_have_left(looking: Looking) -> None:
    one = looking()
    one.ran()  # before the beginning: counted all the same
    one.begin()
    kept = bytearray(200_000)
    one.ran()
    one.ran()
    first, second = load(one.take(full=False)), load(one.take(full=True))
    assert [each.meta.facts["sequence"] for each in (first, second)] == [1, 2]
    assert {each.meta.facts["trigger"] for each in (first, second)} == {"check"}
    assert first.meta.facts["tasks_done"] == 3
    assert first.meta.unit == "run"
    assert first.meta.facts["collected"] is True
    assert first.meta.facts["tasks"]["shop.pay"]["runs"] == 3
    assert first.totals.size >= len(kept)


def test_what_only_waits_for_the_collector_is_gone_before_a_look(looking: Looking) -> None:
    class Ring:
        def __init__(self) -> None:
            self.itself = self

    one = looking()
    one.begin()
    gc.disable()
    try:
        ring = Ring()
        alive = weakref.ref(ring)
        del ring
        assert alive() is not None
        one.take(full=False)
        assert alive() is None
    finally:
        gc.enable()


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """What was ordered: nothing forks, and each look ends by the next of the outcomes in its place."""
    ordered: list[Order] = []
    monkeypatch.setattr(capture, "guard", lambda engine, groups: fork.Limits(1, 2, 3, 4, 5))
    return ordered


def ending(monkeypatch: pytest.MonkeyPatch, orders: list[Order], *outcomes: Outcome) -> None:
    """Each capture that is begun ends by the next of these."""
    left = iter(outcomes)

    class Ended(Capture):
        def __init__(self, outcome: Outcome) -> None:
            self.outcome = outcome

        def wait(self) -> Outcome:
            return self.outcome

    def begin(order: Order, began: float) -> Any:
        orders.append(order)
        return Ended(next(left))

    monkeypatch.setattr(capture, "begin", begin)


def test_only_a_full_look_asks_what_holds_the_objects(
    looking: Looking, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, orders, Outcome("a", None), Outcome("b", None))
    one = looking()
    assert [one.take(full=True), one.take(full=False)] == ["a", "b"]
    assert [(each.walk, each.walks, each.explains) for each in orders] == [
        ("auto", True, True),
        ("off", False, False),
    ]


def test_objects_that_cannot_be_walked_over_are_looked_at_without(
    looking: Looking, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, orders, Outcome(None, "killed", walking=True), Outcome("b", None))
    assert looking().take(full=True) == "b"
    assert [each.walk for each in orders] == ["auto", "off"]


def test_a_look_that_cannot_be_taken_says_why(
    looking: Looking, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, orders, Outcome(None, "no snapshot: no room"))
    with pytest.raises(CaptureError, match="no room"):
        looking().take(full=False)


def test_where_forks_are_refused_the_process_looks_itself(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise fork.ForkRefusedError("no more processes")

    monkeypatch.setattr(capture, "begin", refuse)
    one = looking()
    one.begin()
    assert load(one.take(full=False)).meta.facts["forked"] is False
