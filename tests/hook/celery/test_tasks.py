"""A task that is done is booked where it was done."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery._state import _task_stack

from leakhunt.hook.celery import tasks
from leakhunt.hook.celery.session import session


class Recorded:
    """Stands where the session has its hook: it takes note of what is booked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handlers = SimpleNamespace(signum=signal.SIGUSR1)
        self.booked: list[tuple[object, ...]] = []

    def task_done(self, *told: object) -> None:
        self.booked.append(told)


def test_a_task_is_booked_in_the_process_that_has_the_hook_and_in_no_fork_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task may fork and call others there: they are not this process's. The second one is called eagerly."""
    sender = SimpleNamespace(name="shop.pay")
    for pid, number in ((os.getpid(), 3), (os.getpid() + 1, 0)):
        hook = Recorded(pid)
        monkeypatch.setattr(session, "hook", hook)
        monkeypatch.setattr(session, "pulse", None)
        monkeypatch.setattr(session, "soft_signal", None)
        tasks._on_task_done(sender, "1", "SUCCESS")
        tasks._on_task_done(sender, "2", "FAILURE")
        with outer("shop.order"):
            tasks._on_task_done(sender, "3", "SUCCESS")
        assert hook.booked == [
            ("shop.pay", None, None, None, False),
            ("shop.pay", None, None, None, True),
            ("shop.pay", "shop.order", None, None, False),
        ][:number]  # fmt: skip


@contextlib.contextmanager
def outer(name: str) -> Iterator[None]:
    """A task of that name that has called another one."""
    stack = _task_stack
    stack.push(SimpleNamespace(name=name))
    stack.push(SimpleNamespace(name="shop.pay"))
    try:
        yield
    finally:
        stack.pop()
        stack.pop()


def test_threads_are_greenlets_where_a_monkey_has_been() -> None:
    """Celery's own threads are no module's but the interpreter's."""
    assert not tasks._is_patched()
