"""Hooks the children of the prefork pool.

Billiard owns SIGUSR1 in pool children: it is the soft time limit, and
``billiard.pool.Worker.after_fork`` installs its handler *after* ``worker_process_init``.
So soft limits get a real-time signal of their own:

* in the main process, before the pool starts, ``billiard.pool.SIG_SOFT_TIMEOUT`` becomes
  a free real-time signal, and ``billiard.pool._kill``, through which every soft limit
  and ``revoke(terminate=True, signal="SIGUSR1")`` goes, sends that one instead;
* in the child, ``after_fork`` then installs billiard's own handler on that signal,
  and right after its ``reset_signals`` the hook's handler goes on SIGUSR1.

Where there are no real-time signals (macOS), the hook's handler decides by the
clock whether a soft limit is due (see :mod:`leakhunt.hook.celery.soft_limits`).
"""

from __future__ import annotations

import _signal
import logging
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from celery import signals as celery_signals

from leakhunt.errors import LeakhuntError
from leakhunt.hook import config, current, signals
from leakhunt.hook.celery import soft_limits, tasks
from leakhunt.hook.celery.session import session
from leakhunt.hook.hook import Hook
from leakhunt.hook.log import say
from leakhunt.hook.process.identity import Work
from leakhunt.hook.signals import Handlers

#: ``worker.connect``, which a spawned child imports by its name.
Connect = Callable[[Mapping[str, Any]], None]


def prepare(hook: Hook, connect: Connect) -> None:
    """In the main process, before the pool starts. ``connect``: hooks a process that is spawned."""
    from celery.concurrency import prefork

    handlers = hook.handlers
    session.soft_signal = (
        signals.free_real_time((handlers.second,)) if handlers.signum == signal.SIGUSR1 else None
    )
    if session.soft_signal is not None:
        soft_limits.route(session.soft_signal)
    # Between its birth and its hook a child keeps the main process's handler, which
    # does nothing there, instead of dying of the signal.
    sigreset = getattr(prefork, "WORKER_SIGRESET", None)
    if isinstance(sigreset, set):
        sigreset.discard("SIGUSR1")
    if not isinstance(prefork.process_initializer, Initializer):
        prefork.process_initializer = Initializer(
            prefork.process_initializer,
            connect,
            session.keywords,
            session.main,
            session.soft_signal,
            session.soft_limit,
        )


def memory_limit() -> int | None:
    """Bytes after which billiard replaces a pool child (``worker_max_memory_per_child``)."""
    limit = session.memory_limit
    is_child = session.hook is not None and session.hook.process.role == "child"
    return int(limit) << 10 if is_child and isinstance(limit, (int, float)) and limit > 0 else None


class Initializer:
    """Celery's pool initializer, carrying the hook into children that are spawned.

    A forked child inherits everything; a spawned one is a fresh interpreter that
    unpickles this object, and so imports and connects the hook before Celery's own
    initializer announces ``worker_process_init``.
    """

    def __init__(
        self,
        initializer: Any,
        connect: Connect,
        keywords: Mapping[str, Any],
        main: int,
        soft_signal: int | None,
        soft_limit: float | None,
    ) -> None:
        self.initializer = initializer
        self.connect = connect
        self.keywords = dict(keywords)
        self.main = main
        self.soft_signal = soft_signal
        self.soft_limit = soft_limit

    def __reduce__(self) -> tuple[Any, ...]:
        # Celery's function is looked up by name, and in this process that name is taken.
        return _spawned, (
            self.connect,
            self.keywords,
            self.main,
            self.soft_signal,
            self.soft_limit,
        )

    def __call__(self, app: Any, hostname: str) -> None:
        session.node = session.node or hostname
        self.initializer(app, hostname)


def _spawned(
    connect: Connect,
    keywords: dict[str, Any],
    main: int,
    soft_signal: int | None,
    soft_limit: float | None,
) -> Initializer:
    """Unpickles an Initializer in a fresh interpreter: connect the hook there."""
    from celery.concurrency import prefork

    if session.hook is None and os.getpid() != main:
        connect(keywords)
        session.main, session.soft_signal, session.soft_limit = main, soft_signal, soft_limit
        session.pool = "prefork"
        try:
            session.hook = current.claim(config.settings(keywords))
        except LeakhuntError as error:
            say(logging.ERROR, f"the worker runs without the hook: {error}")
        if soft_signal is not None:
            soft_limits.receive(soft_signal)
    initializer = prefork.process_initializer
    if isinstance(initializer, Initializer):
        initializer = initializer.initializer
    return Initializer(initializer, connect, keywords, main, soft_signal, soft_limit)


def on_pool_child(sender: Any = None, **_: Any) -> None:
    """In a pool child, before billiard sets its own signal handlers."""
    hook = session.hook
    if hook is None or os.getpid() == session.main:
        return  # the solo pool announces its own process so
    import billiard.pool

    handlers = hook.handlers
    node = session.node or (sender if isinstance(sender, str) else None)
    # Before the record that tells the console of this process: until billiard has reset the
    # signals, the handler would be the one of the main process, Celery's stack report.
    claimed = _claimed(handlers)
    handlers.previous = None
    handlers.install(claimed if _is_users(claimed) else _signal.SIG_DFL)
    work = Work(tasks.in_this_thread, memory_limit, looks="task")
    hook.adopt("child", node, "prefork", session.main, work)
    tasks.count()
    clock = None
    if session.soft_signal is None and handlers.signum == signal.SIGUSR1:
        clock = soft_limits.Clock(session.soft_limit)
        celery_signals.task_prerun.connect(
            clock.task_begins, weak=False, dispatch_uid="leakhunt.task_begins"
        )
    reset = billiard.pool.reset_signals

    def reset_signals(*args: Any, **kwargs: Any) -> None:
        """Billiard resets; then comes the hook, chained to what the user had set."""
        claimed = _claimed(handlers)
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {handlers.signum})
        try:
            reset(*args, **kwargs)
            billiard.pool.reset_signals = reset
            handlers.previous = None
            handlers.install(claimed if _is_users(claimed) else _signal.SIG_DFL)
            if clock is not None:
                handlers.previous = None
                clock.arbitrate(handlers.on_signal)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        hook.listen()

    billiard.pool.reset_signals = reset_signals


def _claimed(handlers: Handlers) -> Any:
    """The handler that has the hook's signal; the one that it chains to, where that is the hook's."""
    handler = _signal.getsignal(handlers.signum)
    return handlers.previous if handler is handlers._on_signal else handler


def _is_users(handler: Any) -> bool:
    """Whether a handler found in a pool child is user code's, to be chained.

    The main process's stack report, which children inherit, is Celery's.
    """
    module = getattr(handler, "__module__", None) or ""
    return callable(handler) and module.partition(".")[0] not in (
        "celery",
        "billiard",
        "leakhunt",
        "signal",
    )
