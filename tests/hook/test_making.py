"""Which kind of capture a trigger gets, and what it is to be."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine.off import Off
from leakhunt.errors import CaptureError
from leakhunt.hook import making
from leakhunt.hook.capture import capture, fork, light
from leakhunt.hook.capture.capture import Capture
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.hook.hook import Hook
from leakhunt.hook.process import vitals
from leakhunt.snapshots.load import load
from tests.hook.conftest import Hooking
from tests.support.unbuilt import needs_parts


class Telling(Off):
    """Traces, and has tables that another process could read."""

    name = "sampled"
    tracing = True
    salt: int | None = 7


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(making, "say", lambda level, text: lines.append(text))
    return lines


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Order]]:
    """What was begun, and by which way; nothing is forked or spawned."""
    begun: list[tuple[str, Order]] = []

    def beginning(way: str) -> Any:
        def begin(order: Order, began: float) -> str:
            begun.append((way, order))
            return way

        return begin

    monkeypatch.setattr(capture, "begin", beginning("fork"))
    monkeypatch.setattr(light, "begin", beginning("light"))
    monkeypatch.setattr(capture, "in_process", beginning("in process"))
    monkeypatch.setattr(light, "POSSIBLE", True)
    return begun


def begin(hook: Hook, trigger: str = "signal", baseline: bool = False) -> Any:
    return hook.captures.making.begin(trigger, baseline, time.monotonic())


def telling(hooking: Hooking, **settings: Any) -> Hook:
    hook = hooking(**settings)
    hook.tracing.engine = Telling("of a test")
    return hook


# -- by fork, or in the process ---------------------------------------------------------------


@needs_parts
def test_a_capture_forks_and_leaves_its_file(hooking: Hooking) -> None:
    begun = begin(hooking(), "dump", baseline=True)
    assert isinstance(begun, Capture)
    outcome = begun.wait()
    assert (outcome.problem, outcome.forked) == (None, True)
    assert outcome.path is not None
    facts = load(outcome.path).meta.facts
    assert (facts["trigger"], facts["sequence"], facts["baseline"]) == ("dump", 1, True)


def test_what_a_fork_took_is_what_the_next_one_is_weighed_by(
    hooking: Hooking, orders: list[tuple[str, Order]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[tuple[float, int | None]] = []
    hook = hooking()
    monkeypatch.setattr(hook.captures.making.budget, "paid", lambda *took: paid.append(took))
    monkeypatch.setattr(vitals, "rss", lambda: 5 << 20)
    hook.captures.making.begin("signal", False, time.monotonic() - 60)
    assert [way for way, _ in orders] == ["fork"]
    ((pause, rss),) = paid
    assert pause >= 60
    assert rss == 5 << 20


def test_without_forks_it_is_made_in_the_process_and_that_is_said(
    hooking: Hooking, said: list[str]
) -> None:
    outcome = begin(hooking(fork=False))
    assert isinstance(outcome, Outcome)
    assert outcome.path is not None
    assert Path(outcome.path).exists()
    assert said == ["capturing in the process itself, which stands still: LEAKHUNT_FORK=0"]


def test_a_fork_that_is_refused_is_made_up_for_in_the_process(
    hooking: Hooking, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise fork.ForkRefusedError("no more processes")

    monkeypatch.setattr(capture, "begin", refuse)
    outcome = begin(hooking())
    assert isinstance(outcome, Outcome)
    assert outcome.path is not None
    assert said == ["capturing in the process itself, which stands still: no more processes"]


@needs_parts
def test_one_that_does_not_fit_is_refused_and_leaves_its_number_out(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()
    hook.tracing.engine.bytes_needed = lambda: 1 << 20  # type: ignore[method-assign]
    monkeypatch.setattr(vitals, "memory_left", lambda groups: 0)
    with pytest.raises(CaptureError, match="of memory is left"):
        begin(hook)
    monkeypatch.setattr(vitals, "memory_left", lambda groups: None)
    outcome = begin(hook).wait()
    assert load(outcome.path).meta.facts["sequence"] == 2


# -- what it is to be -------------------------------------------------------------------------


def test_the_whole_heap_is_walked_over_once_where_that_was_asked_for(
    hooking: Hooking, orders: list[tuple[str, Order]]
) -> None:
    hook = hooking(walk="off")
    hook.captures.making.full = True
    for _ in range(2):
        begin(hook)
    assert [order.walk for _, order in orders] == ["full", "off"]


def test_objects_that_cannot_be_walked_over_are_left_alone(
    hooking: Hooking, orders: list[tuple[str, Order]]
) -> None:
    hook = hooking()
    begin(hook)
    hook.captures.making.walks = False
    begin(hook)
    assert [order.walks for _, order in orders] == [True, False]


def test_newer_settings_hold_from_the_next_one_on(
    hooking: Hooking, orders: list[tuple[str, Order]], tmp_path: Path
) -> None:
    hook = hooking(keep=5)
    hook.take(hook.settings._replace(keep=9, source="off", dir=tmp_path / "other"))
    begin(hook)
    order = orders[0][1]
    assert (order.keep, order.source) == (9, "off")
    assert order.path.parent == order.series == tmp_path / "other" / hook.process.series


def test_what_a_light_one_has_found_of_the_memory_is_not_found_out_again(
    hooking: Hooking, orders: list[tuple[str, Order]]
) -> None:
    hook = hooking()
    hook.captures.making.shares = {"uss": 12345}
    for _ in range(2):
        begin(hook)
    assert orders[0][1].facts["uss"] == 12345
    assert orders[1][1].facts["uss"] != 12345


# -- light ones -------------------------------------------------------------------------------


def test_a_light_one_where_it_is_asked_for(
    hooking: Hooking, orders: list[tuple[str, Order]], said: list[str]
) -> None:
    assert begin(telling(hooking, light="always")) == "light"
    assert begin(telling(hooking, light="off")) == "fork"
    assert begin(telling(hooking, light="always", fork=False)) == "light"
    assert said == []


def test_before_tracing_a_capture_forks_whatever_was_asked_for(
    hooking: Hooking, orders: list[tuple[str, Order]], said: list[str]
) -> None:
    hook = telling(hooking, light="always")
    hook.tracing.engine.tracing = False  # type: ignore[misc]
    assert begin(hook) == "fork"
    assert said == []


def test_a_walk_over_the_whole_heap_needs_a_fork(
    hooking: Hooking, orders: list[tuple[str, Order]]
) -> None:
    hook = telling(hooking, light="always")
    hook.captures.making.full = True
    assert [begin(hook), begin(hook)] == ["fork", "light"]


def test_an_engine_without_a_copy_has_none_and_that_is_said_once_where_they_were_asked_for(
    hooking: Hooking, orders: list[tuple[str, Order]], said: list[str]
) -> None:
    for setting in ("auto", "always"):
        hook = telling(hooking, light=setting)
        hook.tracing.engine.salt = None
        assert [begin(hook), begin(hook)] == ["fork", "fork"]
    assert said == [
        "captures fork, which holds a large process up: the sampled engine gives no copy that "
        "another process could read here"
    ]


def test_a_large_process_gets_a_light_one_at_once_and_a_full_one_behind_it(
    hooking: Hooking, orders: list[tuple[str, Order]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork of 1 GiB takes some 50 ms, which the first 0.2 s pay for."""
    monkeypatch.setattr(vitals, "rss", lambda: 1 << 30)
    hook = telling(hooking)
    assert begin(hook) == "light"
    assert hook.captures.making.forks
    assert begin(hook) == "fork"
    assert not hook.captures.making.forks


def test_where_a_light_one_is_refused_captures_fork_from_then_on(
    hooking: Hooking,
    orders: list[tuple[str, Order]],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[Order] = []

    def refuse(order: Order, began: float) -> None:
        tries.append(order)
        raise light.RefusedError("/usr/bin/uwsgi is no Python by its name")

    monkeypatch.setattr(light, "begin", refuse)
    hook = telling(hooking, light="always")
    assert [begin(hook), begin(hook)] == ["fork", "fork"]
    assert len(tries) == 1
    assert said == [
        "captures fork, which holds a large process up: /usr/bin/uwsgi is no Python by its name"
    ]
