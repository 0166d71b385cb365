"""The kernel's table of processes, read once: who runs, since when, whose child.

From /proc on Linux, through psutil elsewhere. A process that ends meanwhile is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from leakhunt.hook.process import alive, kernel, vitals
from leakhunt.model.process import Identity

#: ``PF_FORKNOEXEC`` of the kernel's ``include/linux/sched.h``: forked, and never another program
#: since. A pool child is; a worker that was started, detached ones too, is not.
FORKED_ONLY = 0x40
#: ``PF_KTHREAD``, likewise: a thread of the kernel's own, which has no program and no memory.
OF_THE_KERNEL = 0x00200000


class Line(NamedTuple):
    """One process of the table."""

    identity: Identity
    parent: int
    argv: tuple[str, ...]
    uid: int
    state: str
    cpu: float
    """Seconds."""
    started_at: float
    threads: int
    forked_only: bool | None
    """Whether it still runs its parent's program; None where the kernel does not say."""
    is_copy: bool = False
    """Whether it is a capture's forked child."""
    stack: int = 0
    """The address where its stack begins, which execve(2) draws at random and a fork keeps; 0 where the
    kernel does not say."""


def table() -> dict[int, Line]:
    """Every process of this host (of this PID namespace) by pid, zombies and the kernel's left out."""
    return {line.identity.pid: line for line in (_linux() if vitals.LINUX else _elsewhere())}


def line_of(pid: int) -> Line | None:
    """That process as it is now; None where there is none, or a zombie."""
    if vitals.LINUX:
        return _line(pid, kernel.booted_at() or 0.0)
    return next((line for line in _elsewhere() if line.identity.pid == pid), None)


def _linux() -> Iterator[Line]:
    booted = kernel.booted_at() or 0.0
    for name in os.listdir("/proc"):
        if name.isdigit():
            line = _line(int(name), booted)
            if line is not None:
                yield line


def _line(pid: int, booted: float) -> Line | None:
    folder = f"/proc/{pid}"
    stat = kernel.stat(pid)
    if stat is None or stat.is_over or stat.flags & OF_THE_KERNEL:
        return None
    if not stat.size:  # it is ending
        return None
    try:
        uid = os.stat(folder).st_uid
    except OSError:
        return None
    words = vitals.read(f"{folder}/cmdline", 1 << 16)
    if words is None:
        return None
    return Line(
        Identity(pid, stat.start),
        parent=stat.parent,
        argv=tuple(words.rstrip(b"\0").decode(errors="replace").split("\0")),
        uid=uid,
        state=stat.state,
        cpu=stat.cpu,
        started_at=booted + stat.start / os.sysconf("SC_CLK_TCK"),
        threads=stat.threads,
        forked_only=bool(stat.flags & FORKED_ONLY),
        is_copy=stat.program == alive.COPY,
        stack=stat.stack,
    )


def _elsewhere() -> Iterator[Line]:
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error), process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            try:
                argv = tuple(process.cmdline())
                times = process.cpu_times()
            except psutil.AccessDenied:
                continue
            began = process.create_time()
            yield Line(
                Identity(process.pid, round(began * 100)),
                parent=process.ppid(),
                argv=argv,
                uid=process.uids().real,
                state={"running": "R", "stopped": "T", "disk-sleep": "D"}.get(
                    process.status(), "S"
                ),
                cpu=times.user + times.system,
                started_at=began,
                threads=process.num_threads(),
                forked_only=None,
            )
