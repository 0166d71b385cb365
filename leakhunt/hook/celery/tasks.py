"""Which tasks run in a worker process, and which are done: what the hook counts."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import types
from typing import Any

from celery import signals as celery_signals
from celery._state import _task_stack, get_current_task
from celery.app import trace

from leakhunt.hook.celery.pulse import Pulse
from leakhunt.hook.celery.session import session

#: Pools that run a task at a time in each thread.
THREADED = ("prefork", "solo", "threads")


def count() -> None:
    """From now on, in this process."""
    session.pulse = Pulse(
        times_threads=session.pool not in ("gevent", "eventlet"),
        alone=session.pool in ("prefork", "solo"),
    )
    if session.hook is not None and (session.pool not in THREADED or _is_patched()):
        session.hook.task_file = trace.build_tracer.__code__.co_filename
    celery_signals.task_prerun.connect(
        _on_task_begins, weak=False, dispatch_uid="leakhunt._on_task_begins"
    )
    celery_signals.task_postrun.connect(
        _on_task_done, weak=False, dispatch_uid="leakhunt._on_task_done"
    )


def _is_patched() -> bool:
    """Whether threads are greenlets: gevent's or eventlet's monkey has been here."""
    return not isinstance(_thread.start_new_thread, types.BuiltinFunctionType)


def _on_task_begins(sender: Any = None, task_id: Any = None, **_: Any) -> None:
    hook, pulse = session.hook, session.pulse
    if hook is not None and hook.pid == os.getpid():
        hook.task_begins(sender.name)
        if pulse is not None:
            pulse.begins(task_id, sender.name)


def _on_task_done(sender: Any = None, task_id: Any = None, state: Any = None, **_: Any) -> None:
    hook, pulse = session.hook, session.pulse
    if hook is not None and hook.pid == os.getpid():
        wall, cpu = (None, None) if pulse is None else pulse.ends(task_id)
        running = _task_stack.stack  # this one, and those that have called it eagerly
        outer = running[-2].name if len(running) > 1 else None
        hook.task_done(sender.name, outer, wall, cpu, state == "FAILURE")
        if session.soft_signal is not None or hook.handlers.signum != signal.SIGUSR1:
            hook.handlers.reclaim()


def in_this_thread() -> list[str]:
    """The task that runs in this thread, or none."""
    task = get_current_task()
    return [] if task is None else [task.name]


def in_this_process() -> list[str]:
    """The tasks that a worker has begun, in whatever thread, greenlet or pool child."""
    state = sys.modules.get("celery.worker.state")
    return sorted(request.name for request in list(getattr(state, "active_requests", ())))
