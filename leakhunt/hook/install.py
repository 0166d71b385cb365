"""One hook per process: who asked for it, in which kind of program."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from leakhunt.errors import CaptureError, SettingError
from leakhunt.hook import config, current, unit
from leakhunt.hook.log import say
from leakhunt.hook.process.identity import Work
from leakhunt.hook.signals import in_main_thread

_fork_followed = False


def program(keywords: Mapping[str, Any]) -> None:
    """Hook the running program. Raises SettingError; without a usable folder as well."""
    global _fork_followed
    settings = config.settings(keywords)
    if not in_main_thread():
        raise SettingError("leakhunt.install() must be called in the main thread")
    hook = current.claim(settings)
    config.say_unknown()
    hook.handlers.install()
    hook.adopt("program", work=Work(running=unit.opened.running))
    hook.say_what_is_missing()
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
    """As :func:`connect`; a bad setting is said in the log, and there is no hook.

    Whatever else goes wrong is said likewise: this is called while a worker starts.
    """
    try:
        config.settings(keywords)
        config.say_unknown()
        connect(keywords, app)
    except SettingError as error:
        say(logging.ERROR, f"the worker runs without the hook: {error}")
    except Exception as error:  # noqa: BLE001 - the worker's guard
        say(logging.ERROR, f"the worker runs without the hook: {type(error).__name__}: {error}")


def dump() -> str:
    """A snapshot of this process now. Raises CaptureError."""
    hook = current.hook()
    if hook is None or hook.pid != os.getpid():
        raise CaptureError(
            "leakhunt is not installed in this process: call leakhunt.install() first"
        )
    return hook.captures.dump()


def _at_exit() -> None:
    hook = current.hook()
    if hook is not None and hook.pid == os.getpid():
        hook.leave()
        hook.handlers.release_child()
        hook.handlers.ignore()


def _in_forked_child() -> None:
    """A program that forks: its children are hooked too (a capture's own child is not)."""
    hook = current.hook()
    if hook is None or hook.process.role not in ("program", "fork") or hook.captures.is_at_work():
        return
    try:
        hook.adopt("fork", main=hook.pid, work=Work(running=unit.opened.running))
    except Exception as error:  # noqa: BLE001 - the worker's guard
        say(logging.ERROR, f"a forked child runs without the hook: {error}")
