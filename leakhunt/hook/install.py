"""One hook per process: who asked for it, in which kind of program."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from leakhunt.errors import CaptureError, SettingError
from leakhunt.hook import config
from leakhunt.hook.config import Settings
from leakhunt.hook.hook import Hook
from leakhunt.hook.log import say
from leakhunt.hook.signals import Handlers, in_main_thread

_hook: Hook | None = None
_handlers: Handlers | None = None
_fork_followed = False


def claim(settings: Settings) -> tuple[Hook, Handlers]:
    """This process's hook, made now or earlier; ``settings`` are the newer ones.

    Raises SettingError when the hook already runs on another signal.
    """
    global _hook, _handlers
    if _hook is None or _handlers is None:
        _hook = Hook(settings)
        _handlers = Handlers(_hook)
    elif _hook.settings != settings:
        if _hook.settings.signal != settings.signal or _hook.settings.engine != settings.engine:
            raise SettingError(
                "leakhunt is installed in this process already, with another signal or engine"
            )
        _hook.take(settings)
    return _hook, _handlers


def program(keywords: Mapping[str, Any]) -> None:
    """Hook the running program. Raises SettingError; without a usable folder as well."""
    global _fork_followed
    hook, handlers = claim(config.settings(keywords))
    if not in_main_thread():
        raise SettingError("leakhunt.install() must be called in the main thread")
    hook.adopt("program", None, None, None)
    hook.tracing.say_engine()
    handlers.install()
    if not _fork_followed:
        _fork_followed = True
        atexit.register(_at_exit)
        os.register_at_fork(after_in_child=_in_forked_child)
    if "celery" in sys.modules:
        connect(keywords, None)


def connect(keywords: Mapping[str, Any], app: Any) -> None:
    """Hook the Celery workers that this process will start."""
    from leakhunt.hook.celery import worker

    worker.connect(keywords, app)


def connect_or_say(keywords: Mapping[str, Any], app: Any) -> None:
    """As :func:`connect`; a bad setting is said in the log, and there is no hook."""
    try:
        config.settings(keywords)
    except SettingError as error:
        say(logging.ERROR, f"the worker runs without the hook: {error}")
        return
    connect(keywords, app)


def dump() -> str:
    """A snapshot of this process now. Raises CaptureError."""
    if _hook is None or _hook.pid != os.getpid():
        raise CaptureError(
            "leakhunt is not installed in this process: call leakhunt.install() first"
        )
    return _hook.dump()


def _at_exit() -> None:
    if _hook is not None and _hook.pid == os.getpid():
        _hook.leave()
        if _handlers is not None:
            _handlers.release_child()


def _in_forked_child() -> None:
    """A program that forks: its children are hooked too (a capture's own child is not)."""
    hook = _hook
    if hook is None or hook.process.role not in ("program", "fork") or hook._lock.locked():
        return
    try:
        hook.adopt("fork", None, None, hook.pid)
    except Exception as error:  # noqa: BLE001 - the worker's guard
        say(logging.ERROR, f"a forked child runs without the hook: {error}")
