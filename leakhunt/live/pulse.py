"""Reads what a hooked process says of its tasks (see :mod:`leakhunt.hook.celery.pulse`)."""

from __future__ import annotations

import contextlib
import os

from leakhunt.hook.celery.pulse import LAYOUT, MAGIC, NAME
from leakhunt.model.process import Pulse

#: A writer holds the page for a microsecond: that many readings in a row do not all meet one.
READINGS = 100


def pulse(pid: int, inner: int) -> Pulse | None:
    """The process's pulse; None where it has none, or not for this user.

    ``inner`` is the pid by which it knows itself: a forked child that is not hooked keeps its
    parent's page open.
    """
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                if os.readlink(f"{folder}/{name}").startswith(f"/memfd:{NAME}"):
                    found = _read(f"{folder}/{name}", inner)
                    if found is not None:
                        return found
    return None


def _read(path: str, inner: int) -> Pulse | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(READINGS):
            page = os.pread(descriptor, LAYOUT.size, 0)
            if len(page) < LAYOUT.size:
                return None
            magic, turn, owner, done, running, wall, last, since, length, name = LAYOUT.unpack(page)
            if magic != MAGIC or owner != inner:
                return None
            if turn % 2 or page != os.pread(descriptor, LAYOUT.size, 0):
                continue
            return Pulse(
                done=done,
                wall=wall,
                last_done=last or None,
                running=running,
                task=name[: min(length, len(name))].decode(errors="replace") if running else None,
                since=since if running else None,
            )
    finally:
        os.close(descriptor)
    return None
