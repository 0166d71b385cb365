"""What a renderer of ``top`` and ``diff`` gets beside the rows."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Facts, Snapshot
from leakhunt.report import tables
from leakhunt.report.words.notes import RECYCLED
from tests.support.builders import snap
from tests.support.lives import aged

MIB = 1 << 20
LINE, OTHER = "/srv/shop/tasks.py:40", "/srv/shop/app.py:1"


def typed(recycled: int, **types: int) -> Snapshot:
    made = snap(f"{LINE} 1000B x10", f"{OTHER} 10B x1")
    told = Facts(types=types, recycled=recycled)
    return replace(made, facts=MappingProxyType({next(iter(made.tallies)): told}))


def test_rows_add_up_to_what_is_alive() -> None:
    report = tables.top(
        snap(f"{LINE} 1000B x10", f"{OTHER} 10B x1"), Query(limit=1), "newest", ("note",)
    )
    assert [row.change.after.size for row in report.comparison.rows] == [1000]
    assert report.comparison.remainder.after.size == 10
    assert (report.why, report.notes) == ("newest", ("note",))


def test_a_row_knows_the_types_of_its_objects() -> None:
    report = tables.top(typed(0, dict=700, str=200), Query())
    first, second = report.comparison.rows
    kinds = tables.kinds_of(report, first)
    assert kinds is not None
    assert kinds.types == (("dict", 700), ("str", 200))
    assert tables.kinds_of(report, second) is None or not tables.kinds_of(report, second).types  # type: ignore[union-attr]
    assert RECYCLED not in report.notes


def test_rows_of_recycled_objects_are_noted_in_both() -> None:
    recycled = typed(900, dict=900)
    assert RECYCLED in tables.top(recycled, Query()).notes
    before = snap(f"{LINE} 10B x1", f"{OTHER} 10B x1", taken_at=1_800_000_000.0)
    assert RECYCLED in tables.diff(before, recycled, Query()).notes


def test_a_row_knows_when_its_objects_were_born() -> None:
    report = tables.top(aged((LINE, [1000.0] * 12)), Query())
    born = tables.born_of(report, report.comparison.rows[0])
    assert born is not None
    assert sum(born.sizes) == 12_000
    plain = tables.top(snap(f"{LINE} 1000B x10"), Query())
    assert tables.born_of(plain, plain.comparison.rows[0]) is None


def diff(before: dict[str, Any], after: dict[str, Any]) -> tables.DiffReport:
    return tables.diff(
        snap(f"{LINE} 1000B x10", **before), snap(f"{LINE} 3000B x30", **after), Query()
    )


def test_between_two_of_one_process_tasks_and_time_are_known() -> None:
    report = diff(
        {"tasks_done": 100, "taken_at": 1_800_000_000.0},
        {"tasks_done": 400, "taken_at": 1_800_000_060.0},
    )
    assert (report.tasks, report.seconds) == (300, 60.0)


def test_of_two_processes_or_backwards_no_tasks_are_told() -> None:
    assert diff({"pid": 1}, {"pid": 2}).tasks is None
    assert diff({"tasks_done": 400}, {"tasks_done": 100}).tasks is None
    assert diff({"tasks_done": None}, {"tasks_done": 100}).tasks is None


def test_what_python_explains_is_told_of_growth_alone() -> None:
    grew = diff(
        {"rss": 100 * MIB, "traced": 10 * MIB}, {"rss": 140 * MIB, "traced": 20 * MIB}
    ).process
    assert (grew.rss_diff, grew.traced_diff, grew.explained) == (40 * MIB, 10 * MIB, 0.25)
    shrank = diff({"rss": 140 * MIB}, {"rss": 100 * MIB}).process
    assert (shrank.rss_diff, shrank.explained) == (-40 * MIB, None)
    mute = diff({"rss": None}, {"rss": 100 * MIB}).process
    assert (mute.rss_diff, mute.explained) == (None, None)


def test_without_maps_there_is_no_account() -> None:
    maps = {"maps": {"heap": [150 * MIB, 1]}}
    assert diff({}, {}).account is None
    assert diff(maps, {}).account is None
    assert diff({}, maps).account is None
    assert diff(maps, maps).account is not None


def test_of_two_processes_nothing_grew_that_an_account_could_explain() -> None:
    maps = {"maps": {"heap": [150 * MIB, 1]}}
    assert diff({**maps, "pid": 1}, {**maps, "pid": 2}).account is None


def test_a_cut_table_adds_up_as_the_whole_does() -> None:
    before = snap("a.py:1 1KiB x1", "b.py:2 5KiB x5")
    after = snap("a.py:1 9KiB x9", "b.py:2 7KiB x7", "c.py:3 4KiB x4", "d.py:4 1KiB x1")
    whole = tables.diff(before, after, Query(limit=3))
    cut = tables.cut(whole, 1).comparison
    assert [row.rank for row in cut.rows] == [1]
    assert cut.remainder_sites == whole.comparison.remainder_sites + 2 == 3
    rows = [row.change for row in cut.rows]
    for side in ("before", "after"):
        size = sum(getattr(change, side).size for change in rows)
        count = sum(getattr(change, side).count for change in rows)
        rest, total = getattr(cut.remainder, side), getattr(cut.totals, side)
        assert (size + rest.size, count + rest.count) == (total.size, total.count)
    assert tables.cut(whole, 3) == whole
