"""What this process's tasks are at, readable from outside at any moment, for a microsecond a task.

A page of shared memory (memfd_create(2), Linux 3.17) that the process keeps open: the console
of the same user or root finds it among ``/proc/PID/fd`` and reads it without asking, so a
process that hangs is seen to hang. It is sealed against shrinking, since a mapping whose file
has been cut kills its owner with SIGBUS. Elsewhere there is none.

The page: :data:`LAYOUT`. A byte of it says that it is being written; all the rest goes in by one
call of ``struct``, which no other thread interrupts. A reader that finds the byte set, or the page
changed when it reads it again, begins anew.

Moments are of the monotonic clock, which all processes of a machine share and nobody sets; the
reader turns them into the time of day by its own two clocks. (In a Linux time namespace of its own,
which container runtimes do not make unless they are told, a process has another monotonic clock.)
"""

from __future__ import annotations

import contextlib
import os
import posix
import stat
import struct
from collections.abc import Iterable, Iterator
from time import monotonic, thread_time, time
from typing import Any, NamedTuple

from leakhunt.hook.process import shared, standard

NAME = "leakhunt-pulse"
MAGIC = b"lhpulse2"
SIZE = 4096
#: magic, whether it is being written, pid, tasks done, tasks under way, seconds that the done ones
#: took, when the last one ended, when the newest one began (monotonic seconds), the length of its
#: name, the name.
LAYOUT = struct.Struct("<8sQQQQdddQ200s")
_AT_WRITING = 8
_IDLE = struct.Struct("<QQddd")
_NAME = struct.Struct("<Q200s")
_BUSY = struct.Struct(f"<QQddd{_NAME.size}s")
_AT_BODY = LAYOUT.size - _BUSY.size
_pack_idle, _pack_busy = _IDLE.pack_into, _BUSY.pack_into
#: A writer holds the page for a microsecond: that many readings in a row do not all meet one.
READINGS = 100
#: Seconds: the CPU time of tasks that take less is read of some only, after so many of the name.
BRIEF, ALL_OF = 0.001, 64
#: No process has so many tasks; and no moment or sum of seconds is so large (the year 5138).
MOST, LATEST = 1 << 53, 1e11


class Reading(NamedTuple):
    """What a page says. :class:`leakhunt.model.process.Pulse` explains the fields: the worker does not load that one."""

    done: int
    wall: float
    last_done: float | None
    running: int
    task: str | None
    since: float | None


class _Kind:
    """What is known of the tasks of one name."""

    __slots__ = ("cpu", "named", "reads", "share", "skip", "wall")

    def __init__(self, name: str) -> None:
        encoded = name.encode(errors="replace")[:200]
        self.named = _NAME.pack(len(encoded), encoded)
        self.reads = self.skip = 0
        """How many have had their CPU time read; how many of the next will not."""
        self.wall = self.cpu = 0.0
        """Seconds of those whose CPU time was read."""
        self.share = 0.0
        """Of the CPU, in their time."""


