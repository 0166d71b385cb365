"""Captures of one host take turns: a signal to forty workers must not starve them all.

A child has read the process's memory by then; what it does next takes CPU time alone. A place is
a file that it holds locked (flock(2)), so one that dies gives its place back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import posix
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from leakhunt.hook.capture import fork
from leakhunt.snapfile.folders import PROCESSES

#: However many others there are, a child that has waited so long goes on: seconds.
LONGEST_WAIT = 600.0
#: Between two looks: seconds.
PAUSE = 0.05


def places() -> int:
    """How many captures of a host work at a time: half of its CPUs, one at least."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)) // 2)
    return max(1, (os.cpu_count() or 1) // 2)


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[bool]:
    """Wait for a place among those whose snapshots go to ``folder``; True if there is one.

    In a capture's child. Where nothing can be locked, nobody waits.
    """
    held = _taken(folder / PROCESSES)
    try:
        yield held is not None
    finally:
        if held is not None:
            posix.close(held)


def _taken(folder: Path) -> int | None:
    deadline = time.monotonic() + LONGEST_WAIT
    names = [folder / f".turn-{socket.gethostname()}-{number}" for number in range(places())]
    while time.monotonic() < deadline:
        for name in names:
            descriptor = -1
            try:
                descriptor = posix.open(
                    name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
                )
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                posix.close(descriptor)
            except OSError:
                if descriptor >= 0:
                    posix.close(descriptor)
                return None
        fork.rest()
        if hasattr(signal, "sigtimedwait"):  # gevent and eventlet replace time.sleep
            signal.sigtimedwait((), PAUSE)
        else:
            time.sleep(PAUSE)
    return None
