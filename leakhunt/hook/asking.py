"""Asks another hooked process: a request in its letter box, and the signal that makes it look.

For the console, and for a worker's main process that is told through Celery to ask its children.
"""

from __future__ import annotations

import posix
import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

from leakhunt.hook import letterbox
from leakhunt.hook.process import alive
from leakhunt.hook.signal_names import FORBIDDEN_SIGNALS, signal_name


class Way(NamedTuple):
    """What makes a process look into its letter box."""

    word: str
    """``signal``, ``task`` (after its next one) or ``timer`` (within a second)."""
    signum: int | None
    """The signal to send."""


def way(pid: int, record: Mapping[str, Any]) -> Way | None:
    """How a process with that record, checked (:func:`letterbox.read`), is made to look; None: no way."""
    for key in ("second", "signal"):
        signum = record[key]
        if signum is None or not 0 < signum < signal.NSIG:
            continue
        if signal_name(signum) in FORBIDDEN_SIGNALS:
            continue
        if key == "signal" and record["heard"] != "heard":
            continue
        told = alive.disposition(pid, signum)
        if told is None or told.caught:
            return Way("signal", int(signum))
    return Way(record["looks"], None) if record["looks"] in ("task", "timer") else None


def hearing(pid: int, record: Mapping[str, Any], status: bytes | None = None) -> str:
    """``heard``, ``blocked``, ``taken`` or ``none``: what becomes of the signal that users send.

    ``status``: what ``alive.told`` has just said of the process.
    """
    told, state = alive.disposition(pid, record["signal"], status), record["heard"]
    if state == "taken":
        return "taken"
    if state == "none" or (told is not None and not told.caught):
        return "none"
    return "blocked" if state == "blocked" or (told is not None and told.blocked) else "heard"


def leave(descriptor: int, request: str) -> str:
    """Add a request to an opened record; the name under which it will be answered. Raises OSError."""
    identity = posix.urandom(8).hex()
    posix.write(descriptor, letterbox.line(identity, request))
    return identity
