"""What the hook adds to a process that runs a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
from celery.concurrency.prefork import TaskPool as Prefork
from celery.concurrency.solo import TaskPool as Solo
from celery.concurrency.thread import TaskPool as Threads

from leakhunt.hook.celery import remote, worker
from leakhunt.hook.celery.session import session
from leakhunt.hook.process import vitals
from tests.support.places import ROOT


class Own(Prefork):  # type: ignore[misc]
    """A pool that somebody made of Celery's."""


@pytest.mark.parametrize(
    ("pool", "name"),
    [
        ("prefork", "prefork"), ("processes", "prefork"), ("threads", "threads"), ("gevent", "gevent"),
        ("celery.concurrency.thread:TaskPool", "threads"), ("shop.pools:Pool", "pools"),
        (Prefork, "prefork"), (Own, "prefork"), (Solo, "solo"), (Threads, "threads"),
    ],
)  # fmt: skip
def test_a_pool_has_one_name_however_it_was_asked_for(pool: Any, name: str) -> None:
    assert worker._pool_name(pool) == name


def test_a_child_that_has_no_handler_yet_is_sent_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would die of it; where the kernel does not say, it is taken to have one."""
    sent: list[tuple[int, int]] = []
    catches = {7: True, 8: False, 9: None}
    hook: Any = SimpleNamespace(handlers=SimpleNamespace(signum=10))
    monkeypatch.setattr(session, "hook", hook)
    monkeypatch.setattr(remote, "pool_children", lambda of: list(catches))
    monkeypatch.setattr(vitals, "catches", lambda pid, signum: catches[pid])
    monkeypatch.setattr(os, "kill", lambda pid, signum: sent.append((pid, signum)))
    worker._tell_children(None)
    assert sent == [(7, 10), (9, 10)]


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
