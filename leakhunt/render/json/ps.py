"""``leakhunt ps`` as JSON: nothing rounded, null where something cannot be known."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.model.process import Process
from leakhunt.report.ps import PsReport, Row


def ps(report: PsReport) -> str:
    return (
        json.dumps(
            {
                "schema": "leakhunt/ps@1",
                "taken_at": report.machine.now,
                "processes": [
                    {**process(row), "stacks": report.stacks.get(row.process.identity)}
                    for row in report.rows
                ],
                "totals": {"rss": report.rss, "pss": report.pss},
                "limit": report.limit,
                "limits": [
                    {"limit": s.limit, "of": s.whose, "rss": s.rss, "pss": s.pss,
                     "processes": s.processes}
                    for s in report.sums
                ],
                "machine": {"memory": report.machine.total, "cores": report.machine.cores},
                "problems": [_problem(problem) for problem in report.crowds],
                "notes": list(report.notes),
            },
            indent=2,
        )
        + "\n"
    )  # fmt: skip


def process(row: Row) -> dict[str, Any]:
    """One process of the contract's ``processes``."""
    one: Process = row.process
    celery, memory, pulse, growth = one.celery, one.memory, one.pulse, row.growth
    return {
        "pid": one.pid,
        "parent": one.parent,
        "role": one.role,
        "node": celery.node if celery else None,
        "app": celery.app if celery else None,
        "pool": celery.pool if celery else None,
        "concurrency": celery.concurrency if celery else None,
        "queues": celery.queues if celery else None,
        "started_at": one.started_at,
        "user": one.user,
        "state": one.state,
        "rss": memory.rss,
        "rss_peak": memory.peak,
        "uss": memory.uss,
        "pss": memory.pss,
        "shared": memory.shared,
        "swap": memory.swap,
        "vms": memory.vms,
        "limit": one.limit,
        "cpu": one.cpu,
        "open_files": one.open_files,
        "sockets": one.sockets,
        "threads": one.threads,
        "weighed_at": one.weighed_at,
        "hooked": one.hooked if one.hooked or one.readable else None,
        "engine": one.engine,
        "signal": one.signal,
        "tasks_done": pulse.done if pulse else None,
        "running": None
        if pulse is None or pulse.task is None
        else {"task": pulse.task, "since": pulse.since, "tasks": pulse.running},
        "last_done_at": pulse.last_done if pulse else None,
        "growth": None
        if growth is None
        else {
            "rss": growth.size,
            "seconds": growth.seconds,
            "tasks": growth.tasks,
            "snapshots": growth.snapshots,
            "per_task": growth.per_task,
            "per_hour": growth.per_hour,
        },
        "problems": [problem.code for problem in row.problems],
        "details": [_problem(problem) for problem in row.problems],
    }


def _problem(problem: Any) -> dict[str, str]:
    return {"problem": problem.code, "what": problem.what, "todo": problem.todo}
