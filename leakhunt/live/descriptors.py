"""What the descriptors of processes stand for, read once a look.

A pool child keeps the pipes of those forked before it open, so descriptors grow with the square of the
children: to read them again for each question is what a look at a large worker costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

from leakhunt.hook.celery.pulse import NAME as PULSE
from leakhunt.hook.process import vitals
from leakhunt.snapfile.folders import PROCESSES

_STREAMS = frozenset("012")
_RECORDS, _PULSES = f"/{PROCESSES}/", f"/memfd:{PULSE}"


class Opened(NamedTuple):
    """What a process holds open."""

    files: int
    sockets: int
    pipes: int
    """But for its three standard streams."""
    telling: Mapping[int, str]
    """Those that may be its record and its pulse: targets by number, as proc_pid_fd(5) names them."""


#: None where this user may not see it.
Held = Optional[Opened]


def held(pid: int) -> Held:
    """What that process holds open; None: gone, or not ours to see."""
    try:
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    files = sockets = pipes = 0
    telling = {}
    try:
        # From the open folder: the kernel need not find the process, and ask whether it may, for each of them.
        for name in os.listdir(folder):
            try:
                target = os.readlink(name, dir_fd=folder)
            except OSError:  # closed by now
                continue
            files += 1
            if target.startswith("pipe:"):  # nearly all are, in a large pool
                pipes += name not in _STREAMS
            elif target.startswith("socket:"):
                sockets += 1
            elif _RECORDS in target or target.startswith(_PULSES):
                telling[int(name)] = target
    except OSError:
        return None
    finally:
        os.close(folder)
    return Opened(files, sockets, pipes, telling)


def tells_still(pid: int, opened: Held) -> bool:
    """Whether the record and the pulse are where they were: after execve(2) they are not."""
    try:
        return opened is None or all(
            os.readlink(f"/proc/{pid}/fd/{number}") == target
            for number, target in opened.telling.items()
        )
    except OSError:
        return False


def everybody(pids: Iterable[int]) -> dict[int, Held]:
    """What each of them holds open; empty where there is no /proc."""
    return {pid: held(pid) for pid in pids} if vitals.LINUX else {}
