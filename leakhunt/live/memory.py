"""What a live process holds, as the kernel counts it, and what limits it.

USS and PSS come from ``/proc/PID/smaps_rollup`` (proc(5), Linux 4.14), which the kernel makes
by walking every mapping: milliseconds for a large process, and only for its owner and root.
"""

from __future__ import annotations

import contextlib
import os

from leakhunt.hook.process import vitals
from leakhunt.hook.process.vitals import Cgroup
from leakhunt.live.descriptors import Held
from leakhunt.model.process import Memory


def memory(pid: int) -> Memory:
    """The process's memory in bytes; what cannot be known, or has gone, is None."""
    if not vitals.LINUX:
        return _elsewhere(pid)
    status = _fields(f"/proc/{pid}/status", ("VmRSS", "VmHWM", "VmSwap", "VmSize"))
    rolled = _fields(
        f"/proc/{pid}/smaps_rollup",
        ("Rss", "Pss", "Private_Clean", "Private_Dirty", "Shared_Clean", "Shared_Dirty", "Swap"),
    )
    private, shared = (
        (rolled[f"{kind}_Clean"] or 0) + (rolled[f"{kind}_Dirty"] or 0)
        if rolled["Pss"] is not None
        else None
        for kind in ("Private", "Shared")
    )
    rss, swap = rolled["Rss"], rolled["Swap"]  # of one moment with PSS and USS where they are known
    return Memory(
        rss=status["VmRSS"] if rss is None else rss,
        uss=private,
        pss=rolled["Pss"],
        shared=shared,
        swap=status["VmSwap"] if swap is None else swap,
        vms=status["VmSize"],
        peak=status["VmHWM"],
    )


def _fields(path: str, names: tuple[str, ...]) -> dict[str, int | None]:
    """Bytes of ``Name:   123 kB`` lines; None for one that is missing."""
    fields: dict[str, int | None] = dict.fromkeys(names)
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:
        for line in file.read().splitlines():
            name, _, rest = line.partition(b":")
            key = name.decode(errors="replace")
            if key in fields:
                fields[key] = int(rest.split()[0]) << 10
    return fields


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


def signals(pid: int, signum: int) -> tuple[bool, bool] | None:
    """(caught, blocked) of the signal in that process; None where the kernel does not say."""
    masks = {}
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            name, _, rest = line.partition(b":")
            if name in (b"SigCgt", b"SigBlk"):
                masks[name] = bool(int(rest, 16) >> (signum - 1) & 1)
    return (masks[b"SigCgt"], masks[b"SigBlk"]) if len(masks) == 2 else None


def files(targets: Held) -> tuple[int | None, int | None, list[str] | None]:
    """(open files, sockets, what the descriptors above 2 stand for) of a process that holds these;
    (None, None, None) where that is not ours to see.
    """
    if targets is None:
        return None, None, None
    sockets = sum(target.startswith("socket:") for target in targets.values())
    return len(targets), sockets, [target for number, target in targets.items() if number > 2]


def limit(pid: int, root: str = "/sys/fs/cgroup") -> tuple[int, str] | None:
    """(bytes, control group) of the least memory limit over that process; None without one."""
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
