"""``leakhunt watch`` as JSON: the processes as ``ps`` has them, with what watching adds."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.render.json.ps import process
from leakhunt.report.ps import Row
from leakhunt.report.watch import Lasts, Line, Rate, Shared, WatchReport


def watch(report: WatchReport) -> str:
    document = {
        "schema": "leakhunt/watch@1",
        "since": report.since,
        "taken_at": report.machine.now,
        "processes": [_line(line) for line in report.lines],
        "ended": report.ended,
        "restarts": [
            {"node": node, "role": role, "restarts": number}
            for (node, role), number in sorted(report.restarts.items())
        ],
        "shared": [_shared(shared) for shared in report.shared],
        "notes": list(report.notes),
        "machine": {"memory": report.machine.total, "cores": report.machine.cores},
    }
    return json.dumps(document, indent=2) + "\n"


def _line(line: Line) -> dict[str, Any]:
    return {
        **process(Row(line.process, 0, None, (), 0)),
        "samples": len(line.samples),
        "per_minute": _rate(line.per_minute),
        "per_task": _rate(line.per_task),
        "threshold": line.limit,
        "lasts": _lasts(line.lasts),
        "level": line.level,
        "verdict": line.verdict,
    }


def _rate(rate: Rate | None) -> dict[str, Any] | None:
    return None if rate is None else {"value": rate.value, "ci95": [rate.low, rate.high]}


def _lasts(lasts: Lasts | None) -> dict[str, Any] | None:
    return (
        None if lasts is None else {"seconds": lasts.seconds, "ci95": [lasts.soonest, lasts.latest]}
    )


def _shared(shared: Shared) -> dict[str, Any]:
    return {
        "limit": shared.limit,
        "whose": shared.whose,
        "pss": shared.pss,
        "processes": shared.processes,
        "per_minute": _rate(shared.per_minute),
        "lasts": _lasts(shared.lasts),
        "level": shared.level,
    }
