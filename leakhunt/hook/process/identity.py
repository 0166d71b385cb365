"""Who this process is, and what a snapshot says of it beside what is traced."""

from __future__ import annotations

import gc
import os
import platform
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from leakhunt.hook.process import alive, vitals
from leakhunt.hook.process.ledger import Ledger
from leakhunt.hook.process.libraries import versions
from leakhunt.snapfile import folders


def _nothing() -> None:
    """Where nobody needs to know, and there is no limit."""


class Work(NamedTuple):
    """What a framework knows of a process's work, and does for the hook."""

    running: Callable[[], list[str]] = list
    """Names the tasks under way."""
    limit: Callable[[], int | None] = _nothing
    """The memory in bytes after which the pool replaces this process, if there is such a limit."""
    tell_others: Callable[[], None] = _nothing
    """Passes an outside signal on to the processes that this one stands for."""
    looks: str | None = None
    """``task``: the letter box is looked at after each one."""


NO_WORK = Work()


class Process:
    """Of one process: made anew in each."""

    def __init__(
        self,
        role: str,
        parent: Process | None = None,
        node: str | None = None,
        pool: str | None = None,
        main: int | None = None,
        work: Work = NO_WORK,
    ) -> None:
        """``role``: ``program``, ``fork``, ``main``, ``worker`` or ``child``; ``main``: the process id
        of a pool child's main process.
        """
        self.role = role
        self.pid = os.getpid()
        self.started_at = alive.began_at(self.pid)
        self.ticks = alive.start_ticks(self.pid)
        self.space = alive.space()
        self.groups = vitals.cgroups()
        self.host: str = parent.host if parent else socket.gethostname()
        self.node, self.pool, self.main, self.work = node, pool, main, work

    @property
    def runs_one_at_a_time(self) -> bool:
        """Whether what grows during a task is that task's."""
        return self.pool not in ("threads", "gevent", "eventlet")

    @property
    def series(self) -> str:
        """The name of the folder for its snapshots."""
        label = self.node or Path(sys.argv[0] or "python").stem
        return folders.series_name(label, self.pid, self.started_at)

    def who(self) -> dict[str, Any]:
        """Facts that tell it from others."""
        return {
            "host": self.host,
            "pid": self.pid,
            "started_at": self.started_at,
            "ticks": self.ticks,
            "space": self.space,
            "node": self.node,
            "pool": self.pool,
            "role": self.role,
            "parent": os.getppid(),
            "python": platform.python_version(),
        }

    def late_facts(self, ledger: Ledger) -> dict[str, Any]:
        """Facts that cost time and are the same in a forked child: for there."""
        done = self.work_facts(ledger)
        return {
            **done,
            "limits": {**done["limits"], **group_limit(self.groups)},
            "frozen": gc.get_freeze_count(),
            **software(),
        }

    def work_facts(self, ledger: Ledger) -> dict[str, Any]:
        """Those of them that this process alone can tell."""
        limit = self.work.limit()
        return {
            "tasks_done": ledger.done,
            "tasks": ledger.facts(),
            "resident": ledger.resident(),
            "unit": ledger.unit,
            "running": self.work.running(),
            "limits": {"max_memory_per_child": limit} if limit else {},
        }


def group_limit(groups: Sequence[vitals.Cgroup]) -> dict[str, int]:
    """What the control groups let a process take, where they set a limit."""
    limit = vitals.memory_limit(groups)
    return {"cgroup": limit} if limit else {}


def software(
    modules: Mapping[str, Any] | None = None, path: Sequence[str] | None = None
) -> dict[str, Any]:
    """Which versions of what a process runs: see :func:`leakhunt.hook.process.libraries.versions`."""
    return {
        "versions": versions(modules, path),
        "implementation": platform.python_implementation(),
        "platform": _platform(),
    }


def _platform() -> str:
    """Such as ``Linux-6.1.0-x86_64-glibc2.36``, by system calls alone: platform.platform() starts a
    process (``uname -p``), through gevent where that has replaced subprocess.
    """
    system = os.uname()
    try:
        libc = "".join((os.confstr("CS_GNU_LIBC_VERSION") or "").split())
    except (AttributeError, OSError, ValueError):  # another libc
        libc = ""
    return "-".join(filter(None, (system.sysname, system.release, system.machine, libc)))
