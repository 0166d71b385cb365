"""``leakhunt compare`` as JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any

from leakhunt.gate.compared import Change, Side
from leakhunt.gate.confidence import Interval
from leakhunt.model.snapshot import Frame
from leakhunt.render.json.tables import dumped
from leakhunt.report.compared import CompareReport


def compare(report: CompareReport) -> str:
    """``leakhunt/compare@1``."""
    result = report.result
    return dumped(
        "compare",
        {
            "summary": report.summary,
            "change": result.word,
            "unit": result.unit,
            "unit_name": result.noun,
            "before": _side(result.before),
            "after": _side(result.after),
            "places": [_place(change) for change in result.changes],
            "notes": list(report.notes),
        },
    )


def _side(side: Side) -> dict[str, Any]:
    last = side.history.last
    return {
        "host": last.host,
        "pid": last.pid,
        "snapshots": len(side.history.looks),
        "units": side.units,
        "verdict": side.verdict.verdict,
        "traced": _interval(side.whole),
    }


def _place(change: Change) -> dict[str, Any]:
    return {
        "change": change.word,
        "place": {
            "file": change.where.file,
            "function": change.where.function,
            "code": change.where.code,
        },
        "task": change.task,
        "units_wanted": change.wanted,
        "before": {
            "site": _site(change, change.site_before),
            **_interval(change.before),
            "units": change.ran[0],
        },
        "after": {
            "site": _site(change, change.site_after),
            **_interval(change.after),
            "units": change.ran[1],
        },
    }


def _site(change: Change, frame: Frame | None) -> dict[str, Any] | None:
    if frame is None:
        return None
    return {"file": frame.file, "line": frame.line, "function": change.where.function}


def _interval(interval: Interval) -> dict[str, Any]:
    ends = [end if isfinite(end) else None for end in (interval.low, interval.high)]
    return {"bytes_per_unit": interval.rate, "ci95": ends}
