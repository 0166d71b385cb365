"""Hooks Celery workers of every pool. Imports Celery, so it is imported where Celery is."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
from collections.abc import Mapping
from typing import Any

from celery import signals as celery_signals

from leakhunt.errors import LeakhuntError
from leakhunt.hook import config, current, signals
from leakhunt.hook.celery import prefork, remote, tasks
from leakhunt.hook.celery.session import session
from leakhunt.hook.hook import Hook
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import Work
from leakhunt.hook.signals import in_main_thread


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
        (celery_signals.worker_process_init, prefork.on_pool_child),
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
        prefork.prepare(hook, connect)
        work = Work(tasks.in_this_process, tell_others=lambda: _tell_children(sender))
    else:
        tasks.count()
        work = Work(
            tasks.in_this_thread if session.pool == "solo" else tasks.in_this_process, looks="task"
        )
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
