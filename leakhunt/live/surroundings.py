"""What a machine and the environment of processes add to their memory: read, never judged."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from leakhunt.model.configuration import Surroundings

#: The only variables that are looked at: the others may hold secrets.
VARIABLES = ("MALLOC_ARENA_MAX", "PYTHONMALLOC", "LD_PRELOAD", "LEAKHUNT_NFRAME", "LEAKHUNT_START",
             "LEAKHUNT_EVERY", "LEAKHUNT_ENGINE")  # fmt: skip


def surroundings(folder: Path, pids: Iterable[int]) -> Surroundings:
    """Of this machine, the folder for snapshots and these processes."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = None
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(place).free
    return Surroundings(
        huge_pages=_huge_pages(),
        folder=str(folder),
        free=free,
        filesystem=_filesystem(place),
        environments={pid: environment(pid) for pid in pids},
        now=time.time(),
    )


def environment(pid: int) -> dict[str, str]:
    """The few variables of VARIABLES that the process was started with; empty where hidden."""
    variables = {}
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        for entry in file.read().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name.decode(errors="replace") in VARIABLES:
                variables[name.decode()] = value.decode(errors="replace")
    return variables


def _huge_pages() -> str | None:
    with contextlib.suppress(OSError):
        text = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        return text.partition("[")[2].partition("]")[0] or None
    return None


def _filesystem(place: Path) -> str | None:
    """The type of the file system that holds that folder: the longest mount point above it."""
    best, kind = "", None
    resolved = os.path.realpath(place)
    with (
        contextlib.suppress(OSError),
        open("/proc/mounts", encoding="utf-8", errors="replace") as file,
    ):
        for line in file:
            _, point, filesystem, *_ = line.split(" ")
            point = point.replace("\\040", " ")
            inside = resolved == point or resolved.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, filesystem
    return kind
