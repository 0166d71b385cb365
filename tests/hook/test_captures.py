"""Captures of a process: one at a time, each that was asked for, and what follows of each."""

from __future__ import annotations

import mmap
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import CaptureError
from leakhunt.hook import captures
from leakhunt.hook.capture import capture
from leakhunt.hook.capture.capture import Capture
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.hook.captures import PATIENCE, TRIES, Captures
from leakhunt.hook.hook import Hook
from leakhunt.hook.process import vitals
from tests.hook.conftest import Hooking
from tests.live.harness import until
from tests.support.unbuilt import needs_parts


class Ended(Capture):
    """One under way that has ended, with that outcome."""

    def __init__(self, trigger: str, outcome: Outcome) -> None:
        order: Any = type("Order", (), {"facts": {"trigger": trigger}, "path": Path("none")})()
        super().__init__(order, 0, mmap.mmap(-1, 4096), time.monotonic())
        self.outcome = outcome

    def poll(self) -> Outcome | None:
        return self.outcome


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(captures, "say", lambda level, text: lines.append(text))
    return lines


def ends(of: Captures) -> None:
    """Until nothing is under way and nothing is due."""

    def over() -> bool:
        of.poll()
        return of.under_way is None

    until(over, "the captures end")


def written(hook: Hook) -> list[str]:
    """The triggers of the snapshots, in order."""
    return [
        path.stem.partition("Z-")[2]
        for path in sorted(hook.state.series.iterdir())
        if not path.name.startswith(".")
    ]


def answered(hook: Hook) -> dict[str, tuple[str | None, str | None]]:
    """By request: the trigger of the snapshot that answered it, or the problem."""
    return {
        request: (file and Path(file).stem.partition("Z-")[2], problem)
        for request, file, problem, _ in hook.answers.published()["answers"]
    }


# -- one after another ------------------------------------------------------------------------


def test_a_dump_waits_for_its_file_and_gives_the_signal_of_children_back(
    hooking: Hooking, said: list[str]
) -> None:
    hook = hooking()
    before = signal.getsignal(signal.SIGCHLD)
    path = hook.captures.dump()
    assert os.path.exists(path)
    assert hook.captures.under_way is None
    assert (hook.answers.captures, hook.answers.last and hook.answers.last.path) == (1, path)
    assert said[0].startswith(f"wrote {path} (")
    hook.captures.poll()
    assert signal.getsignal(signal.SIGCHLD) == before


