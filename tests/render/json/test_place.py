"""``leakhunt show`` as JSON: trees as lists of nodes, each of which adds up."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.model.query import Query
from leakhunt.render.json.place import place
from leakhunt.report import place as reports
from leakhunt.sites.place import show
from leakhunt.snapshots.source import Source
from tests.support.builders import snap

LINE = "/srv/shop/tasks.py:40"
SNAPSHOT = snap(
    f"/srv/shop/b.py:1 < {LINE} < /srv/shop/app.py:1 3000B x3",
    f"{LINE} 1000B x1",
    "/srv/x.py:1 9B x1",
)


def document(source: Source | None = None, **asked: Any) -> dict[str, Any]:
    shown = show(SNAPSHOT, "tasks.py:40", Query(**asked))
    found: dict[str, Any] = json.loads(place(reports.place(shown, SNAPSHOT, source)))
    return found


def test_what_leads_there_and_what_is_dropped_is_all_there_is() -> None:
    made = document()
    assert made["matched"] == {"size": 4000, "count": 4, "stacks": 2}
    assert made["here"] == {"size": 1000, "count": 1}
    assert made["totals"]["size"] == made["matched"]["size"] + made["dropped"]["size"]
    assert sum(row["size"] for row in made["rows"]) + made["remainder"]["size"] == 4000
    assert sum(row["share"] for row in made["rows"]) == 1.0


def test_a_node_is_what_ends_there_and_what_is_below_it() -> None:
    for tree in ("callers", "below"):
        nodes = document()[tree]
        root, below = nodes[0], [node for node in nodes if node["level"] == 1]
        assert root["size"] == root["ends"]["size"] + root["remainder"]["size"] + sum(
            n["size"] for n in below
        )


def test_source_lines_are_told_where_there_are_some() -> None:
    assert document()["source"] is None
    source = Source(((39, "for order in orders:"), (40, "KEPT.append(order)")), "snapshot", None)
    assert document(source)["source"] == {
        "origin": "snapshot",
        "lines": [
            {"line": 39, "code": "for order in orders:"},
            {"line": 40, "code": "KEPT.append(order)"},
        ],
        "note": None,
    }
