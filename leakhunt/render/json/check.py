"""``leakhunt check`` as JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any

from leakhunt.gate.confidence import Interval
from leakhunt.render.json.tables import dumped
from leakhunt.render.json.told import told
from leakhunt.render.json.trend import finding_of
from leakhunt.report.check import CheckReport


def check(report: CheckReport) -> str:
    """The contract's ``leakhunt/check@1``, with a few keys more."""
    return dumped("check", content(report))


def content(report: CheckReport) -> dict[str, Any]:
    """The document without its schema."""
    outcome = report.outcome
    ruling = outcome.ruling
    return {
        "target": outcome.target,
        "verdict": outcome.verdict,
        "summary": report.summary,
        "runs": outcome.runs,
        "warm_up": None if ruling is None else ruling.since,
        "seconds": outcome.seconds,
        "stopped": outcome.stopped,
        "bytes_per_run": None if ruling is None else ruling.kept.rate,
        "ci95": None if ruling is None else _ends(ruling.kept),
        "max_bytes_per_run": outcome.limits.bytes_per_run,
        "native": None
        if ruling is None or ruling.native is None
        else {
            "bytes_per_run": ruling.native.rate,
            "ci95": _ends(ruling.native),
            "leaks": ruling.native_leaks,
        },
        "findings": [
            {
                **finding_of(report.labels, rank, judged),
                "unit": "run",
                "sure": judged in report.sure,
                "known": ruling is not None and judged.finding in ruling.baselined,
            }
            for rank, judged in enumerate(report.findings, 1)
        ],
        "account": None if report.account is None else told(report.account),
        "next": report.next_step,
        "notes": list(report.notes),
    }


def _ends(interval: Interval) -> list[float | None]:
    """JSON has no infinity: null is an end that is not known."""
    return [end if isfinite(end) else None for end in (interval.low, interval.high)]
