"""The stacks of a table as a tree: those that the table keeps, and no others."""

from __future__ import annotations

from leakhunt.model.query import Query
from leakhunt.report.flame import drawing
from leakhunt.report.tables import diff, top
from leakhunt.sites.flame import Weight
from tests.support.builders import snap

TASKS, LIBRARY = "/srv/shop/tasks.py:40", "/srv/shop/lib/cache.py:7"


def test_what_is_alive_is_as_wide_as_its_bytes() -> None:
    report = drawing(top(snap(f"{TASKS} 1000B x1", f"{LIBRARY} 24B x1"), Query()))
    assert not report.compared
    assert report.tree.totals == (Weight(1024, 0, 0, 2),)


def test_what_a_filter_drops_is_not_drawn() -> None:
    table = top(snap(f"{TASKS} 1000B x1", f"{LIBRARY} 24B x1"), Query(filters=("lib",)))
    assert drawing(table).tree.totals == (Weight(24, 0, 0, 1),)


def test_a_diff_draws_what_came_what_went_and_what_changed() -> None:
    before = snap(f"{TASKS} 1000B x1", f"{LIBRARY} 24B x1", taken_at=1.0)
    after = snap(f"{TASKS} 3000B x1", "/srv/shop/new.py:1 7B x1")
    report = drawing(diff(before, after, Query()))
    assert report.compared
    assert report.tree.totals == (Weight(3007, 2007, 24, 2, 0),)
