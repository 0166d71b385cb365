"""What keeps the objects of a place, as JSON."""

from __future__ import annotations

from leakhunt.render.documents import advice_of
from leakhunt.render.json.tables import dumped, snapshot_of
from leakhunt.report.why import WhyReport


def why(report: WhyReport) -> str:
    """``leakhunt/why@1``: all ways, whatever the limit of the table."""
    answer = report.answer
    frame = report.site
    return dumped(
        "why",
        {
            "snapshot": snapshot_of(report.snapshot),
            "site": {
                "file": frame.file,
                "line": frame.line,
                "function": report.labels.spot(frame).function,
            },
            "objects": answer.objects,
            "size": answer.size,
            "tied": answer.tied,
            "whole": answer.whole,
            "waiting": answer.waiting,
            "gc": answer.collector._asdict(),
            "paths": [
                {
                    "path": [
                        {
                            "kind": step.kind,
                            "name": step.name,
                            "type": step.type,
                            "length": step.length,
                            "bound": step.bound,
                            "again": step.again,
                        }
                        for step in way.held.path
                    ],
                    "objects": way.held.objects,
                    "size": way.held.size,
                    "retained": way.held.retained,
                    "grew": None if way.grew is None else way.grew[1] - way.grew[0],
                }
                for way in answer.ways
            ],
            "advice": advice_of(report.advice),
        },
    )
