"""``top`` and ``diff`` as JSON: whole numbers that add up, and null for what is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leakhunt.model.query import Query
from leakhunt.render.json.tables import diff, dumped, ratio, top
from leakhunt.report import tables
from tests.support.builders import snap
from tests.support.lives import aged

TASKS, LIBRARY = "/srv/shop/tasks.py:40", "/srv/shop/lib/cache.py:7"
BEFORE = snap(f"{TASKS} 1000B x10", f"{LIBRARY} 24B x1", taken_at=1_800_000_000.0, tasks_done=100)
AFTER = snap(f"{TASKS} 3000B x30", "/srv/shop/new.py:1 7B x1", tasks_done=400)


def topped(**asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(top(tables.top(AFTER, Query(**asked))))
    return found


@pytest.mark.parametrize(
    "asked", [{}, {"limit": 1}, {"excludes": ("new.py",)}, {"group_by": "package"}]
)
def test_rows_remainder_and_dropped_are_all_there_is(asked: dict[str, Any]) -> None:
    document = topped(**asked)
    for name in ("size", "count"):
        parts = sum(row[name] for row in document["rows"])
        assert (
            parts + document["remainder"][name] + document["dropped"][name]
            == document["totals"][name]
        )


def test_a_row_has_what_the_contract_names() -> None:
    (first, _) = topped()["rows"]
    assert {"rank", "site", "stack", "size", "count", "average", "share"} <= set(first)
    assert first["site"] == {"file": "/srv/shop/tasks.py", "line": 40, "function": None}
    assert first["average"] == 100.0
    assert "stderr" not in first


def test_a_grouping_names_what_its_rows_stand_for() -> None:
    assert "package" in topped(group_by="package")["rows"][0]["site"]
    assert topped(group_by="type")["rows"][0]["site"]["type"] is None


def test_estimates_have_an_error_and_births() -> None:
    document = json.loads(top(tables.top(aged((TASKS, [1000.0] * 12)), Query())))
    (row,) = document["rows"]
    assert row["stderr"] == 0.0
    assert sum(row["born"]["bytes"]) + row["born"]["before"] == row["size"]


def test_a_diff_has_both_sides_and_a_rate() -> None:
    document = json.loads(diff(tables.diff(BEFORE, AFTER, Query())))
    assert document["tasks"] == 300
    for row in document["rows"]:
        assert row["size_after"] - row["size_before"] == row["size_diff"]
        assert row["bytes_per_task"] == row["size_diff"] / 300
    assert document["totals"]["size_diff"] == sum(row["size_diff"] for row in document["rows"])
    assert document["account"] is None


def test_a_part_of_nothing_is_null() -> None:
    assert (ratio(1, 0), ratio(1, None), ratio(1, 2)) == (None, None, 0.5)


def test_a_document_begins_with_its_schema() -> None:
    assert json.loads(dumped("top", {"a": 1})) == {"schema": "leakhunt/top@1", "a": 1}
    assert dumped("top", {}).endswith("}\n")
