"""What a process weighs: RSS, USS, descriptors, threads, and what memory is left.

Read from /proc on Linux, without an import; through psutil elsewhere. Whatever
cannot be found out is None: these are facts for the file, never a reason to fail.
"""

from __future__ import annotations

import contextlib
import gc
import os
import posix
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

LINUX = sys.platform.startswith("linux")
PAGE = os.sysconf("SC_PAGE_SIZE")


def read(path: str, limit: int = 65536) -> bytes | None:
    """A small file through ``posix``: one open, read, close; no buffering, not green."""
    try:
        descriptor = posix.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return posix.read(descriptor, limit)
    except OSError:
        return None
    finally:
        posix.close(descriptor)


def whole(path: str, most: int) -> bytes | None:
    """A file of /proc that takes more than one read; None where it cannot be read, or is larger."""
    try:
        descriptor = posix.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    parts: list[bytes] = []
    size = 0
    try:
        while size <= most:
            part = posix.read(descriptor, 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
    except OSError:
        return None
    finally:
        posix.close(descriptor)
    return None


def _process(pid: int | None = None) -> Any:
    import psutil  # not on Linux: /proc is cheaper and imports nothing

    return psutil.Process(pid)


def prepare() -> None:
    """Import what measuring will need, before anything is traced."""
    if not LINUX:
        with contextlib.suppress(ImportError):
            _process()


def rss() -> int | None:
    """Resident set size of this process, in a few microseconds."""
    if LINUX:
        content = read("/proc/self/statm", 256)
        return int(content.split()[1]) * PAGE if content else None
    with contextlib.suppress(Exception):
        return int(_process().memory_info().rss)
    return None


#: What :func:`memory` tells.
MEMORY = ("rss", "uss", "pss", "shared", "swap", "anonymous", "shared_dirty")


def memory() -> dict[str, int | None]:
    """``rss uss pss shared swap anonymous shared_dirty`` of this process in bytes.

    USS and PSS are what ``/proc/self/smaps_rollup`` says (Private_Clean +
    Private_Dirty, Pss): they must be read before a capture forks, because a forked
    child shares every page and turns private memory into shared. ``anonymous`` belongs to no file;
    ``shared_dirty`` was written, and other processes have it too: what a fork left shared, and shared
    memory. The process stands still meanwhile, and may be traced: every allocation counts here.
    """
    figures = resident()
    if LINUX:
        return {**figures, **shares("self")}
    with contextlib.suppress(Exception):
        full = _process().memory_full_info()
        figures.update(
            rss=full.rss, uss=getattr(full, "uss", None), swap=getattr(full, "swap", None)
        )
    return figures


def resident() -> dict[str, int | None]:
    """The keys of :func:`memory`, of which only ``rss`` is looked at: microseconds, whatever the heap."""
    figures: dict[str, int | None] = dict.fromkeys(MEMORY)
    figures["rss"] = rss()
    return figures


def shares(pid: int | str) -> dict[str, int | None]:
    """:func:`memory` but for ``rss``, as far as the kernel tells it of a process: it walks all page tables."""
    rolled = read(f"/proc/{pid}/smaps_rollup", 4096)
    if not rolled:
        return {}
    return {
        "uss": summed(rolled, b"Private_Clean:", b"Private_Dirty:"),
        "shared": summed(rolled, b"Shared_Clean:", b"Shared_Dirty:"),
        "pss": summed(rolled, b"\nPss:"),
        "swap": summed(rolled, b"\nSwap:"),
        "anonymous": summed(rolled, b"\nAnonymous:"),
        "shared_dirty": summed(rolled, b"\nShared_Dirty:"),
    }


def summed(content: bytes, *labels: bytes) -> int | None:
    """The sum of ``Label:   123 kB`` lines as bytes; None when one is missing."""
    total = 0
    for label in labels:
        at = content.find(label)
        end = content.find(b"kB", at)
        if at < 0 or end < 0:
            return None
        total += int(content[at + len(label) : end]) << 10
    return total


#: How a light capture calls what it leaves its tables in: memory, or a file that is removed at once.
LEFT = "leakhunt-light"


def is_left(target: str) -> bool:
    """Whether a descriptor, by its link in /proc, is what a light capture has left its tables in."""
    return LEFT in target and target.endswith(" (deleted)")


def process(pid: int) -> dict[str, Any]:
    """``open_files sockets threads rss_peak`` of a process.

    A forked child asks for its parent's pid: its own descriptors are closed.
    """
    figures: dict[str, Any] = dict.fromkeys(("open_files", "sockets", "threads", "rss_peak"))
    if LINUX:
        with contextlib.suppress(OSError):
            targets = []
            for name in posix.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    target = posix.readlink(f"/proc/{pid}/fd/{name}")
                    if not is_left(target):
                        targets.append(target)
            figures["sockets"] = sum(target.startswith("socket:") for target in targets)
            figures["open_files"] = len(targets)
        status = read(f"/proc/{pid}/status") or b""
        figures["rss_peak"] = summed(status, b"VmHWM:")
        for line in status.splitlines():
            if line.startswith(b"Threads:"):
                figures["threads"] = int(line.split()[1])
    else:
        with contextlib.suppress(Exception):
            figures["threads"] = _process(pid).num_threads()
            figures["open_files"] = _process(pid).num_fds()
    return figures


def collector() -> dict[str, Any]:
    """The garbage collector's state: ``enabled counts stats garbage``; before a capture holds it off."""
    return {
        "enabled": gc.isenabled(),
        "garbage": len(gc.garbage),
        "counts": list(gc.get_count()),
        "stats": gc.get_stats(),
    }


def catches(pid: int, signum: int) -> bool | None:
    """Whether a process has a handler for the signal; None where it cannot be told."""
    content = read(f"/proc/{pid}/status", 4096) if LINUX else None
    at = content.find(b"SigCgt:") if content else -1
    if content is None or at < 0:
        return None
    return bool(int(content[at + 7 : at + 25], 16) >> (signum - 1) & 1)


def memory_left(groups: Sequence[Cgroup]) -> int | None:
    """Bytes this process may still take before the host or a cgroup of it runs out.

    The least of ``MemAvailable`` and, for each of ``groups``, limit minus usage plus the
    page cache that can be dropped.
    """
    if not LINUX:
        with contextlib.suppress(Exception):
            import psutil

            return int(psutil.virtual_memory().available)
        return None
    left = summed(read("/proc/meminfo", 4096) or b"", b"MemAvailable:")
    for group in groups:
        amount = group.left()
        if amount is not None and (left is None or amount < left):
            left = amount
    return left


def memory_total() -> int | None:
    """Bytes of memory of this machine."""
    if LINUX:
        return summed(read("/proc/meminfo", 4096) or b"", b"MemTotal:")
    with contextlib.suppress(Exception):
        import psutil

        return int(psutil.virtual_memory().total)
    return None


def memory_limit(groups: Sequence[Cgroup]) -> int | None:
    """The least limit in bytes that ``groups`` set; None where they set none."""
    limits = [limit for limit in (group.most() for group in groups) if limit is not None]
    return min(limits, default=None)


class Cgroup(NamedTuple):
    """The memory files of one control group, version 1 or 2."""

    limit: str
    usage: str
    statistics: str
    droppable: bytes

    def most(self) -> int | None:
        """The limit in bytes; None for none (version 1 writes a huge number for it)."""
        limit = read(self.limit, 64)
        if not limit or not limit.strip().isdigit() or int(limit) >= 1 << 60:
            return None
        return int(limit)

    def ends_together(self) -> bool:
        """Whether running out of its memory ends all its processes (cgroup v2's memory.oom.group)."""
        said = read(f"{os.path.dirname(self.limit)}/memory.oom.group", 16)
        return said is not None and said.strip() == b"1"

    def _slow(self) -> int | None:
        """Bytes from which on the kernel slows all its processes down (cgroup v2's memory.high)."""
        high = read(f"{os.path.dirname(self.limit)}/memory.high", 64)
        return int(high) if high and high.strip().isdigit() else None

    def left(self) -> int | None:
        """Bytes until its processes are ended for memory, or slowed down; None: no limit."""
        limits = [limit for limit in (self.most(), self._slow()) if limit is not None]
        limit = min(limits, default=None)
        if limit is None:
            return None
        usage, statistics = read(self.usage, 64), read(self.statistics, 8192) or b""
        if not usage:
            return None
        at = statistics.find(self.droppable)
        droppable = 0
        if at >= 0:
            droppable = int(statistics[at + len(self.droppable) :].split(b"\n", 1)[0])
        return max(0, limit - int(usage) + droppable)


def cgroups(pid: int | str = "self", mount: str = "/sys/fs/cgroup") -> list[Cgroup]:
    """The control groups that limit a process (this one), its own first, up to the root.

    cgroup v2 ``memory.max memory.current memory.stat``, v1 ``memory.limit_in_bytes
    memory.usage_in_bytes`` (Documentation/admin-guide/cgroup-v2.rst and -v1/memory.rst).
    """
    groups = []
    for line in (read(f"/proc/{pid}/cgroup") or b"").decode(errors="replace").splitlines():
        number, controllers, path = ([*line.split(":", 2), "", ""])[:3]
        if number == "0" and not controllers:
            root, names = mount, ("memory.max", "memory.current")
            droppable = b"\ninactive_file "
        elif "memory" in controllers.split(","):
            root = f"{mount}/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            droppable = b"\ntotal_inactive_file "
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            folder = "/".join([root, *parts[:depth]])
            limit, usage = (f"{folder}/{name}" for name in names)
            if read(limit, 64):
                groups.append(Cgroup(limit, usage, f"{folder}/memory.stat", droppable))
    return groups
