"""Which process a pid means: told by its start and the pid namespace, and what it does with a signal.

The one liveness check. A pid alone names nobody: it is used again, and two containers that share
a folder (or a host name) count alike. What is read is described in proc(5) and namespaces(7).
"""

from __future__ import annotations

import contextlib
import os
import posix
import time
from typing import NamedTuple

from leakhunt.hook.process import kernel, vitals

#: How far a start time told in seconds may be off the kernel's, which rests on ``btime``.
SAME_START = 2.0


#: What a capture's forked child is called (PR_SET_NAME of prctl(2), field 2 of ``/proc/PID/stat``): it has
#: its parent's command line.
COPY = "leakhunt copy"


class Disposition(NamedTuple):
    """What a process does with a signal, as the kernel knows it."""

    caught: bool
    """There is a handler; whose, only the process itself can tell."""
    ignored: bool
    blocked: bool
    """No thread of the process lets it through: it waits."""


def space() -> str:
    """The boot and the pid namespace in which this process's pids count; "" where unknown."""
    boot = vitals.read("/proc/sys/kernel/random/boot_id", 64)
    try:
        namespace = posix.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    number = namespace.partition("[")[2].rstrip("]")
    first = (boot or b"").decode("ascii", "replace").partition("-")[0]
    return f"{first}-{int(number):x}" if first.isalnum() and number.isdigit() else ""


def children_are_elsewhere() -> bool:
    """Whether this process's children begin in another pid namespace than its own (unshare(2) of CLONE_NEWPID).

    The first of them is the init of that namespace: when it ends, no other can be made there.
    """
    others = "/proc/self/ns/pid_for_children"
    try:
        own = posix.readlink("/proc/self/ns/pid")
        return posix.readlink(others) != own
    except FileNotFoundError:  # that namespace has no process yet, or the kernel is older than 4.12
        return os.path.lexists(others)
    except OSError:
        return False


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot: no clock that is set changes it."""
    stat = kernel.stat(pid)
    return None if stat is None else stat.start


def began_at(pid: int) -> float:
    """When a process started, seconds since the epoch, to 10 ms; now where unknown."""
    stat, booted = kernel.stat(pid), kernel.booted_at()
    if stat is not None and booted is not None:
        return booted + stat.start / os.sysconf("SC_CLK_TCK")
    with contextlib.suppress(Exception):
        import psutil  # not on Linux: /proc is cheaper and imports nothing

        return float(psutil.Process(pid).create_time())
    return time.time()


def runs(pid: int, ticks: int | None = None, started_at: float | None = None) -> bool:
    """Whether the process that began then is still there; a zombie is not.

    ``ticks`` is what :func:`start_ticks` said; else ``started_at``, seconds since the epoch;
    with neither, any process of that pid counts.
    """
    if not 0 < pid < 1 << 31:
        return False
    stat = kernel.stat(pid)
    if stat is None:  # no /proc, or nobody to be seen there
        if vitals.LINUX and os.path.exists("/proc/self/stat"):
            return False
        try:
            posix.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's
            pass
        return started_at is None or abs(began_at(pid) - started_at) < SAME_START
    if stat.is_over:
        return False
    if ticks is not None:
        return stat.start == ticks
    return started_at is None or abs(began_at(pid) - started_at) < SAME_START


def told(pid: int) -> bytes:
    """What ``/proc/PID/status`` says, for several questions about one moment; empty where it says nothing."""
    return (vitals.read(f"/proc/{pid}/status", 8192) if vitals.LINUX else None) or b""


def owner(pid: int, status: bytes | None = None) -> tuple[int, int] | None:
    """The effective user and group of a process; None where there is none, or no /proc.

    ``status``, here, of :func:`inner_pid` and of :func:`disposition`: what :func:`told` has just said.
    """
    content = told(pid) if status is None else status
    ids = []
    for label in (b"\nUid:", b"\nGid:"):
        at = content.find(label)
        fields = content[at + len(label) :].split(None, 2) if at >= 0 else ()
        if len(fields) < 2:
            return None
        ids.append(int(fields[1]))
    return ids[0], ids[1]


def inner_pid(pid: int, status: bytes | None = None) -> int:
    """The pid by which a process knows itself, in its innermost namespace."""
    content = told(pid) if status is None else status
    at = content.find(b"\nNSpid:")
    words = content[at + len(b"\nNSpid:") :].split(b"\n", 1)[0].split() if at >= 0 else ()
    return int(words[-1]) if words else pid


def disposition(pid: int, signum: int, status: bytes | None = None) -> Disposition | None:
    """What a process does with a signal; None where the kernel does not tell."""
    content = told(pid) if status is None else status
    caught, ignored = (_bit(content, label, signum) for label in (b"SigCgt:", b"SigIgn:"))
    if caught is None or ignored is None:
        return None
    return Disposition(caught, ignored, _is_blocked(pid, content, signum))


def _is_blocked(pid: int, status: bytes, signum: int) -> bool:
    """Whether every thread holds the signal back: the kernel picks one that does not."""
    if not _bit(status, b"SigBlk:", signum):
        return False
    with contextlib.suppress(OSError):
        for thread in posix.listdir(f"/proc/{pid}/task"):
            told = vitals.read(f"/proc/{pid}/task/{thread}/status", 4096)
            if told and _bit(told, b"SigBlk:", signum) is False:
                return False
    return True


def _bit(status: bytes, label: bytes, signum: int) -> bool | None:
    at = status.find(label)
    mask = status[at + len(label) : at + len(label) + 18].strip() if at >= 0 else b""
    try:
        return bool(int(mask, 16) >> (signum - 1) & 1)
    except ValueError:
        return None
