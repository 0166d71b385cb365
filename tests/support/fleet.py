"""Builders of processes: a pid and what matters, the rest is made up."""

from __future__ import annotations

from typing import Any

from leakhunt.model.process import Celery, Identity, Machine, Memory, Process, Pulse

NOW = 1_800_000_000.0
MIB = 1 << 20


def process(
    pid: int, role: str = "child", parent: int = 1, age: float = 3600, **facts: Any
) -> Process:
    """``process(7, uss=40, rss=60)``: sizes in MiB; ``pulse``: (done, wall, last, task, since)."""
    sizes = {
        name: None if (size := facts.pop(name, default)) is None else int(size * MIB)
        for name, default in (
            ("rss", 60), ("uss", 20), ("pss", 30), ("shared", 40), ("swap", 0), ("vms", 200), ("peak", 60),
        )
    }  # fmt: skip
    done = facts.pop("pulse", None)
    pulse = None
    if done is not None:
        count, wall, last, task, since = done
        pulse = Pulse(count, wall, last, 0 if task is None else 1, task, since)
    return Process(
        identity=Identity(pid, pid * 100),
        parent=parent,
        started_at=NOW - age,
        uid=0,
        user=facts.pop("user", "root"),
        role=role,
        state=facts.pop("state", "S"),
        cpu=facts.pop("cpu", 1.0),
        celery=facts.pop("celery", Celery("worker", "w@h", "proj", "prefork", "4")),
        memory=Memory(**sizes),
        readable=facts.pop("readable", True),
        pulse=pulse,
        **facts,
    )


def machine(total: int = 16 * 1024, cores: int = 4) -> Machine:
    """``total`` in MiB."""
    return Machine(total * MIB, cores, NOW)
