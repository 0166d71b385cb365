"""The kernel's line about a process, ``/proc/PID/stat`` of proc(5), taken apart in one place. Linux only.

The name of a program may hold spaces, brackets and line ends; what stands behind its last bracket is
fields divided by spaces.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from leakhunt.hook.process import vitals

#: Fields of proc(5), less the three that the last bracket ends: the pid, the name, and counting from one.
_STATE, _PARENT, _FLAGS, _USER, _SYSTEM, _THREADS, _START, _SIZE = 0, 1, 6, 11, 12, 17, 19, 20
_STACK = 25


class Stat(NamedTuple):
    """What is used of a process's line."""

    program: str
    """Its name as the kernel knows it, cut to 15 bytes."""
    state: str
    """One letter: ``R S D T Z X`` …"""
    parent: int
    flags: int
    """``PF_…`` of the kernel's ``include/linux/sched.h``."""
    cpu: float
    """Seconds in user and system mode, its ended children not counted."""
    threads: int
    start: int
    """Clock ticks since the boot: no clock that is set changes it."""
    size: int
    """Bytes of addresses; 0: its memory is gone."""
    stack: int
    """The address where its stack begins; 0: this user may not see it."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and its parent has not asked how."""
        return self.state in ("Z", "X")


def stat(pid: int) -> Stat | None:
    """The line of a process; None where there is none, no /proc, or nobody to be seen there."""
    line = vitals.read(f"/proc/{pid}/stat", 4096) if vitals.LINUX else None
    front, _, rest = (line or b"").rpartition(b")")
    fields = rest.split()
    if len(fields) <= _STACK:
        return None
    return Stat(
        program=front.partition(b"(")[2].decode(errors="replace"),
        state=fields[_STATE].decode(),
        parent=int(fields[_PARENT]),
        flags=int(fields[_FLAGS]),
        cpu=(int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK"),
        threads=int(fields[_THREADS]),
        start=int(fields[_START]),
        size=int(fields[_SIZE]),
        stack=int(fields[_STACK]),
    )


def booted_at() -> float | None:
    """When the kernel began, seconds since the epoch; None: unknown (``btime`` of ``/proc/stat``)."""
    for line in (vitals.read("/proc/stat", 1 << 20) or b"").splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return None