@needs_parts
def test_what_fires_meanwhile_becomes_one_more_with_the_name_of_the_first(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.fire("signal")
    assert hook.captures.under_way is not None
    for trigger in ("tasks", "rss", "signal"):
        hook.captures._pending = hook.captures._pending or trigger  # as `fire` does: it would reap
    ends(hook.captures)
    assert written(hook) == ["signal", "tasks"]


def test_a_dump_waits_for_the_one_under_way_first(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.fire("signal")
    assert hook.captures.dump().endswith("-code.bin")
    assert written(hook) == ["signal", "code"]


def test_requests_are_answered_by_the_capture_that_begins_after_them(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.want("before", full=False)
    hook.captures.fire("dump")
    hook.captures.want("meanwhile", full=False)
    hook.captures.fire("signal")
    ends(hook.captures)
    assert answered(hook) == {"before": ("dump", None), "meanwhile": ("signal", None)}


def test_only_one_of_several_that_want_it_need_want_the_whole_heap(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, orders = hooking(), []

    def begin(order: Order, began: float) -> Capture:
        orders.append(order)
        return Ended("dump", Outcome(None, "not made"))

    monkeypatch.setattr(capture, "begin", begin)
    hook.captures.want("a", full=True)
    hook.captures.want("b", full=False)
    hook.captures.fire("dump")
    ends(hook.captures)
    assert [order.walk for order in orders] == ["full"]
    assert hook.captures.making.full is False


def test_whoever_finds_another_thread_at_work_leaves_it_to_that(hooking: Hooking) -> None:
    hook = hooking()
    of, begun, go_on = hook.captures, threading.Event(), threading.Event()

    def work() -> None:
        with of._lock:
            begun.set()
            go_on.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(60)
        of.fire("signal")
        assert of.under_way is None
        assert not of.is_at_work()
    finally:
        go_on.set()
        thread.join()
    ends(of)
    assert written(hook) == ["signal"]


def test_in_the_middle_of_a_capture_the_same_thread_begins_none(hooking: Hooking) -> None:
    hook = hooking()
    of = hook.captures
    with of._lock:
        assert of.is_at_work()
        of.fire("signal")
        assert of.under_way is None
        with pytest.raises(CaptureError, match="this thread is taking one"):
            of.dump()
    ends(of)
    assert written(hook) == ["signal"]


def test_in_a_thread_what_is_due_is_left_for_the_main_one_where_that_can_be_woken(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()
    monkeypatch.setattr(hook.handlers, "wake_main", lambda: True)
    hook.captures.fire_soon("rss")
    hook.captures.fire_soon("tasks")
    assert hook.captures.under_way is None
    assert hook.captures.take_noted() == "rss"
    assert hook.captures.take_noted() is None
    monkeypatch.setattr(hook.handlers, "wake_main", lambda: False)
    hook.captures.fire_soon("tasks")
    assert hook.captures.take_noted() is None
    ends(hook.captures)
    assert written(hook) == ["tasks"]


# -- what follows -----------------------------------------------------------------------------


def test_the_first_one_arms_the_engine_and_says_what_it_cannot_see(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking(engine="exact")
    armed: list[int] = []
    monkeypatch.setattr(hook.tracing, "say_armed", armed.append)
    hook.captures.dump()
    hook.captures.dump()
    assert armed == [os.getpid()]


def test_failures_in_a_row_are_counted_and_the_third_is_the_last_that_nobody_asked_for(
    hooking: Hooking, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking(every=100)
    hook.tracing.engine.bytes_needed = lambda: 1 << 20  # type: ignore[method-assign]
    with monkeypatch.context() as short:
        short.setattr(vitals, "memory_left", lambda groups: 0)
        for _ in range(PATIENCE + 1):
            hook.captures.fire("signal")
    assert hook.captures.failures == PATIENCE + 1
    quiet = "; snapshots every N tasks and by RSS are off until a signal succeeds"
    assert [line.endswith(quiet) for line in said] == [False, False, True, False]
    hook.captures.dump()
    assert hook.captures.failures == 0


def test_a_failure_answers_those_who_wait_and_a_dump_raises_it(
    hooking: Hooking, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hooking()
    hook.tracing.engine.bytes_needed = lambda: 1 << 20  # type: ignore[method-assign]
    monkeypatch.setattr(vitals, "memory_left", lambda groups: 0)
    hook.captures.want("a", full=False)
    with pytest.raises(CaptureError, match="of memory is left") as raised:
        hook.captures.dump()
    assert answered(hook) == {"a": (None, str(raised.value))}


def test_what_nobody_thought_of_is_a_failure_too_and_goes_no_further(
    hooking: Hooking, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    hook = hooking()
    monkeypatch.setattr(capture, "guard", fail)
    hook.captures.fire("signal")
    assert said == ["no snapshot: ZeroDivisionError: a fault of ours"]
    with pytest.raises(CaptureError, match="ZeroDivisionError: a fault of ours"):
        hook.captures.dump()


def test_one_that_failed_by_the_moments_fault_is_made_again_for_those_who_wait(
    hooking: Hooking,
) -> None:
    hook = hooking()
    hook.captures.want("a", full=False)
    hook.answers.begin()
    hook.captures.under_way = Ended("dump", Outcome(None, "locked", again=True))
    ends(hook.captures)
    assert answered(hook) == {"a": ("dump", None)}
    assert hook.captures.failures == 0


def test_but_not_for_ever(hooking: Hooking, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Order] = []

    def begin(order: Order, began: float) -> Capture:
        begun.append(order)
        return Ended("dump", Outcome(None, "locked", again=True))

    monkeypatch.setattr(capture, "begin", begin)
    hook = hooking()
    with pytest.raises(CaptureError, match="locked"):
        hook.captures.dump()
    assert len(begun) == 1 + TRIES
    assert hook.captures.failures == 1


def test_a_light_one_that_cannot_be_made_is_made_by_a_fork(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.want("a", full=False)
    hook.answers.begin()
    hook.captures.under_way = Ended("signal", Outcome(None, "no such module", refused=True))
    ends(hook.captures)
    assert hook.captures.making.budget.refused
    assert answered(hook) == {"a": ("signal", None)}


def test_behind_a_light_one_comes_a_full_one_which_knows_what_that_has_found(
    hooking: Hooking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Order] = []

    def begin(order: Order, began: float) -> Capture:
        orders.append(order)
        return Ended("signal", Outcome(str(tmp_path / "full.bin"), None))

    monkeypatch.setattr(capture, "begin", begin)
    hook = hooking()
    hook.captures.making.forks = True
    light = Outcome(str(tmp_path / "light.bin"), None, shares={"uss": 12345})
    hook.captures.under_way = Ended("signal", light)
    ends(hook.captures)
    assert [order.facts["trigger"] for order in orders] == ["signal"]
    assert orders[0].facts["uss"] == 12345
    assert hook.answers.captures == 2


def test_after_a_walk_that_ended_its_process_none_is_tried_again(hooking: Hooking) -> None:
    hook = hooking(walk="auto")
    assert hook.captures.making.walks
    hook.captures.under_way = Ended("signal", Outcome(None, "killed", walking=True))
    ends(hook.captures)
    assert not hook.captures.making.walks


# -- the end of the process -------------------------------------------------------------------


def test_a_process_on_its_way_out_begins_nothing_more(hooking: Hooking) -> None:
    hook = hooking()
    hook.leave()
    hook.captures.fire("signal")
    assert hook.captures.under_way is None
    assert not hook.state.series.exists()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer for a snapshot than a process on its way out waits."""
    monkeypatch.setattr(captures, "FAREWELL", 300.0)


@pytest.mark.usefixtures("_patient")
def test_its_last_snapshot_is_taken_where_that_was_asked_for_once(hooking: Hooking) -> None:
    hook = hooking(at_exit=True)
    hook.leave()
    hook.leave()
    assert written(hook) == ["exit"]


@pytest.mark.usefixtures("_patient")
def test_the_one_under_way_is_waited_for_and_what_is_due_is_dropped(hooking: Hooking) -> None:
    hook = hooking()
    hook.captures.fire("signal")
    hook.captures._pending = "tasks"
    hook.leave()
    assert hook.captures.under_way is None
    assert written(hook) == ["signal"]


def test_where_a_thread_is_at_work_the_process_does_not_wait_for_ever(
    hooking: Hooking, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "FAREWELL", 0.01)
    hook = hooking(at_exit=True)
    with hook.captures._lock:
        hook.leave()
    assert said == [
        "the process ends while one of its threads waits for a capture, which goes on alone"
    ]
