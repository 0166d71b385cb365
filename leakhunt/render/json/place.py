"""A place as JSON: rows and trees of stacks, nothing rounded."""

from __future__ import annotations

from typing import Any

from leakhunt.model.snapshot import Tally
from leakhunt.render.json.tables import (
    born_keys,
    dumped,
    frame_of,
    kinds_keys,
    live,
    ratio,
    snapshot_of,
)
from leakhunt.report.place import PlaceReport
from leakhunt.report.words import taken_apart
from leakhunt.sites.tree import Node


def place(report: PlaceReport) -> str:
    """``leakhunt/show@1``. Trees are lists of nodes in the order they are drawn, with a level each:
    stacks may be deeper than JSON parsers like to nest.
    """
    shown, source, labels = report.shown, report.source, report.labels

    def node(one: Node) -> dict[str, Any]:
        return {
            "level": one.level,
            "frame": None if one.frame is None else frame_of(one.frame, labels),
            **_counted(one.tally, one.stacks),
            "ends": live(one.ends),
            "remainder": {**live(one.remainder), "children": one.remainder_children},
        }

    return dumped(
        "show",
        {
            "snapshot": snapshot_of(report.snapshot),
            "location": shown.location,
            "places": [{**frame_of(frame, labels), **live(tally)} for frame, tally in shown.places],
            "totals": live(shown.totals),
            "dropped": {
                **live(shown.dropped),
                "hidden": _counted(shown.hidden, shown.hidden_stacks),
            },
            "matched": _counted(shown.matched, shown.stacks),
            "here": live(shown.here),
            "remainder": _counted(shown.remainder, shown.remainder_stacks),
            "rows": [
                {
                    "rank": lead.rank,
                    "site": {
                        "file": lead.stack[lead.depth].file,
                        "line": lead.stack[lead.depth].line,
                        "function": labels.spot(lead.stack[lead.depth]).function,
                    },
                    "stack": [frame_of(frame, labels) for frame in lead.stack],
                    "depth": lead.depth,
                    **live(lead.tally),
                    "average": ratio(lead.tally.size, lead.tally.count),
                    "share": ratio(lead.tally.size, shown.matched.size),
                }
                for lead in shown.leads
            ],
            "callers": [node(one) for one in shown.callers],
            "below": [node(one) for one in shown.below],
            **kinds_keys(shown.kinds),
            **born_keys(shown.born),
            "blocks": [block._asdict() for block in shown.blocks],
            "source": None
            if source is None
            else {
                "origin": source.origin,
                "lines": [{"line": number, "code": code} for number, code in source.lines],
                "note": None if source.note is None else taken_apart.OF_SOURCE[source.note],
            },
            "notes": list(report.notes),
        },
    )


def _counted(tally: Tally, stacks: int) -> dict[str, int]:
    return {**live(tally), "stacks": stacks}
