"""Who this process is, and what a snapshot says of it beside what is traced."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leakhunt.hook.celery.ledger import Ledger
from leakhunt.hook.process import vitals
from leakhunt.hook.process.libraries import versions
from leakhunt.snapfile import folders


class Process:
    """Of one process: made anew in each, with what the parent has arranged."""

    def __init__(self, role: str, parent: Process | None = None) -> None:
        """``role``: ``program``, ``fork``, ``main``, ``worker`` or ``child``."""
        self.role = role
        self.pid = os.getpid()
        self.started_at = vitals.started_at(self.pid)
        self.groups = vitals.cgroups()
        self.host: str = parent.host if parent else socket.gethostname()
        self.node: str | None = parent.node if parent else None
        self.pool: str | None = parent.pool if parent else None
        self.main: int | None = None
        """The process id of a pool child's main process."""
        self.running: Callable[[], list[str]] = parent.running if parent else list
        """Names the tasks under way."""
        self.limit: Callable[[], int | None] = parent.limit if parent else _no_limit
        """The memory in bytes after which the pool replaces this process, if there is such a limit."""

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
            "node": self.node,
            "pool": self.pool,
            "role": self.role,
            "parent": os.getppid(),
            "python": platform.python_version(),
        }

    def late_facts(self, ledger: Ledger) -> dict[str, Any]:
        """Facts that cost time and are the same in a forked child: for there."""
        return {
            **vitals.process(self.pid),
            "tasks_done": ledger.done,
            "tasks": ledger.facts(),
            "running": self.running(),
            "limits": self._limits(),
            "versions": versions(),
            "implementation": platform.python_implementation(),
            "platform": platform.platform(),
        }

    def _limits(self) -> dict[str, int]:
        found = {"max_memory_per_child": self.limit(), "cgroup": vitals.memory_limit(self.groups)}
        return {name: limit for name, limit in found.items() if limit}


def _no_limit() -> None:
    """Where no pool replaces the process."""
