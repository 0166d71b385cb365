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
import time
from typing import Any, Optional

LINUX = sys.platform.startswith("linux")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _read(path: str, limit: int = 65536) -> Optional[bytes]:
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


def _process(pid: Optional[int] = None) -> Any:
    import psutil  # not on Linux: /proc is cheaper and imports nothing

    return psutil.Process(pid)


def prepare() -> None:
    """Import what measuring will need, before anything is traced."""
    if not LINUX:
        with contextlib.suppress(ImportError):
            _process()


def rss() -> Optional[int]:
    """Resident set size of this process, in a few microseconds."""
    if LINUX:
        content = _read("/proc/self/statm", 256)
        return int(content.split()[1]) * PAGE if content else None
    with contextlib.suppress(Exception):
        return int(_process().memory_info().rss)
    return None


def memory() -> dict[str, Optional[int]]:
    """``rss rss_peak uss pss shared swap`` of this process in bytes.

    USS and PSS are what ``/proc/self/smaps_rollup`` says (Private_Clean +
    Private_Dirty, Pss): they must be read before a capture forks, because a forked
    child shares every page and turns private memory into shared.
    """
    found: dict[str, Optional[int]] = dict.fromkeys(
        ("rss", "rss_peak", "uss", "pss", "shared", "swap")
    )
    if LINUX:
        found["rss"] = rss()
        rolled = _fields(_read("/proc/self/smaps_rollup"))
        if rolled:
            private = rolled.get("Private_Clean", 0) + rolled.get("Private_Dirty", 0)
            shared = rolled.get("Shared_Clean", 0) + rolled.get("Shared_Dirty", 0)
            found.update(
                uss=private, shared=shared, pss=rolled.get("Pss"), swap=rolled.get("Swap")
            )
        found["rss_peak"] = _fields(_read("/proc/self/status")).get("VmHWM")
        return found
    with contextlib.suppress(Exception):
        full = _process().memory_full_info()
        found.update(rss=full.rss, uss=getattr(full, "uss", None), swap=getattr(full, "swap", None))
    return found


def _fields(content: Optional[bytes]) -> dict[str, int]:
    """``Name:   123 kB`` lines as bytes."""
    found = {}
    for line in (content or b"").splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split()
        if len(words) == 2 and words[1] == b"kB" and words[0].isdigit():
            found[name.decode()] = int(words[0]) << 10
    return found


def process(pid: int) -> dict[str, Any]:
    """``open_files sockets threads`` of a process and ``gc`` of this one.

    A forked child asks for its parent's pid: its own descriptors are closed.
    """
    found: dict[str, Any] = {"open_files": None, "sockets": None, "threads": None}
    if LINUX:
        with contextlib.suppress(OSError):
            targets = []
            for name in posix.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    targets.append(posix.readlink(f"/proc/{pid}/fd/{name}"))
            found["sockets"] = sum(target.startswith("socket:") for target in targets)
            found["open_files"] = len(targets)
        for line in (_read(f"/proc/{pid}/status") or b"").splitlines():
            if line.startswith(b"Threads:"):
                found["threads"] = int(line.split()[1])
    else:
        with contextlib.suppress(Exception):
            found["threads"] = _process(pid).num_threads()
            found["open_files"] = _process(pid).num_fds()
    found["gc"] = {
        "enabled": gc.isenabled(),
        "counts": list(gc.get_count()),
        "stats": gc.get_stats(),
    }
    return found


def started_at(pid: int) -> float:
    """When a process started, seconds since the epoch, to 10 ms; now where unknown.

    From field 22 of ``/proc/PID/stat`` and ``btime`` of ``/proc/stat`` (proc(5)).
    """
    if LINUX:
        line, system = _read(f"/proc/{pid}/stat"), _read("/proc/stat", 1 << 20)
        if line and system:
            ticks = int(line.rpartition(b")")[2].split()[19])
            for entry in system.splitlines():
                if entry.startswith(b"btime "):
                    return int(entry.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    with contextlib.suppress(Exception):
        return float(_process(pid).create_time())
    return time.time()


def catches(pid: int, signum: int) -> Optional[bool]:
    """Whether a process has a handler for the signal; None where it cannot be told."""
    for line in (_read(f"/proc/{pid}/status") or b"").splitlines() if LINUX else ():
        if line.startswith(b"SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signum - 1) & 1)
    return None


def memory_left() -> Optional[int]:
    """Bytes this process may still take before the host or its cgroup runs out.

    The least of ``MemAvailable`` and, for every cgroup from this process's own up
    to the root, limit minus usage plus the page cache that can be dropped
    (cgroup v2 ``memory.max memory.current memory.stat``, v1 ``memory.limit_in_bytes``).
    """
    if not LINUX:
        with contextlib.suppress(Exception):
            import psutil

            return int(psutil.virtual_memory().available)
        return None
    left = [_fields(_read("/proc/meminfo")).get("MemAvailable")]
    for line in (_read("/proc/self/cgroup") or b"").decode(errors="replace").splitlines():
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if number == "0" and not controllers:
            root, names = "/sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = "/sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            left.append(_cgroup_left("/".join([root, *parts[:depth]]), names))
    known = [amount for amount in left if amount is not None]
    return min(known) if known else None


def _cgroup_left(folder: str, names: tuple[str, str, str]) -> Optional[int]:
    limit, usage = _read(f"{folder}/{names[0]}", 64), _read(f"{folder}/{names[1]}", 64)
    if not limit or not usage or not limit.strip().isdigit():
        return None
    droppable = 0
    for line in (_read(f"{folder}/memory.stat") or b"").splitlines():
        if line.startswith(names[2].encode() + b" "):
            droppable = int(line.split()[1])
    return max(0, int(limit) - int(usage) + droppable)
