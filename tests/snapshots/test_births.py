"""Births as a file tells them: checked, never more than the stack has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt import api
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Birth, Calendar, Gone, Snapshot, Tally
from leakhunt.report import tables
from leakhunt.snapfile.write import write
from leakhunt.snapshots import calendar as calendars
from leakhunt.snapshots import load
from leakhunt.snapshots.births import AT_ONCE, EARLY, EVEN, INHERITED, RECENT, by_row
from leakhunt.snapshots.births import born as of_stacks
from tests.support.builders import FACTS, snap, stack
from tests.support.lives import aged

INNER = (("/srv/shop/tasks.py", 40), ("/srv/shop/app.py", 1))
PLACE = stack("/srv/shop/tasks.py:40 < /srv/shop/app.py:1")
TALLIES = {PLACE: Tally(3000, 30)}
CALENDAR: dict[str, Any] = {
    "unit": "task",
    "edges": (0, 50, 101),
    "moments": (None, 1_800_000_300.0, 1_800_000_600.0),
    "intervals": (1024.0, None),
    "armed": 0,
    "tasks": ("orders.take", "orders.ship"),
}
GOOD = ((-1, 0, 1, 1, 500, 500, 5), (0, 1, 4, 5, 1500, 800, 15), (1, 2, 2, 2, 1000, 708, 10))


def told(births: Any, calendar: Any = CALENDAR) -> tuple[Birth, ...]:
    return calendars.births([(INNER, births)], calendar, TALLIES).get(PLACE, ())


def test_births_come_with_the_stacks_and_go_with_them(tmp_path: Path) -> None:
    births = [(INNER, GOOD), ((), ((1, 0, 3, 3, 90, 60, 3),))]
    path = tmp_path / "x.bin"
    known = {**FACTS, "engine": "sampled", "births": births, "calendar": CALENDAR}
    write(path, [((0, 100, INNER, 2), 30), ((0, 90, (("/srv/lib/b.py", 1),), 1), 1)], 5, known)
    for detail in (False, True):  # from the index, and from the pickle
        snapshot: Snapshot = load.load(path, detail)
        assert snapshot.calendar == Calendar(
            "task", (0, 50, 101), (None, 1_800_000_300.0, 1_800_000_600.0), (1024.0, None), 0,
            (Birth(1, None, 3, 3, 90.0, 3600.0, 3.0),),
        )  # fmt: skip
        assert snapshot.told(PLACE).births == (
            Birth(-1, None, 1, 1, 500.0, 250_000.0, 5.0),
            Birth(0, "orders.take", 4, 5, 1500.0, 640_000.0, 15.0),
            Birth(1, "orders.ship", 2, 2, 1000.0, 708.0**2, 10.0),
        )
    assert "births" not in load.series(tmp_path)[0].first.meta.facts  # not in the trailer
    assert dict(api.keep(snapshot, "shop").facts) == {PLACE: snapshot.told(PLACE)}
    kept = api.keep(snapshot, "/srv/lib")
    assert len(kept.tallies) == 1
    assert kept.facts == {place: snapshot.facts[place] for place in kept.tallies}


def test_what_waits_for_the_collector_is_told_with_them() -> None:
    assert told(((0, 1, 4, 5, 1500, 800, 15, 20, 700),))[0].waiting == 700.0
    assert told(GOOD)[0].waiting == 0.0  # an earlier version's file
    twice = (
        (INNER, ((0, 1, 1, 1, 500, 500, 5, 0, 200),)),
        (INNER, ((0, 1, 1, 1, 600, 600, 6, 0, 50),)),
    )
    (several,) = calendars.births(twice, CALENDAR, TALLIES).values()
    assert [birth.waiting for birth in several] == [250.0]


def test_an_old_file_has_none(tmp_path: Path) -> None:
    write(tmp_path / "x.bin", [((0, 100, INNER, 2), 30)], 5, FACTS)
    snapshot = load.load(tmp_path / "x.bin")
    assert snapshot.calendar is None
    assert snapshot.told(PLACE).births == ()


def test_a_stack_that_is_told_of_twice_is_one() -> None:
    halves = [(INNER, ((0, 1, 2, 3, 400, 300, 4),)), (INNER, ((0, 1, 1, 1, 600, 600, 6),))]
    (several,) = calendars.births(halves, CALENDAR, TALLIES).values()
    assert several == (Birth(0, "orders.take", 3, 4, 1000.0, 450_000.0, 10.0),)


def test_longer_records_of_a_later_version_are_read() -> None:
    longer = tuple((*birth, 0, 0, 0, "new") for birth in GOOD)
    assert calendars.births([(INNER, longer, 7)], {**CALENDAR, "new": 3}, TALLIES) == {
        PLACE: told(GOOD)
    }


@pytest.mark.parametrize(
    "birth",
    [
        None, 3, (), GOOD[1][:6], (-2, *GOOD[1][1:]), (2, *GOOD[1][1:]), (0.5, *GOOD[1][1:]),
        (True, *GOOD[1][1:]), (0, 3, *GOOD[1][2:]), (0, -1, *GOOD[1][2:]), (0, "x", *GOOD[1][2:]),
        (0, 1, 0, 0, 10, 10, 1), (0, 1, 6, 5, 1500, 800, 15), (0, 1, 4, 5, 1500, 1501, 15),
        (0, 1, 4, 5, float("nan"), 1, 15), (0, 1, 4, 5, 3001, 1700, 15), (0, 1, 4, 5, 1500, 800, 31), (0, 1, 4, 5, 1500, 800, 15, 1501),
        (0, 1, 4, 5, 1500, 800, 15, "x"), (0, 1, 4, 5, 1500, 800, 15, 0, 1501), (0, 1, 4, 5, 1500, 800, 15, 0, 0, 1501),
        (0, 1, 4, 5, 1 << 70, 800, 15),
    ],
)  # fmt: skip
def test_a_birth_that_cannot_be_is_not_said(birth: Any) -> None:
    assert told(GOOD)
    assert told((birth,)) == ()
    assert told((*GOOD, birth)) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"unit": "week"}, {"edges": (0, 50, 50)}, {"edges": (0, 101)}, {"edges": (0, "x", 101)},
        {"edges": tuple(range(2000))}, {"edges": None}, {"moments": (None,)}, {"intervals": ()},
        {"armed": -1}, {"armed": None}, {"edges": (0,), "moments": (0,), "intervals": ()},
    ],
)  # fmt: skip
def test_births_without_a_sound_calendar_are_not_said(changed: dict[str, Any]) -> None:
    assert told(GOOD, {**CALENDAR, **changed}) == ()
    assert calendars.calendar({"calendar": {**CALENDAR, **changed}, "births": []}) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(INNER),
    lambda inner: st.lists(inner, max_size=4)
    | st.tuples(st.just(INNER), inner)
    | st.lists(st.tuples(*[st.integers(-2, 40)] * 7), max_size=3).map(tuple)
    | st.dictionaries(st.sampled_from(list(CALENDAR)), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(ANYTHING, st.just(CALENDAR) | ANYTHING)
def test_any_fact_ends_in_checked_values(births: Any, calendar: Any) -> None:
    calendars.calendar({"births": births, "calendar": calendar})
    for said in (births, [(INNER, births)]):
        for where, several in calendars.births(said, calendar, TALLIES).items():
            assert sum(birth.size for birth in several) <= TALLIES[where].size
            assert sum(birth.blocks for birth in several) <= TALLIES[where].count
            for birth in several:
                assert -1 <= birth.period < 2
                assert 1 <= birth.runs <= birth.samples
                assert birth.size**2 / birth.runs <= birth.squares + 1e-6
                assert birth.squares <= birth.size**2 + 1e-6
                assert birth.task in (None, *CALENDAR["tasks"])


# -- of rows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([500] * 12, EVEN),
        ([2500, 2000, 1000, *[60] * 9], EARLY),
        ([*[0] * 9, 300, 2000, 3000], RECENT),
        ([100, 100, 100, 100, 6000, *[100] * 7], AT_ONCE),
        ([50, *[0] * 11], None),
        ([0, 0, 3000, 0, 0, 3000, *[0] * 6], None),
    ],
)
def test_how_births_lie(sizes: list[float], shape: str | None) -> None:
    found = of_stacks(aged(("tasks.py:40", sizes)), [stack("tasks.py:40")])
    assert found is not None
    assert found.shape == shape
    assert found.tasks == {"shop.take": sum(sizes)}


def test_a_single_coarse_sample_is_no_shape() -> None:
    snapshot = aged(("tasks.py:40", [500] * 12))
    place = stack("tasks.py:40")
    births = (*snapshot.told(place).births, Birth(7, None, 1, 1, 90_000.0, 90_000.0**2, 9.0))
    coarse = replace(snapshot, facts={place: replace(snapshot.told(place), births=births)})
    found = of_stacks(coarse, [place])
    assert found is not None
    assert found.events < 2
    assert found.shape is None


def test_what_was_there_before_the_fork_is_inherited() -> None:
    snapshot = aged(("tasks.py:40", [500] * 12))
    place = stack("tasks.py:40")
    old = tuple(Birth(-1, None, 1, 1, 2000.0, 2000.0**2, 9.0) for _ in range(12))
    births = (*snapshot.told(place).births, *old)
    found = of_stacks(
        replace(snapshot, facts={place: replace(snapshot.told(place), births=births)}), [place]
    )
    assert found is not None
    assert found.shape == INHERITED
    assert found.before == 24_000
    assert found.dated == 30_000


def test_without_a_calendar_nothing_is_known() -> None:
    assert of_stacks(snap("tasks.py:40 4KiB x10"), [stack("tasks.py:40")]) is None
    assert by_row(snap("tasks.py:40 4KiB x10"), Query()) == {}


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=40), st.integers(1, 50))
def test_columns_of_births_add_up(sizes: list[int], columns: int) -> None:
    if not sum(sizes):
        return
    found = of_stacks(aged(("tasks.py:40", sizes)), [stack("tasks.py:40")])
    assert found is not None
    assert sum(found.spread(1.0, columns)) == pytest.approx(sum(sizes))
    assert sum(found.tasks.values()) == pytest.approx(found.dated) == sum(sizes)


@pytest.mark.parametrize("group", ["lineno", "filename", "package", "traceback"])
def test_the_births_of_rows_add_up(group: str) -> None:
    snapshot = aged(
        ("/srv/a.py:1 < /srv/b.py:2", [500] * 4), ("/srv/a.py:9 < /srv/b.py:2", [0, 0, 300, 0])
    )
    rows = by_row(snapshot, Query(group))
    assert sum(born.dated for born in rows.values()) == 2300
    report = tables.top(snapshot, Query(group))
    assert (
        sum(born.dated for row in report.comparison.rows if (born := tables.born_of(report, row)))
        == 2300
    )


def test_what_has_died_comes_with_the_stacks(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    known = {**FACTS, "engine": "sampled", "births": [(INNER, GOOD)], "calendar": CALENDAR}
    traces = [((0, 100, INNER, 2), 30)]
    for gone, deaths, said in (
        ([(INNER, (700,), (300,))], True, Gone((700.0,), (90_000.0,))),
        ([(INNER, (700,), (300,)), (INNER, (1,), (2,))], True, Gone((701.0,), (90_004.0,))),
        ([], True, None),  # nothing has died
        (None, False, None),  # nobody has looked
    ):
        write(path, traces, 5, {**known, **({} if gone is None else {"gone": gone})})
        for detail in (False, True):
            snapshot = load.load(path, detail)
            assert snapshot.calendar is not None
            assert snapshot.calendar.deaths is deaths
            assert snapshot.told(PLACE).gone == said


@pytest.mark.parametrize(
    "record",
    [
        (INNER, (700,)),
        (INNER, (700, 5), (300, 5)),  # more periods than the calendar has
        (INNER, (), ()),
        (INNER, ("7",), (1,)),
        (INNER, (-7,), (1,)),
        (INNER, (float("nan"),), (1,)),
        (INNER, 7, 1),
        ((("nowhere.py", 1),), (700,), (300,)),
        None,
    ],
)
def test_a_malformed_record_of_deaths_tells_nothing(record: Any) -> None:
    assert calendars.gone([record], CALENDAR, TALLIES) == {}
    assert calendars.gone(record, CALENDAR, TALLIES) == {}
    assert calendars.gone([(INNER, (700,), (300,))], None, TALLIES) == {}