class Pulse:
    """Of one process. Task begins and ends may come from several threads."""

    def __init__(self, times_threads: bool = False, alone: bool = False) -> None:
        """``times_threads``: whether a task has its thread to itself from begin to end, so that the CPU
        time of the thread is the task's; ``alone``: whether all tasks run in one thread.
        """
        self._page, self._file = _page()
        self._times_threads, self._alone = times_threads, alone
        self._done = 0
        self._wall = self._last = self._clock = 0.0
        self._dice = os.getpid()
        self._open: dict[Any, tuple[float, float | None, _Kind]] = {}
        """When each began, by the clock and by its thread's CPU time (None: not read), and its kind."""
        self._kinds: dict[str, _Kind] = {}
        if self._page is not None:
            LAYOUT.pack_into(self._page, 0, MAGIC, 0, os.getpid(), 0, 0, 0.0, 0.0, 0.0, 0, b"")

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def begins(self, task_id: Any, name: str) -> None:
        """A task begins."""
        now = monotonic()
        try:
            kind = self._kinds[name]
        except KeyError:
            kind = self._kinds.setdefault(name, _Kind(name))
        cpu = None
        if self._times_threads:
            if kind.skip and self._alone:
                kind.skip -= 1
            else:
                cpu = thread_time()
        self._open[task_id] = now, cpu, kind
        page = self._page
        if page is not None:
            page[_AT_WRITING] = 1
            _pack_busy(
                page, _AT_BODY, self._done, len(self._open), self._wall, self._last, now, kind.named
            )
            page[_AT_WRITING] = 0

    def ends(self, task_id: Any) -> tuple[float | None, float | None]:
        """A task has ended, however; the seconds and the CPU seconds that it took, None where that
        cannot be told: it was never begun, or shares its thread.

        Reading the CPU time is a system call, which takes longer than all the rest. So where the tasks
        of a name take less than :data:`BRIEF`, it is read of one in eight, and the others are booked with
        the share of their time that those had.
        """
        now = monotonic()
        began = self._open.pop(task_id, None)
        self._done = done = self._done + 1
        self._last = now
        took = cpu = None
        if began is not None:
            since, before, kind = began
            took = now - since
            self._wall += took
            if self._times_threads:
                if before is None and took < BRIEF:
                    cpu = took * kind.share
                else:
                    cpu = self._read(kind, took, before)
        page = self._page
        if page is not None:
            if self._open:
                self._show_another(page)
            else:
                # Two threads that write at once may show the older state until the next begins or ends.
                page[_AT_WRITING] = 1
                _pack_idle(page, _AT_BODY, done, 0, self._wall, now, 0.0)
                page[_AT_WRITING] = 0
        return took, cpu

    def _read(self, kind: _Kind, took: float, before: float | None) -> float:
        """CPU seconds of a task that ends now."""
        clock = thread_time()
        if (
            before is None
        ):  # others of its name are brief, and some of those may be in this difference
            spent = min(took, clock - self._clock)
        else:
            spent = clock - before
            kind.reads += 1
            kind.wall += took
            kind.cpu += spent
            kind.share = min(1.0, kind.cpu / kind.wall) if kind.wall > 0 else 0.0
            if took < BRIEF and kind.reads >= ALL_OF:
                # Not every so many: tasks may alternate. The generator of C's rand(), which is enough.
                self._dice = (self._dice * 1103515245 + 12345) & 0x7FFFFFFF
                kind.skip = self._dice >> 16 & 15
        self._clock = clock
        return spent

    def _show_another(self, page: Any) -> None:
        """A task that another one called has ended, or one beside another's."""
        with contextlib.suppress(RuntimeError, StopIteration):  # changed by another thread
            since, _, kind = next(reversed(self._open.values()))
            page[_AT_WRITING] = 1
            _pack_busy(
                page,
                _AT_BODY,
                self._done,
                len(self._open),
                self._wall,
                self._last,
                since,
                kind.named,
            )
            page[_AT_WRITING] = 0


def _page() -> tuple[Any, standard.Kept | None]:
    """A shared page of this process's own, and the file by which the console finds it; None where the
    system gives none.
    """
    import fcntl

    if not (hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")):
        return None, None
    with contextlib.suppress(OSError, ValueError), standard.spared():
        descriptor = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        file = standard.kept(descriptor)
        try:
            os.ftruncate(descriptor, SIZE)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            return shared.mapped(descriptor, SIZE), file
        except BaseException:
            file.close()
            raise
    return None, None


def look(pid: int, inner: int) -> Reading | None:
    """What a process says of its tasks; None where it has no page, or none for this user.

    ``inner`` is the pid by which it knows itself: a forked child that is not hooked keeps its
    parent's page open.
    """
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        return look_at(pid, inner, _targets(folder))
    return None


def _targets(folder: str) -> Iterator[tuple[int, str]]:
    for name in posix.listdir(folder):
        with contextlib.suppress(OSError):
            yield int(name), posix.readlink(f"{folder}/{name}")


def look_at(pid: int, inner: int, targets: Iterable[tuple[int, str]]) -> Reading | None:
    """The same, of a process whose descriptors stand for these."""
    for number, target in targets:
        if target.startswith(f"/memfd:{NAME}"):
            with contextlib.suppress(OSError):
                reading = _read(f"/proc/{pid}/fd/{number}", inner)
                if reading is not None:
                    return reading
    return None


def _read(path: str, inner: int) -> Reading | None:
    # A stranger's file may have the name, in a root folder of its own: a pipe keeps who opens it waiting.
    if not stat.S_ISREG(posix.stat(path).st_mode):
        return None
    descriptor = posix.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(READINGS):
            page = posix.pread(descriptor, LAYOUT.size, 0)
            if len(page) < LAYOUT.size:
                return None
            magic, writing, owner, done, running, wall, last, since, length, name = LAYOUT.unpack(
                page
            )
            if magic != MAGIC or owner != inner:
                return None
            if writing or page != posix.pread(descriptor, LAYOUT.size, 0):
                continue
            if max(done, running) >= MOST or not all(
                0 <= each < LATEST for each in (wall, last, since)
            ):
                return None  # no process has written that
            epoch = time() - monotonic()
            return Reading(
                done=done,
                wall=wall,
                last_done=last + epoch if last else None,
                running=running,
                task=name[: min(length, len(name))].decode(errors="replace") if running else None,
                since=since + epoch if running else None,
            )
    finally:
        posix.close(descriptor)
    return None
