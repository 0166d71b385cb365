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
import struct
import time
from typing import Any

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
            known = self._names.get(name)
            if known is None:
                known = self._names[name] = name.encode(errors="replace")[:200]
            _TASK.pack_into(page, _AT_TASK, len(known), known)
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
