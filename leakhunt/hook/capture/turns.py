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
import time
from collections.abc import Iterator
from pathlib import Path

from leakhunt.hook.capture import fork
from leakhunt.snapfile import folders
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
    """The descriptor of a place; None where there is none to be had."""
    try:
        with folders.opened(folder) as opened:
            if (
                posix.fstat(opened).st_uid != posix.geteuid()
            ):  # whose places anybody may hold for ever
                return None
            return _waited_for(opened)
    except OSError:
        return None


def _waited_for(folder: int) -> int | None:
    """As :func:`_taken`, in an opened folder. Raises OSError where nothing can be locked."""
    deadline = time.monotonic() + LONGEST_WAIT
    names = [f".turn-{os.uname().nodename}-{number}" for number in range(places())]
    while time.monotonic() < deadline:
        for name in names:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = posix.open(name, flags, 0o600, dir_fd=folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                posix.close(descriptor)
            except OSError:
                posix.close(descriptor)
                raise
        fork.rest()
        if hasattr(signal, "sigtimedwait"):  # gevent and eventlet replace time.sleep
            signal.sigtimedwait((), PAUSE)
        else:
            time.sleep(PAUSE)
    return None
