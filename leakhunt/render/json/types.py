"""Types of objects that grow, as JSON."""

from __future__ import annotations

from leakhunt.render.json.tables import dumped, meta_of
from leakhunt.report.types import TypesReport


def types(report: TypesReport) -> str:
    """``leakhunt/types@1``."""
    history = report.history
    return dumped(
        "types",
        {
            "group_by": "type",
            "process": meta_of(
                str(history.entries[-1].path) if history.entries else "", history.last
            ),
            "unit": history.unit,
            "unit_name": history.noun,
            "summary": report.summary,
            "rows": [
                {
                    "rank": rank,
                    "type": each.name,
                    "verdict": each.verdict,
                    "bytes_per_unit": each.rate,
                    "ci95": [each.low, each.high],
                    "p": each.p,
                    "size_first": each.sizes[0],
                    "size_last": each.sizes[-1],
                    "count": each.count,
                    "series": list(each.sizes),
                }
                for rank, each in report.ranked
            ],
            "notes": list(report.notes),
        },
    )
