"""What the hook adds to a process that runs a worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery._state import _task_stack

from leakhunt.hook.celery import worker
from tests.support.places import ROOT


def test_the_worker_pays_for_little() -> None:
    """In a process that runs a prefork worker, the hook adds itself and tracemalloc only."""
    program = """
        import sys
        import celery.concurrency.prefork, celery.apps.worker, celery.worker.consumer, kombu.transport.filesystem
        before = set(sys.modules)
        import leakhunt.worker
        from leakhunt.hook.celery import worker
        print(sorted(m for m in set(sys.modules) - before if not m.startswith("leakhunt")))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    added = set(eval(done.stdout))
    assert added <= {
        "tracemalloc",
        "_tracemalloc",
        "psutil",
        "_interpreters",
        "_xxsubinterpreters",
    }, added


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
        monkeypatch.setattr(worker.session, "hook", hook)
        monkeypatch.setattr(worker.session, "pulse", None)
        monkeypatch.setattr(worker.session, "soft_signal", None)
        worker._on_task_done(sender, "1", "SUCCESS")
        worker._on_task_done(sender, "2", "FAILURE")
        with outer("shop.order"):
            worker._on_task_done(sender, "3", "SUCCESS")
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
