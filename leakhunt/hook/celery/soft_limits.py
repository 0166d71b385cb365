"""Whose signal is it? billiard sends soft time limits by the signal that asks for a snapshot.

Where there are real-time signals, soft limits get one of their own (:func:`route`). Elsewhere
(macOS) one handler serves both and decides by the clock (:class:`Clock`). Only for a process
that has Celery: what is imported here is imported there already.
"""

from __future__ import annotations

import _signal
import os
import signal
import time
from collections.abc import Callable
from typing import Any


def route(signum: int) -> None:
    """In the main process: send by ``signum`` wherever billiard would send SIGUSR1."""
    import billiard.pool

    billiard.pool.SIG_SOFT_TIMEOUT = signum
    send = billiard.pool._kill
    if getattr(send, "leakhunt", False):
        return

    def kill(pid: int, sent: int) -> None:
        send(pid, signum if sent == signal.SIGUSR1 and pid != os.getpid() else sent)

    kill.leakhunt = True  # type: ignore[attr-defined]
    billiard.pool._kill = kill


def receive(signum: int) -> None:
    """In a spawned child: take soft limits by ``signum``, as a forked one inherits it."""
    import billiard.pool

    billiard.pool.SIG_SOFT_TIMEOUT = signum
    _signal.signal(signum, billiard.pool.soft_timeout_sighandler)


class Clock:
    """In a pool child: whether the running task's soft limit is due, told by the time it runs."""

    def __init__(self, limit: float | None) -> None:
        """``limit``: the worker's own, in seconds, which only its main process knows."""
        self._limit = limit
        self._began = 0.0

    def task_begins(self, **_: Any) -> None:
        self._began = time.monotonic()

    def arbitrate(self, otherwise: Callable[[int, Any], None]) -> None:
        """Put one handler for both in the place of billiard's own."""
        import billiard.pool

        soft = billiard.pool.soft_timeout_sighandler

        def handler(signum: int, frame: Any) -> None:
            if self._is_due():
                self._began = 0.0
                soft(signum, frame)
            otherwise(signum, frame)

        billiard.pool.soft_timeout_sighandler = handler

    def _is_due(self) -> bool:
        """Whether the running task has used up its soft time limit (and was not told yet).

        The limit of the call, the task, the worker's command line, or the configuration.
        """
        from celery._state import get_current_task

        task = get_current_task()
        if task is None or not self._began:
            return False
        asked = getattr(task.request, "timelimit", None) or (None, None)
        limit = (
            asked[1] or task.soft_time_limit or self._limit or task.app.conf.task_soft_time_limit
        )
        return bool(limit) and time.monotonic() - self._began >= limit * 0.98 - 0.05
