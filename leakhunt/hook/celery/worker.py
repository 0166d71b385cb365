"""Hooks Celery workers of every pool. Imports Celery, so it is imported where Celery is.

Prefork needs care, because billiard owns SIGUSR1 in pool children: it is the soft
time limit, and ``billiard.pool.Worker.after_fork`` installs its handler *after*
``worker_process_init``. So soft limits get a real-time signal of their own:

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
import _thread
import atexit
import contextlib
import logging
import os
import signal
import sys
import types
from collections.abc import Mapping
from typing import Any

from celery import signals as celery_signals
from celery._state import _task_stack, get_current_task
from celery.app import trace

from leakhunt.errors import LeakhuntError
from leakhunt.hook import config, current, signals
from leakhunt.hook.celery import remote, soft_limits
from leakhunt.hook.celery.pulse import Pulse
from leakhunt.hook.hook import Hook
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import Work
from leakhunt.hook.signals import Handlers, in_main_thread

#: Pools that run a task at a time in each thread.
THREADED = ("prefork", "solo", "threads")


class Session:
    """One worker process: what was asked for, its hook and its handlers."""

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.apps: list[Any] = []
        self.any_app = False
        self.main = 0
        self.worker: Any = None
        """Celery's own, in the main process."""
        self.node: str | None = None
        self.pool: str | None = None
        self.hook: Hook | None = None
        self.soft_signal: int | None = None
        self.soft_limit: float | None = None
        self.pulse: Pulse | None = None
        self.memory_limit: int | None = None
        """KiB, as Celery counts them."""


session = Session()


def connect(keywords: Mapping[str, Any], app: Any = None) -> None:
    """Hook the workers that this process starts: of ``app``, or of any app.

    Nothing happens until a worker starts. Calling it again adds to the settings.
    """
    session.keywords.update({key: value for key, value in keywords.items() if value is not None})
    if app is None:
        session.any_app = True
    elif app not in session.apps:
        session.apps.append(app)
    for signal_, receiver in (
        (celery_signals.worker_init, _on_worker_init),
        (celery_signals.worker_process_init, _on_pool_child),
        (celery_signals.worker_ready, _on_worker_ready),
        (celery_signals.worker_process_shutdown, _on_exit),
        (celery_signals.worker_shutdown, _on_exit),
    ):
        signal_.connect(receiver, weak=False, dispatch_uid=f"leakhunt.{receiver.__name__}")
    remote.register_for_the_console()


# -- the main process -----------------------------------------------------------------


def _on_worker_init(sender: Any = None, **_: Any) -> None:
    """Before the pool exists: settle what children will inherit."""
    if not (session.any_app or any(app is sender.app for app in session.apps)):
        return
    try:
        hook = session.hook = current.claim(config.settings(session.keywords))
    except LeakhuntError as error:
        say(logging.ERROR, f"the worker runs without the hook: {error}")
        return
    session.main, session.worker = os.getpid(), sender
    remote.register()
    _say_what_it_weighs(sender.app, hook)
    atexit.register(_ignore_signals)
    session.node = sender.hostname
    session.pool = _pool_name(sender.pool_cls)
    if session.pool == "prefork":
        session.soft_limit = getattr(sender, "soft_time_limit", None)
        session.memory_limit = getattr(sender, "max_memory_per_child", None)
        _prepare_prefork(hook)
        work = Work(_running_here, tell_others=lambda: _tell_children(sender))
    else:
        _count_tasks()
        work = Work(_running_child if session.pool == "solo" else _running_here, looks="task")
    if in_main_thread():
        # Celery replaces it by its stack report, which the final handler chains to. The second
        # signal stays, so that the console is answered before the broker is.
        hook.handlers.install()
    role = "main" if session.pool == "prefork" else "worker"
    hook.adopt(role, session.node, session.pool, work=work)


def _say_what_it_weighs(app: Any, hook: Hook) -> None:
    if not hook.settings.events:
        return
    try:
        from leakhunt.hook.celery import saying

        saying.connect(app)
    except Exception as error:  # noqa: BLE001 - the worker's guard
        say(logging.ERROR, f"no events: {type(error).__name__}: {error}")


