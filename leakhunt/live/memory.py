"""What a live process holds, as the kernel counts it, and what limits it.

USS and PSS come from ``/proc/PID/smaps_rollup`` (proc(5), Linux 4.14), which the kernel makes
by walking every mapping: milliseconds for a large process, and only for its owner and root.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Optional

from leakhunt.hook.process import alive, vitals
from leakhunt.hook.process.vitals import Cgroup
from leakhunt.model.process import Memory

#: Fewer processes are weighed sooner than threads are there to do it.
MANY = 6


def memory(pid: int) -> Memory:
    """The process's memory in bytes; what cannot be known, or has gone, is None."""
    return weighed(counted(pid), weight(pid)) if vitals.LINUX else _elsewhere(pid)


def counted(pid: int, status: bytes | None = None) -> Memory:
    """RSS, its peak, swap and the address space: what the kernel keeps count of, in microseconds.

    ``status``, here and of :func:`signals`: what ``alive.told`` has just said of that process.
    """
    if not vitals.LINUX:
        return _elsewhere(pid)
    status = alive.told(pid) if status is None else status
    return Memory(
        rss=vitals.summed(status, b"VmRSS:"),
        swap=vitals.summed(status, b"VmSwap:"),
        vms=vitals.summed(status, b"VmSize:"),
        peak=vitals.summed(status, b"VmHWM:"),
    )


def weight(pid: int) -> Memory:
    """RSS, USS, PSS, shared pages and swap, of one moment: the kernel walks the page tables for it."""
    if not vitals.LINUX:
        return _elsewhere(pid)
    rolled = vitals.read(f"/proc/{pid}/smaps_rollup", 4096) or b""
    return Memory(
        rss=vitals.summed(rolled, b"\nRss:"),
        uss=vitals.summed(rolled, b"Private_Clean:", b"Private_Dirty:"),
        pss=vitals.summed(rolled, b"\nPss:"),
        shared=vitals.summed(rolled, b"Shared_Clean:", b"Shared_Dirty:"),
        swap=vitals.summed(rolled, b"\nSwap:"),
    )


def weighed(count: Memory, weight: Memory) -> Memory:
    """Both together; RSS is of one moment with USS and PSS where those are known."""
    rss = count.rss if weight.rss is None else weight.rss
    return _together(count, weight, rss)


def beside(count: Memory, weight: Memory) -> Memory:
    """Both together; RSS is the one that the kernel counts, of another moment than the weight."""
    return _together(count, weight, count.rss)


def _together(count: Memory, weight: Memory, rss: int | None) -> Memory:
    return Memory(
        rss=rss,
        uss=weight.uss,
        pss=weight.pss,
        shared=weight.shared,
        swap=count.swap if weight.swap is None else weight.swap,
        vms=count.vms,
        peak=count.peak,
    )


def weighing(pids: Iterable[int]) -> Callable[[], dict[int, Memory]]:
    """Begin to weigh these processes; returns what waits until that is done, and tells.

    The kernel does the work, so a thread for each of this process's CPUs does it in a part of the time,
    beside whatever else is to be read.
    """
    left: Iterator[int] = iter(waiting := list(pids))
    weights: dict[int, Memory] = {}

    def weigh() -> None:
        for pid in left:  # of a list: each thread takes the next one, and no two the same
            weights[pid] = weight(pid)

    beside = []
    if len(waiting) >= MANY:
        import threading

        with contextlib.suppress(RuntimeError):  # no more threads: it is done alone
            for _ in range(_cpus()):
                thread = threading.Thread(target=weigh, daemon=True)
                thread.start()
                beside.append(thread)

    def done() -> dict[int, Memory]:
        weigh()
        for thread in beside:
            thread.join()
        return weights

    return done


def _cpus() -> int:
    """Of the machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _elsewhere(pid: int) -> Memory:
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        try:
            full = process.memory_full_info()
        except psutil.AccessDenied:
            plain = process.memory_info()
            return Memory(rss=plain.rss, vms=plain.vms)
        return Memory(
            rss=full.rss,
            uss=getattr(full, "uss", None),
            pss=getattr(full, "pss", None),
            swap=getattr(full, "swap", None),
            vms=full.vms,
        )
    return Memory()


def signals(pid: int, signum: int, status: bytes | None = None) -> tuple[bool, bool] | None:
    """(caught, blocked) of the signal in that process; None where the kernel does not say."""
    masks = {}
    with contextlib.suppress(ValueError):
        for line in (alive.told(pid) if status is None else status).splitlines():
            name, _, rest = line.partition(b":")
            if name in (b"SigCgt", b"SigBlk"):
                masks[name] = bool(int(rest, 16) >> (signum - 1) & 1)
    return (masks[b"SigCgt"], masks[b"SigBlk"]) if len(masks) == 2 else None


#: (bytes, control group).
Limit = Optional[tuple[int, str]]


def limit(
    pid: int,
    root: str = "/sys/fs/cgroup",
    limits: dict[bytes, Limit] | None = None,
    groups: bytes | None = None,
) -> Limit:
    """The least memory limit over that process; None without one.

    ``limits``: by what ``/proc/PID/cgroup`` says, those that have been read; what is read now is added.
    ``groups``: what it said of that process (:func:`groups_of`), where that has been read.
    """
    groups = groups_of(pid) if groups is None else groups
    if limits is None:
        return _least(pid, root)
    if groups not in limits:
        limits[groups] = _least(pid, root)
    return limits[groups]


def groups_of(pid: int) -> bytes:
    """What the kernel tells of a process's control groups; empty where it tells nothing."""
    return vitals.read(f"/proc/{pid}/cgroup") or b""


def _least(pid: int, root: str) -> Limit:
    limits = [
        (most, _folder(group))
        for group in vitals.cgroups(pid, root)
        if (most := group.most()) is not None
    ]
    return min(limits, default=None)


def _folder(group: Cgroup) -> str:
    return os.path.dirname(group.limit)


def total() -> int | None:
    """Bytes of memory of this machine."""
    return vitals.memory_total()
