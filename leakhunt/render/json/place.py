"""A place as JSON: rows and trees of stacks, nothing rounded."""

from __future__ import annotations

from typing import Any

from leakhunt.compare.place import Shown
from leakhunt.compare.tree import Node
from leakhunt.model.snapshot import Snapshot, Tally
from leakhunt.render.json.tables import _dump, _live, _ratio, _snapshot, frame_of, kinds_keys
from leakhunt.report.tables import Labels
from leakhunt.snapshots.source import Source


def show(found: Shown, snapshot: Snapshot, source: Source | None) -> str:
    """``leakhunt/show@1``. Trees are lists of nodes in the order they are drawn, with a level each:
    stacks may be deeper than JSON parsers like to nest.
    """
    labels = Labels(snapshot)

    def node(one: Node) -> dict[str, Any]:
        return {
            "level": one.level,
            "frame": None if one.frame is None else frame_of(one.frame, labels),
            **_counted(one.tally, one.stacks),
            "ends": _live(one.ends),
            "remainder": {**_live(one.remainder), "children": one.remainder_children},
        }

    return _dump(
        "show",
        {
            "snapshot": _snapshot(snapshot),
            "location": found.location,
            "places": [
                {**frame_of(frame, labels), **_live(tally)} for frame, tally in found.places
            ],
            "totals": _live(found.totals),
            "dropped": {
                **_live(found.dropped),
                "hidden": _counted(found.hidden, found.hidden_stacks),
            },
            "matched": _counted(found.matched, found.stacks),
            "here": _live(found.here),
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
                    **_live(lead.tally),
                    "average": _ratio(lead.tally.size, lead.tally.count),
                    "share": _ratio(lead.tally.size, found.matched.size),
                }
                for lead in found.leads
            ],
            "callers": [node(one) for one in found.callers],
            "below": [node(one) for one in found.below],
            **kinds_keys(found.kinds),
            "blocks": [block._asdict() for block in found.blocks],
            "source": None
            if source is None
            else {
                "origin": source.origin,
                "lines": [{"line": number, "code": code} for number, code in source.lines],
                "note": source.note,
            },
            "notes": list(found.notes),
        },
    )


def _counted(tally: Tally, stacks: int) -> dict[str, int]:
    return {**_live(tally), "stacks": stacks}
