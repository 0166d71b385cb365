"""A place as JSON: rows and trees of stacks, nothing rounded."""

from __future__ import annotations

from typing import Any

from leakhunt.compare.tree import Node
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


def place(report: PlaceReport) -> str:
    """``leakhunt/show@1``. Trees are lists of nodes in the order they are drawn, with a level each:
    stacks may be deeper than JSON parsers like to nest.
    """
    found, source, labels = report.shown, report.source, report.labels

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
            "location": found.location,
            "places": [{**frame_of(frame, labels), **live(tally)} for frame, tally in found.places],
            "totals": live(found.totals),
            "dropped": {
                **live(found.dropped),
                "hidden": _counted(found.hidden, found.hidden_stacks),
            },
            "matched": _counted(found.matched, found.stacks),
            "here": live(found.here),
            "remainder": _counted(found.remainder, found.remainder_stacks),
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
                    "share": ratio(lead.tally.size, found.matched.size),
                }
                for lead in found.leads
            ],
            "callers": [node(one) for one in found.callers],
            "below": [node(one) for one in found.below],
            **kinds_keys(found.kinds),
            **born_keys(found.born),
            "blocks": [block._asdict() for block in found.blocks],
            "source": None
            if source is None
            else {
                "origin": source.origin,
                "lines": [{"line": number, "code": code} for number, code in source.lines],
                "note": source.note,
            },
            "notes": list(report.notes),
        },
    )


def _counted(tally: Tally, stacks: int) -> dict[str, int]:
    return {**live(tally), "stacks": stacks}
