"""What this process's tasks are at, readable from outside at any moment, for a microsecond a task.

A page of shared memory (memfd_create(2), Linux 3.17) that the process keeps open: the console
of the same user or root finds it among ``/proc/PID/fd`` and reads it without asking, so a
process that hangs is seen to hang. It is sealed against shrinking, since a mapping whose file
has been cut kills its owner with SIGBUS. Elsewhere there is none.

The page: :data:`LAYOUT`. ``turn`` is odd while the page is being written (a sequence lock), so
a reader that finds it odd, or changed afterwards, reads again.
"""

from __future__ import annotations

import contextlib
import os
import posix
import struct
import time
from typing import Any, NamedTuple

NAME = "leakhunt-pulse"
MAGIC = b"lhpulse1"
SIZE = 4096
#: magic, turn, pid, tasks done, tasks under way, seconds that the done ones took, when the last
#: one ended, when the newest one began (seconds since the epoch), the length of its name, the name.
LAYOUT = struct.Struct("<8sQQQQdddQ200s")
_TURN = struct.Struct("<Q")
_AT_TURN = 8
_BODY = struct.Struct("<QQddd")
_AT_BODY = 24
_TASK = struct.Struct("<Q200s")
_AT_TASK = _AT_BODY + _BODY.size
#: A writer holds the page for a microsecond: that many readings in a row do not all meet one.
READINGS = 100


class Reading(NamedTuple):
    """What a page says. :class:`leakhunt.model.process.Pulse` explains the fields: the worker does not load that one."""

    done: int
    wall: float
    last_done: float | None
    running: int
    task: str | None
    since: float | None


class Pulse:
    """Of one process. Task begins and ends may come from several threads."""

    def __init__(self) -> None:
        self._page: Any = _page()
        self._turn = self._done = 0
        self._wall = self._last = 0.0
        self._open: dict[Any, tuple[float, str]] = {}
        self._names: dict[str, bytes] = {}
        if self._page is not None:
            LAYOUT.pack_into(self._page, 0, MAGIC, 0, os.getpid(), 0, 0, 0.0, 0.0, 0.0, 0, b"")

    def begins(self, task_id: Any, name: str) -> None:
        """A task begins."""
        now = time.time()
        self._open[task_id] = now, name
        self._write(now, name)

    def ends(self, task_id: Any) -> float | None:
        """A task has ended, however; the seconds that it took, None if it was never begun."""
        now = time.time()
        began = self._open.pop(task_id, None)
        self._done += 1
        self._last = now
        took = None if began is None else now - began[0]
        if took is not None:
            self._wall += took
        if self._open:
            # A task that another one called has ended, or one beside another's.
            with contextlib.suppress(RuntimeError, StopIteration):  # changed by another thread
                self._write(*next(reversed(self._open.values())))
                return took
        self._write(0.0, None)
        return took

    def _write(self, since: float, name: str | None) -> None:
        page = self._page
        if page is None:
            return
        # Two threads that write at once may leave a mixture until the next task begins or ends.
        turn = self._turn + 1 | 1
        _TURN.pack_into(page, _AT_TURN, turn)
        _BODY.pack_into(page, _AT_BODY, self._done, len(self._open), self._wall, self._last, since)
        if name is not None:
            encoded = self._names.get(name)
            if encoded is None:
                encoded = self._names[name] = name.encode(errors="replace")[:200]
            _TASK.pack_into(page, _AT_TASK, len(encoded), encoded)
        self._turn = turn + 1
        _TURN.pack_into(page, _AT_TURN, self._turn)


def _page() -> Any:
    """A shared page of this process's own; None where the system gives none."""
    import fcntl
    import mmap

    if not (hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")):
        return None
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, SIZE)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            # The map keeps the descriptor's duplicate open; the console finds either.
            return mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
    return None


def look(pid: int, inner: int) -> Reading | None:
    """What a process says of its tasks; None where it has no page, or none for this user.

    ``inner`` is the pid by which it knows itself: a forked child that is not hooked keeps its
    parent's page open.
    """
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in posix.listdir(folder):
            with contextlib.suppress(OSError):
                if posix.readlink(f"{folder}/{name}").startswith(f"/memfd:{NAME}"):
                    reading = _read(f"{folder}/{name}", inner)
                    if reading is not None:
                        return reading
    return None


def _read(path: str, inner: int) -> Reading | None:
    descriptor = posix.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(READINGS):
            page = posix.pread(descriptor, LAYOUT.size, 0)
            if len(page) < LAYOUT.size:
                return None
            magic, turn, owner, done, running, wall, last, since, length, name = LAYOUT.unpack(page)
            if magic != MAGIC or owner != inner:
                return None
            if turn % 2 or page != posix.pread(descriptor, LAYOUT.size, 0):
                continue
            return Reading(
                done=done,
                wall=wall,
                last_done=last or None,
                running=running,
                task=name[: min(length, len(name))].decode(errors="replace") if running else None,
                since=since if running else None,
            )
    finally:
        posix.close(descriptor)
    return None
