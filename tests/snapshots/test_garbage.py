"""What waits for the garbage collector is told at its row, and only that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leakhunt.model.query import Query
from leakhunt.model.site import Site
from leakhunt.model.snapshot import Snapshot
from leakhunt.report import tables
from leakhunt.snapshots import garbage
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.garbage import UNKNOWN, Collector
from tests.support.builders import snap, stack
from tests.support.pages import as_json, as_markdown, page

NODE, OTHER = "/srv/shop/tree.py:8 < /srv/shop/tasks.py:40", "/srv/shop/cache.py:3"


def holding(waiting: int, size: str = "1MiB", **facts: Any) -> Snapshot:
    """A snapshot in which so many objects of NODE wait."""
    frames = [("/srv/shop/tree.py", 8), ("/srv/shop/tasks.py", 40)]
    found = {"objects": waiting, "stacks": [(frames, waiting)] if waiting else []}
    return snap(f"{NODE} {size} x4000", f"{OTHER} 1KiB x1", garbage=found, **facts)


def test_stacks_are_read_with_the_most_recent_call_last() -> None:
    assert garbage.waiting(holding(7).meta) == {stack(NODE): 7}


@pytest.mark.parametrize(
    "recorded", [None, 3, {}, {"stacks": 3}, {"stacks": [3]}, {"stacks": [([("a", "b")], "c")]}]
)
def test_what_is_malformed_is_nobodys(recorded: Any) -> None:
    numbers = garbage.waiting(snap("a.py:1 1KiB x1", garbage=recorded).meta)
    assert not any(numbers.values())


def test_rows_add_up_what_waits() -> None:
    one = holding(7)
    assert garbage.by_row(one, Query()) == {Site("/srv/shop/tree.py", 8): 7}
    assert garbage.by_row(one, Query("filename")) == {Site("/srv/shop/tree.py"): 7}
    assert garbage.by_row(one, Query("type")) == {}
    assert garbage.by_row(holding(0), Query()) == {}


def test_of_a_difference_those_count_that_did_not_wait_before() -> None:
    assert list(garbage.by_row(holding(2000), Query(), holding(10)).values()) == [1990]
    assert garbage.by_row(holding(10), Query(), holding(10)) == {}


def test_a_row_is_marked_in_every_format() -> None:
    report = tables.diff(holding(10, "1KiB"), holding(2000), Query())
    assert "1,990 more objects only wait for the garbage collector" in page(report, 120)
    assert "1,990 more objects only wait" in as_markdown(report)
    rows = json.loads(as_json(report))["rows"]
    assert [row.get("garbage") for row in rows] == [1990]
    top = tables.top(holding(1), Query())
    assert "1 object only waits for the garbage collector" in page(top, 120)


def test_of_two_processes_nobody_knows_what_waited_before() -> None:
    report = tables.diff(holding(10, pid=1), holding(2000, pid=2), Query())
    assert report.garbage == {}


def test_a_collector_is_told_as_far_as_the_file_does() -> None:
    told = {"enabled": False, "frozen": 9, "garbage": 2}
    assert garbage.collector(meta({"gc": told})) == Collector(False, 9, 2)
    assert garbage.collector(meta({"gc": {"enabled": True}})) == Collector(True, None, None)


@pytest.mark.parametrize(
    "said", [None, 3, [], {"enabled": "yes", "frozen": -1, "garbage": "many"}, {"frozen": True}]
)
def test_a_malformed_collector_is_not_said(said: object) -> None:
    assert garbage.collector(meta({"gc": said})) == UNKNOWN