def _pool_name(pool: Any) -> str:
    """``prefork solo threads gevent eventlet``, or the module's name of another pool."""
    if isinstance(pool, str):
        pool = {"processes": "prefork", "threads": "threads"}.get(pool, pool)
        module = pool.partition(":")[0]
    else:
        module = next(
            (c.__module__ for c in pool.__mro__ if c.__module__ == "celery.concurrency.prefork"),
            pool.__module__,
        )
    name: str = module.rpartition(".")[2]
    return "threads" if name == "thread" else name


def _on_worker_ready(sender: Any = None, **_: Any) -> None:
    """The pool runs and Celery has set its own handlers: chain the main process's."""
    hook = session.hook
    if hook is None:
        return
    if in_main_thread():
        hook.handlers.install()
    else:  # a worker embedded in a thread: there is no signal, everything else works
        say(
            logging.WARNING, "this worker does not run in the main thread: no signal, only triggers"
        )
    hook.listen()
    how = "after the first signal" if hook.tracing.start == "signal" else "now"
    hook.say_what_is_missing()
    if hook.presence.unwritable is not None:
        say(logging.ERROR, f"hooked, but no snapshot can be written: {hook.presence.unwritable}")
        return
    name = hook.settings.signal_name[3:]
    ask = (
        f"kill -{name} {hook.pid}"
        if hook.presence.heard == signals.HEARD
        else f"leakhunt dump {hook.pid}"
    )
    say(
        logging.INFO,
        f"hooked ({session.pool}, engine {hook.tracing.engine.name}, traces {how}): "
        f"{ask} writes to {hook.settings.dir}",
    )


def _tell_children(worker: Any) -> None:
    """Send the signal to every pool child that can take it.

    A spawned child that is still importing has no handler yet and would die, so
    the kernel is asked first. The spawn pool's semaphore_tracker is no pool child:
    only the pool's own list counts. Nor is the embedded beat of ``-B``, which would die of it.
    """
    assert session.hook is not None
    signum = session.hook.handlers.signum
    for pid in remote.pool_children(worker):
        if vitals.catches(pid, signum) is not False:
            with contextlib.suppress(OSError):
                os.kill(pid, signum)


# -- prefork --------------------------------------------------------------------------


def _prepare_prefork(hook: Hook) -> None:
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
            session.keywords,
            session.main,
            session.soft_signal,
            session.soft_limit,
        )


def _memory_limit() -> int | None:
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
        keywords: Mapping[str, Any],
        main: int,
        soft_signal: int | None,
        soft_limit: float | None,
    ) -> None:
        self.initializer = initializer
        self.keywords = dict(keywords)
        self.main = main
        self.soft_signal = soft_signal
        self.soft_limit = soft_limit

    def __reduce__(self) -> tuple[Any, ...]:
        # Celery's function is looked up by name, and in this process that name is taken.
        return _spawned, (self.keywords, self.main, self.soft_signal, self.soft_limit)

    def __call__(self, app: Any, hostname: str) -> None:
        session.node = session.node or hostname
        self.initializer(app, hostname)


def _spawned(
    keywords: dict[str, Any], main: int, soft_signal: int | None, soft_limit: float | None
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
    return Initializer(initializer, keywords, main, soft_signal, soft_limit)


def _on_pool_child(sender: Any = None, **_: Any) -> None:
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
    work = Work(_running_child, _memory_limit, looks="task")
    hook.adopt("child", node, "prefork", session.main, work)
    _count_tasks()
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


# -- tasks ----------------------------------------------------------------------------


def _count_tasks() -> None:
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


def _running_child() -> list[str]:
    task = get_current_task()
    return [] if task is None else [task.name]


def _running_here() -> list[str]:
    state = sys.modules.get("celery.worker.state")
    return sorted(request.name for request in list(getattr(state, "active_requests", ())))


def _ignore_signals() -> None:
    """At the interpreter's end: a signal that comes then must not kill a worker that has shut down
    cleanly.
    """
    if session.hook is not None and os.getpid() == session.main:
        session.hook.handlers.ignore()


def _on_exit(**_: Any) -> None:
    hook = session.hook
    if hook is None or hook.pid != os.getpid():
        return
    hook.leave()
    hook.handlers.release_child()
