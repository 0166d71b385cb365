"""The kernel's table of processes, read once: who runs, since when, whose child.

From /proc on Linux, through psutil elsewhere. A process that ends meanwhile is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from leakhunt.hook.process import vitals
from leakhunt.model.process import Identity

#: ``PF_FORKNOEXEC`` of the kernel's ``include/linux/sched.h``: forked, and never another program
#: since. A pool child is; a worker that was started, detached ones too, is not.
FORKED_ONLY = 0x40


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


def table() -> dict[int, Line]:
    """Every process of this host (of this PID namespace) by pid, zombies left out."""
    return {line.identity.pid: line for line in (_linux() if vitals.LINUX else _elsewhere())}


def line_of(pid: int) -> Line | None:
    """That process as it is now; None where there is none, or a zombie."""
    if vitals.LINUX:
        return _line(pid, _boot_time(), os.sysconf("SC_CLK_TCK"))
    return next((line for line in _elsewhere() if line.identity.pid == pid), None)


def _linux() -> Iterator[Line]:
    booted, ticks = _boot_time(), os.sysconf("SC_CLK_TCK")
    for name in os.listdir("/proc"):
        if name.isdigit():
            line = _line(int(name), booted, ticks)
            if line is not None:
                yield line


def _line(pid: int, booted: float, ticks: int) -> Line | None:
    folder = f"/proc/{pid}"
    try:
        uid = os.stat(folder).st_uid
        with open(f"{folder}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open(f"{folder}/cmdline", "rb") as file:
            argv = file.read(1 << 16).rstrip(b"\0").split(b"\0")
    except OSError:
        return None
    # Field numbers of proc(5) less 3: the pid and the name are gone.
    state = fields[0].decode()
    if state in "ZX":
        return None
    start = int(fields[19])
    return Line(
        Identity(pid, start),
        parent=int(fields[1]),
        argv=tuple(word.decode(errors="replace") for word in argv),
        uid=uid,
        state=state,
        cpu=(int(fields[11]) + int(fields[12])) / ticks,
        started_at=booted + start / ticks,
        threads=int(fields[17]),
        forked_only=bool(int(fields[6]) & FORKED_ONLY),
    )


def _boot_time() -> float:
    with open("/proc/stat", "rb") as file:
        for line in file:
            if line.startswith(b"btime "):
                return float(line.split()[1])
    return 0.0


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
