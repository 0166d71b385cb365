"""The worker's log, also from inside a signal handler."""

from __future__ import annotations

import _thread
import contextlib
import logging
import sys
import threading
from types import FrameType

from leakhunt.hook.process import standard

LOGGER = logging.getLogger("leakhunt")
#: The module whose functions are called by a signal.
HANDLERS = "leakhunt.hook.signals"

#: How far to look, outwards, for a signal's handler and the logging call that it interrupted.
DEPTH = 1000
#: Of these packages it is known that a thread which has interrupted itself may write to the log: their
#: locks are its own to take again.
REENTRANT = frozenset({"logging", "celery"})
#: Methods of loggers that a line passes through, which others replace (Sentry), and whose they are else.
METHODS = ("log", "_log", "makeRecord", "handle", "callHandlers")
METHODS_OF = frozenset({"logging", "celery.utils.log"})


def say(level: int, message: str) -> None:
    """One line in the log; never raises, and never waits for a lock of the code that it interrupts.

    A signal may arrive while this very thread writes a log record: the stream under it is not
    reentrant. Then the line goes to standard error directly. In a handler of a signal, where handlers
    of the log, formatters or filters are not the standard library's (loguru, QueueHandler, an
    exporter), a thread of its own writes it: the interrupted code may hold any of their locks.
    """
    try:
        interrupts, inside = _above(sys._getframe(1))
        if inside or not LOGGER.isEnabledFor(level):
            if level >= logging.WARNING:
                standard.error(f"leakhunt: {message}")
        elif interrupts and not _all_reentrant(LOGGER):
            _thread.start_new_thread(_write, (level, message))
        else:
            LOGGER.log(level, "leakhunt: %s", message)
    except Exception:  # noqa: BLE001 - the worker's guard
        standard.error(f"leakhunt: {message}")


def _write(level: int, message: str) -> None:
    """In a thread of its own."""
    with contextlib.suppress(Exception):
        LOGGER.log(level, "leakhunt: %s", message)
    # A record names its thread, for which threading then keeps an object as long as it lives itself.
    getattr(threading, "_active", {}).pop(_thread.get_ident(), None)


def _all_reentrant(logger: logging.Logger | None) -> bool:
    """Whether nothing that a line passes through can wait for the thread that writes it."""
    if logging.getLogRecordFactory() is not logging.LogRecord:
        return False
    while logger is not None:
        if any(getattr(type(logger), name).__module__ not in METHODS_OF for name in METHODS):
            return False
        for part in (logger, *logger.filters):
            if not _is_known(part):
                return False
        for handler in logger.handlers:
            parts = (handler, handler.formatter, *handler.filters)
            if not all(part is None or _is_known(part) for part in parts):
                return False
        logger = logger.parent if logger.propagate else None
    return True


def _is_known(part: object) -> bool:
    module = type(part).__module__
    if module == "logging.handlers":  # of queues, sockets and mail, and of files
        return isinstance(part, logging.FileHandler)
    return module.partition(".")[0] in REENTRANT


def _above(frame: FrameType | None) -> tuple[bool, bool]:
    """Whether a handler of the hook's signals is among the callers, and a logging call."""
    interrupts = False
    for _ in range(DEPTH):
        if frame is None:
            break
        module = frame.f_globals.get("__name__", "")
        if module == HANDLERS:
            interrupts = True
        elif type(module) is str and module.partition(".")[0] == "logging":
            return interrupts, True
        frame = frame.f_back
    return interrupts, False
