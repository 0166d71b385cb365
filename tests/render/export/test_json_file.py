"""JSON with every stack of every snapshot."""

from __future__ import annotations

import json

from tests.support.builders import snap
from tests.support.exporting import exported

ONE = snap("/srv/a.py:1 1KiB x1", "/srv/b.py:1 3KiB x2", path="1.bin")
TWO = snap("/srv/a.py:1 2KiB x1", path="2.bin")


def test_rows_are_ranked_by_snapshot_and_add_up() -> None:
    document = json.loads(exported("json", ONE, TWO))
    assert [(row["snapshot"], row["rank"], row["size"]) for row in document["rows"]] == [
        (0, 1, 3072), (0, 2, 1024), (1, 1, 2048),
    ]  # fmt: skip
    assert sum(row["size"] for row in document["rows"]) == document["totals"]["size"]
    assert [each["totals"]["size"] for each in document["snapshots"]] == [4096, 2048]
    assert document["snapshot"] is None


def test_of_one_snapshot_it_is_named_as_in_other_documents() -> None:
    document = json.loads(exported("json", ONE))
    assert document["snapshot"]["path"] == "1.bin"
    assert document["dropped"]["size"] == document["remainder"]["size"] == 0
