"""What the descriptors of processes stand for, read once a look.

A pool child keeps the pipes of those forked before it open, so descriptors grow with the square of the
children: to read them again for each question is what a look at a large worker costs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Optional

from leakhunt.hook.process import vitals

#: The targets of a process's descriptors by number; None where this user may not see them.
Held = Optional[Mapping[int, str]]


def held(pid: int) -> Held:
    """What that process holds open: targets as proc_pid_fd(5) names them; None: gone, or not ours to see."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return None
    targets = {}
    for name in names:
        with contextlib.suppress(OSError):  # closed by now
            targets[int(name)] = os.readlink(f"{folder}/{name}")
    return targets


def everybody() -> dict[int, Held]:
    """The same of every process of this host, by pid; empty where there is no /proc."""
    if not vitals.LINUX:
        return {}
    return {int(name): held(int(name)) for name in os.listdir("/proc") if name.isdigit()}
