"""Soft time limits and the signal that asks for a snapshot: neither is taken for the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import billiard.pool
import pytest
from celery import _state

from leakhunt.hook.celery import soft_limits

OWN = 50


@pytest.fixture(autouse=True)
def _billiard_as_before() -> Iterator[None]:
    names = ("SIG_SOFT_TIMEOUT", "_kill", "soft_timeout_sighandler")
    before = {name: getattr(billiard.pool, name) for name in names}
    yield
    for name, value in before.items():
        setattr(billiard.pool, name, value)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What billiard sends, and to whom."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(billiard.pool, "_kill", lambda pid, number: found.append((pid, number)))
    return found


def test_soft_limits_go_by_a_signal_of_their_own(sent: list[tuple[int, int]]) -> None:
    soft_limits.route(OWN)
    assert billiard.pool.SIG_SOFT_TIMEOUT == OWN
    child = os.getpid() + 1
    billiard.pool._kill(child, signal.SIGUSR1)
    billiard.pool._kill(child, signal.SIGKILL)
    billiard.pool._kill(os.getpid(), signal.SIGUSR1)
    assert sent == [(child, OWN), (child, signal.SIGKILL), (os.getpid(), signal.SIGUSR1)]


def test_routed_twice_is_routed_once(sent: list[tuple[int, int]]) -> None:
    soft_limits.route(OWN)
    once = billiard.pool._kill
    soft_limits.route(OWN)
    assert billiard.pool._kill is once


def test_a_spawned_child_takes_them_by_that_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(OWN)
    taken: list[int] = []
    monkeypatch.setattr(
        billiard.pool, "soft_timeout_sighandler", lambda number, frame: taken.append(number)
    )
    try:
        soft_limits.receive(OWN)
        os.kill(os.getpid(), OWN)
    finally:
        signal.signal(OWN, before)
    assert billiard.pool.SIG_SOFT_TIMEOUT == OWN
    assert taken == [OWN]


class Arbiter:
    """One handler for both, with the clock and the task set by hand."""

    def __init__(self, patch: pytest.MonkeyPatch, limit: float | None) -> None:
        self.now = 1000.0
        self.task: Any = None
        self.soft: list[int] = []
        self.snapshots: list[int] = []
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(_state, "get_current_task", lambda: self.task)
        patch.setattr(
            billiard.pool, "soft_timeout_sighandler", lambda number, frame: self.soft.append(number)
        )
        self.clock = soft_limits.Clock(limit)
        self.clock.arbitrate(lambda number, frame: self.snapshots.append(number))

    def runs(
        self,
        call: float | None = None,
        task: float | None = None,
        conf: float | None = None,
        timelimit: Any = ...,
    ) -> None:
        self.task = SimpleNamespace(
            request=SimpleNamespace(
                timelimit=(None, call) if timelimit is ... else timelimit,
            ),
            soft_time_limit=task,
            app=SimpleNamespace(conf=SimpleNamespace(task_soft_time_limit=conf)),
        )
        self.clock.task_begins(sender="anything")

    def signal_after(self, seconds: float) -> tuple[int, int]:
        """How many soft limits and snapshots there have been after one more signal."""
        self.now += seconds
        billiard.pool.soft_timeout_sighandler(int(signal.SIGUSR1), None)
        return len(self.soft), len(self.snapshots)


def test_a_signal_at_the_limit_is_a_soft_limit_and_one_before_is_a_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arbiter = Arbiter(monkeypatch, limit=None)
    arbiter.runs(call=10.0)
    assert arbiter.signal_after(5.0) == (0, 1)
    # At the limit nobody can know who asked: both are served.
    assert arbiter.signal_after(5.0) == (1, 2)
    # The task has been told: what comes now asks for a snapshot.
    assert arbiter.signal_after(1.0) == (1, 3)


def test_the_limit_of_the_call_goes_before_the_tasks_the_workers_and_the_apps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arbiter = Arbiter(monkeypatch, limit=30.0)
    for limits, due in (
        ({"call": 10.0, "task": 20.0, "conf": 40.0}, 10.0),
        ({"task": 20.0, "conf": 40.0}, 20.0),
        ({"conf": 40.0}, 30.0),
        ({"timelimit": None}, 30.0),
    ):
        arbiter.soft.clear()
        arbiter.runs(**limits)
        assert arbiter.signal_after(due - 1.0)[0] == 0
        assert arbiter.signal_after(1.0)[0] == 1
    other = Arbiter(monkeypatch, limit=None)
    other.runs(conf=40.0)
    assert other.signal_after(39.0)[0] == 0
    assert other.signal_after(1.0)[0] == 1


def test_without_a_task_or_a_limit_every_signal_asks_for_a_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arbiter = Arbiter(monkeypatch, limit=10.0)
    assert arbiter.signal_after(1e6) == (0, 1)
    without = Arbiter(monkeypatch, limit=None)
    without.runs()
    assert without.signal_after(1e6) == (0, 1)


def test_each_task_has_its_limit_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    arbiter = Arbiter(monkeypatch, limit=10.0)
    arbiter.runs()
    arbiter.signal_after(11.0)
    arbiter.runs()
    assert arbiter.signal_after(5.0) == (1, 2)
    assert arbiter.signal_after(5.0) == (2, 3)
