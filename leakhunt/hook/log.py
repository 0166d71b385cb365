"""The worker's log, also from inside a signal handler."""

from __future__ import annotations

import contextlib
import logging
import os
import posix
import sys
from types import FrameType

LOGGER = logging.getLogger("leakhunt")

#: How far to look for a logging call that the signal interrupted.
DEPTH = 64


def say(level: int, message: str) -> None:
    """One line in the log; never raises.

    A signal may arrive while this very thread writes a log record: the stream
    under it is not reentrant. Then the line goes to standard error directly.
    """
    try:
        if LOGGER.isEnabledFor(level) and not _inside_logging(sys._getframe(1)):
            LOGGER.log(level, "leakhunt: %s", message)
        elif level >= logging.WARNING:
            posix.write(2, f"leakhunt: {message}\n".encode())
    except Exception:  # noqa: BLE001 - the worker's guard
        with contextlib.suppress(OSError):
            posix.write(2, f"leakhunt: {message}{os.linesep}".encode(errors="replace"))


def _inside_logging(frame: FrameType | None) -> bool:
    for _ in range(DEPTH):
        if frame is None:
            return False
        if frame.f_globals.get("__name__", "").partition(".")[0] == "logging":
            return True
        frame = frame.f_back
    return False
