"""``leakhunt ls`` as JSON."""

from __future__ import annotations

from typing import Any

from leakhunt.render.json.tables import dumped, meta_of
from leakhunt.report.listing import ListReport
from leakhunt.snapshots.series import Series


def listing(report: ListReport) -> str:
    """``leakhunt/ls@1``."""
    return dumped(
        "ls",
        {
            "dir": report.folder,
            "series": [
                _series(line, line is report.fastest, report.engine(line)) for line in report.series
            ],
            "hooked": [
                {
                    "pid": waiting.pid,
                    "node": waiting.node,
                    "role": waiting.role,
                    "armed_at": waiting.armed_at,
                    "signal": waiting.signal,
                }
                for waiting in report.waiting
            ],
            "notes": list(report.notes),
        },
    )


def _series(line: Series, fastest: bool, engine: str | None) -> dict[str, Any]:
    return {
        "folder": str(line.folder),
        "growth": line.growth,
        "growth_per_second": line.per_second,
        "fastest": fastest,
        "alive": line.alive,
        "engine": engine,
        "snapshots": [meta_of(str(entry.path), entry.meta) for entry in line.entries],
    }
