"""Figures of another process of this user, within a time: a main process tells of its pool children.

From proc(5) on Linux, through psutil elsewhere. What cannot be known is None.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from leakhunt.hook.process import kernel, vitals

#: What :func:`figures` tells; sizes in bytes, ``cpu`` in seconds.
FIGURES = (
    "state",
    "parent",
    "cpu",
    "threads",
    "rss",
    "peak",
    "swap",
    "vms",
    "uss",
    "pss",
    "shared",
)


def figures(pid: int, until: float) -> dict[str, Any]:
    """:data:`FIGURES` of a process. USS, PSS and shared pages are left out from the moment ``until``
    (of the monotonic clock) on: for them the kernel walks every mapping, milliseconds for a large
    process.
    """
    told: dict[str, Any] = dict.fromkeys(FIGURES)
    if not vitals.LINUX:
        _elsewhere(pid, told)
        return told
    status = vitals.read(f"/proc/{pid}/status", 8192) or b""
    for name, label in (
        ("rss", b"VmRSS:"),
        ("peak", b"VmHWM:"),
        ("swap", b"VmSwap:"),
        ("vms", b"VmSize:"),
    ):
        told[name] = vitals.summed(status, label)
    line = kernel.stat(pid)
    if line is not None:
        told.update(state=line.state, parent=line.parent, cpu=line.cpu, threads=line.threads)
    if time.monotonic() < until:
        rolled = vitals.read(f"/proc/{pid}/smaps_rollup", 4096)
        if rolled:
            told["uss"] = vitals.summed(rolled, b"Private_Clean:", b"Private_Dirty:")
            told["shared"] = vitals.summed(rolled, b"Shared_Clean:", b"Shared_Dirty:")
            told["pss"] = vitals.summed(rolled, b"\nPss:")
            told["rss"] = vitals.summed(rolled, b"\nRss:") or told["rss"]  # of the same moment
    return told


def _elsewhere(pid: int, told: dict[str, Any]) -> None:
    with contextlib.suppress(Exception):
        import psutil

        process = psutil.Process(pid)
        memory, times = process.memory_info(), process.cpu_times()
        told.update(
            parent=process.ppid(), rss=memory.rss, vms=memory.vms,
            cpu=times.user + times.system, threads=process.num_threads(),
        )  # fmt: skip
