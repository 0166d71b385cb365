"""Births told by the order of a container's entries."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.births.arrivals import Arrived, _longest
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.growths import growths
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.shape import LEAK, NOISE, TURNOVER, WARM_UP, Shape
from leakhunt.model.retention import Arrivals, Heap, Rest, Step
from leakhunt.model.snapshot import Counted, Snapshot
from tests.support.builders import stack
from tests.support.lives import PERIOD, aged, held

ONE, TWO = "/srv/shop/tasks.py:40", "/srv/shop/tasks.py:50"
PERIODS = 24
LAST = PERIOD * PERIODS
#: Bytes of an entry, as counted.
ENTRY = 80
Point = tuple[float, int]


def kept(
    points: Sequence[Point], entries: int, sizes: dict[str, int] | None = None,
    objects: int | None = None, counted: int | None = None, kind: str = "list", handed: Sequence[Point] = (),
) -> Snapshot:  # fmt: skip
    """A container of so many entries, of which some tell when they came; lines have so many bytes in it, each in one
    sample that tells hardly anything of births.
    """
    sizes = {ONE: entries * ENTRY} if sizes is None else sizes
    way = held(kind, entries, None)
    snapshot = aged(
        *((where, [size * (at in (6, 18)) // 2 for at in range(PERIODS)]) for where, size in sizes.items()),
        retention={where: way._replace(size=size) for where, size in sizes.items()},
        interval=200_000.0,
    )  # fmt: skip
    told = Arrivals(
        way.mark,
        entries,
        way.path,
        entries if objects is None else objects,
        sum(sizes.values()) if counted is None else counted,
        tuple(points),
        tuple(handed),
    )
    heap = Heap(
        True, None, 9, 9, 0.1, 9, (), Rest(0, 0, 0), None, Rest(0, 0, 0), (), (), 9, 9, (told,)
    )
    facts = {
        frames: replace(
            each, samples=2, stderr=0.7 * snapshot.tallies[frames].size,
            counted=Counted(snapshot.tallies[frames].size, 100.0),
        )
        for frames, each in snapshot.facts.items()
    }  # fmt: skip
    return replace(snapshot, heap=heap, facts=MappingProxyType(facts))


def grows(rate: Callable[[float], float], at: Sequence[float]) -> tuple[list[Point], int]:
    """Entries that came at some units, of a container with so many by each."""
    return [(unit, round(rate(unit + 0.5))) for unit in at], round(rate(LAST))


def test_the_counts_between_entries_that_are_known_are_births() -> None:
    snapshot = kept([(200, 10), (700, 50), (1500, 60), (2000, 300)], 1000)
    births = Arrived(snapshot).births([stack(ONE)], 50_000)
    assert births is not None
    zero = PERIOD  # columns begin at the end of the first period
    assert births.edges == tuple(at - zero for at in (0, 200.5, 700.5, 1500.5, 2000.5, LAST + 0))
    assert births.blocks == (10, 40, 10, 240, 700)
    assert births.sizes == pytest.approx([500, 2000, 500, 12_000, 35_000])
    assert births.intervals == (0.0,) * 5
    assert births.squares == pytest.approx([50 * size for size in births.sizes])


def test_what_one_unit_brings_is_one_event() -> None:
    snapshot = kept([(200, 1000), (700, 3000), (1500, 7000), (2000, 10_000)], 4 * LAST)
    births = Arrived(snapshot).births([stack(ONE)], 4.0 * LAST)
    assert births is not None
    assert births.squares == pytest.approx([4 * size for size in births.sizes])


def test_who_appends_at_the_other_end_is_in_order_too() -> None:
    up, entries = grows(lambda unit: unit / 4, [100, 500, 900, 1400, 2200])
    down = [(unit, entries + 1 - place) for unit, place in reversed(up)]
    assert Arrived(kept(down, entries)).births([stack(ONE)], 1000) == Arrived(kept(up, entries)).births([stack(ONE)], 1000)  # fmt: skip


def test_an_entry_has_come_when_the_oldest_of_its_objects_was_born() -> None:
    """Others of its parts may have been made anew since."""
    snapshot = kept([(200, 10), (700, 50), (1500, 60), (2000, 300)], 1000)
    assert snapshot.heap is not None
    (told,) = snapshot.heap.arrivals
    later = told._replace(points=((210, 10), (900, 50), (1600, 60), (2100, 300)))
    for both in ((told, later), (later, told)):
        made = replace(snapshot, heap=replace(snapshot.heap, arrivals=both))
        assert Arrived(made).births([stack(ONE)], 50_000) == Arrived(snapshot).births([stack(ONE)], 50_000)  # fmt: skip


def test_what_came_before_the_fork_was_there_at_the_first_edge() -> None:
    births = Arrived(kept([(0, 40), (0, 90), (700, 120), (1500, 160)], 200)).births(
        [stack(ONE)], 200
    )
    assert births is not None
    assert births.blocks == (30, 40, 40)


@pytest.mark.parametrize(
    "snapshot",
    [
        kept([(200, 10), (700, 50), (1500, 60)], 100),  # too few
        kept([(700, 10), (200, 50), (1500, 60), (1200, 80), (1900, 90)], 100),  # in no order
        kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100, {ONE: 6000, TWO: 2000}),
        kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100, objects=80),
        kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100, counted=20_000),
        kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100, counted=5000),
    ],
    ids=["few", "unordered", "another's", "others", "from before", "more than there is"],
)
def test_where_the_order_is_not_the_lines_nothing_is_told(snapshot: Snapshot) -> None:
    assert Arrived(snapshot).births([stack(ONE)], 8000) is None


def test_what_is_kept_elsewhere_the_order_does_not_tell() -> None:
    snapshot = kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100)
    assert Arrived(snapshot).births([stack(ONE)], 11_900) is not None
    assert Arrived(snapshot).births([stack(ONE)], 12_100) is None  # 8,000 bytes have a keeper


UP = [(150, 30), (500, 60), (700, 80), (1100, 110), (1600, 150), (2100, 210)]


@pytest.mark.parametrize(
    ("surely", "handed", "told"), [(0, 6, 6), (0, 5, 0), (3, 3, 6), (4, 0, 4), (4, 2, 4)]
)
def test_what_freelists_handed_on_tells_where_six_are_in_order(
    surely: int, handed: int, told: int
) -> None:
    """Those that are as old as their blocks speak alone where they are enough."""
    births = Arrived(kept(UP[:surely], 240, handed=UP[surely : surely + handed])).births([stack(ONE)], 240 * ENTRY)  # fmt: skip
    assert (0 if births is None else len(births.blocks) - 1) == told


def test_blocks_that_are_dealt_out_anew_tell_nothing() -> None:
    """Of the same list, filled again and again: places and births of blocks have nothing to do with each other."""
    dealt = [
        (unit, place) for (unit, _), (_, place) in zip(UP, [UP[at] for at in (3, 0, 5, 1, 4, 2)])
    ]
    dealt += [(unit + 30, place + 5) for unit, place in dealt]
    for points, agrees in ((dealt, False), (UP, True), (UP[:3], False), ([], False)):
        by_place = sorted(points, key=lambda point: point[1])
        assert Arrived(kept([], 240, handed=by_place)).agrees([stack(ONE)]) is agrees
    backwards = [(unit, 241 - place) for unit, place in reversed(UP)]  # put in front
    assert Arrived(kept([], 240, handed=backwards)).agrees([stack(ONE)])


#: Twelve entries of a table that is cut to its best ones: places have nothing to do with births.
HEAP = [
    (100.0 * unit, 20 * place)
    for place, unit in enumerate((7, 2, 11, 5, 1, 9, 4, 12, 3, 8, 6, 10), 1)
]


@pytest.mark.parametrize(
    ("points", "unordered"),
    [
        (HEAP, True),
        (UP, False),
        ([(unit, 241 - place) for unit, place in UP], False),  # put in front
        (HEAP[:5], False),  # too few to say so
        ([], False),
    ],
)
def test_entries_in_no_order_are_told_from_those_that_came_one_after_the_other(
    points: list[Point], unordered: bool
) -> None:
    by_place = sorted(points, key=lambda point: point[1])
    assert Arrived(kept(by_place, 240)).unordered([stack(ONE)]) is unordered
    assert not Arrived(kept(by_place, 240)).unordered([stack(TWO)])


def test_a_line_is_not_accused_by_such_ages() -> None:
    rows = [2000] * PERIODS

    def judged_of(handed: Sequence[Point], recycled: float, **facts_of: Any) -> Shape:
        plain = replace(kept([], 600, {ONE: sum(rows)}, handed=handed), **facts_of)
        told = plain.told(stack(ONE))
        births = tuple(
            birth._replace(recycled=recycled * birth.size)
            for birth in aged((ONE, rows)).told(stack(ONE)).births
        )
        facts = {stack(ONE): replace(told, births=births)}
        calendar = aged((ONE, rows)).calendar  # a fine interval
        life = lived(replace(plain, facts=MappingProxyType(facts), calendar=calendar))
        assert life is not None
        return Survivors(life).judge((stack(ONE),))

    dealt = [(unit, 7 + 13 * (unit // 7 % 40)) for unit in range(100, 2300, 170)]
    dealt.sort(key=lambda point: point[1])
    assert judged_of(dealt, 1.0).verdict == NOISE
    assert judged_of(dealt[:3], 1.0).verdict == NOISE  # too few to know
    assert judged_of([], 1.0).verdict == NOISE
    assert judged_of([], 1.0, heap=None).verdict == LEAK  # a file that tells no order at all
    assert judged_of(UP, 1.0).verdict == LEAK  # blocks that were kept soon
    assert judged_of(dealt, 0.2).verdict == LEAK  # its own blocks tell


def test_entries_weigh_what_is_left_without_garbage() -> None:
    """The order tells when entries came; what each of them weighs is the line's bytes that something refers to."""

    def rate(part: float) -> float:
        snapshot = kept(UP, 240)
        told = snapshot.told(stack(ONE))
        births = tuple(birth._replace(waiting=part * birth.size) for birth in told.births)
        facts = {**snapshot.facts, stack(ONE): replace(told, births=births)}
        life = lived(replace(snapshot, facts=MappingProxyType(facts)))
        assert life is not None
        shape = Survivors(life).judge((stack(ONE),))
        assert shape.entries > 0
        return shape.rate

    assert rate(0.25) == pytest.approx(0.75 * rate(0.0))


def test_what_others_have_put_there_before_is_not_the_lines() -> None:
    """As into ``sys.modules``, which has hundreds of entries before the first task."""
    points, entries = grows(lambda unit: 900 + unit / 8, [100, 500, 900, 1400, 2200])
    births = Arrived(kept(points, entries, objects=300)).births([stack(ONE)], 300.0)
    assert births is not None
    assert births.blocks == pytest.approx([13, 50, 50, 62, 100, 25], abs=1)
    assert sum(births.sizes) == pytest.approx(300)
    among = [(1.0, 400), *points]  # one of its own is older than some of others'
    assert Arrived(kept(among, entries, objects=300)).births([stack(ONE)], 300.0) is None


@pytest.mark.parametrize("without", [256, 60])
def test_an_object_that_not_all_entries_have_hides_none(without: int) -> None:
    """As the numbers below 257, which CPython makes once for all, among the keys of a dict."""
    points, entries = grows(lambda unit: unit / 4, [100, 500, 900, 1400, 2200])
    snapshot = kept(points, entries)
    assert snapshot.heap is not None
    (one,) = snapshot.heap.arrivals
    later = one._replace(
        path=(*one.path, Step("key", None, "int")),
        objects=entries - without,
        size=0,
        points=one.points[-2:],
    )
    both = replace(snapshot, heap=replace(snapshot.heap, arrivals=(one, later)))
    assert Arrived(both).births([stack(ONE)], 9000) == Arrived(snapshot).births([stack(ONE)], 9000)


def test_lines_that_make_the_entries_together_are_told_together() -> None:
    snapshot = kept([(200, 10), (700, 50), (1500, 60), (2000, 70)], 100, {ONE: 5000, TWO: 3000})
    assert Arrived(snapshot).births([stack(ONE), stack(TWO)], 8000) is not None
    assert Arrived(snapshot).births([stack(TWO)], 3000) is None


def test_one_entry_in_ten_may_be_out_of_order() -> None:
    points, entries = grows(lambda unit: unit / 4, range(40, 2300, 100))
    points[5] = (2300.0, points[5][1])
    points[11] = (20.0, points[11][1])
    births = Arrived(kept(points, entries)).births([stack(ONE)], 1000)
    assert births is not None
    assert len(births.blocks) == len(points) - 1
    points[17] = (30.0, points[17][1])
    assert Arrived(kept(points, entries)).births([stack(ONE)], 1000) is None


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(0, LAST - 1)), min_size=1, max_size=60))
def test_births_by_order_add_up_and_go_forward(pairs: list[tuple[int, int]]) -> None:
    points = [(float(unit), place) for place, unit in sorted(dict(pairs).items())]
    births = Arrived(kept(points, 900)).births([stack(ONE)], 9000)
    if births is not None:
        assert sum(births.sizes) <= 9000 * (1 + 1e-9)
        assert all(b > a for a, b in zip(births.edges, births.edges[1:]))
        assert all(count >= 0 for count in births.blocks)


@given(st.lists(st.integers(0, 30), max_size=12))
def test_the_longest_part_that_does_not_fall(units: list[int]) -> None:
    pairs = [(at, float(unit)) for at, unit in enumerate(units)]
    chain = _longest(pairs)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(chain, chain[1:]))
    best = [1] * len(pairs)
    for at in range(len(pairs)):
        for before in range(at):
            if pairs[before][1] <= pairs[at][1]:
                best[at] = max(best[at], best[before] + 1)
    assert len(chain) == max(best, default=0)


# -- what is judged by it ------------------------------------------------------------------------


def judged(points: Sequence[Point], entries: int) -> Shape:
    made = lived(kept(points, entries))
    assert made is not None
    return Survivors(made).judge((stack(ONE),))


FEW = [150, 800, 1300, 2100]


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        (lambda unit: unit / 4, LEAK),
        (lambda unit: max(0.0, unit - 500) / 2, LEAK),
        (lambda unit: 600 * (1 - 2.718 ** (-unit / 300)), WARM_UP),
        (lambda unit: max(0.0, unit - 2200) * 3, TURNOVER),
    ],
)  # fmt: skip
def test_a_few_entries_tell_what_so_few_samples_cannot(
    rate: Callable[[float], float], verdict: str
) -> None:
    at = [unit for unit in (*FEW, 2250, 2300, 2350, 2380) if rate(unit) >= 1][:6]
    points, entries = grows(rate, at)
    assert judged(points, entries).verdict == verdict
    assert judged(points[:2], entries).verdict != LEAK


def test_the_rate_is_that_of_the_entries() -> None:
    points, entries = grows(lambda unit: unit / 4, FEW)
    shape = judged(points, entries)
    assert shape.rate == pytest.approx(ENTRY / 4, rel=0.02)
    assert shape.entries == pytest.approx(entries, rel=0.01)
    half = 1.96 * shape.rate / entries**0.5
    assert shape.high - shape.rate == pytest.approx(half, rel=0.15)


def test_it_begins_where_the_entries_do() -> None:
    points, entries = grows(lambda unit: max(0.0, unit - 500) / 2, [510, 900, 1700, 2100])
    shape = judged(points, entries)
    assert shape.rate == pytest.approx(ENTRY / 2, rel=0.05)
    assert shape.onset is not None
    assert shape.onset + PERIOD == pytest.approx(500, abs=60)
    assert shape.since == pytest.approx(4, abs=1)


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, LAST - 1)), min_size=4, max_size=9),
    st.integers(900, 5000),
)
def test_whatever_the_order_is_the_rate_is_one(pairs: list[tuple[int, int]], entries: int) -> None:
    units = sorted(unit for _, unit in pairs)
    places = sorted({place for place, _ in pairs})
    shape = judged([(float(unit), place) for unit, place in zip(units, places)], entries)
    assert 0 <= shape.low <= shape.rate <= shape.high < math.inf
    assert 0 <= shape.since < PERIODS


def test_such_a_leak_is_found_though_its_samples_are_few() -> None:
    points, entries = grows(lambda unit: unit / 4, FEW)
    made = lived(kept(points, entries))
    assert made is not None
    (found,) = growths(made)
    assert found.shape.verdict == LEAK
    without = kept(points, entries)
    assert without.heap is not None
    alone = lived(replace(without, heap=replace(without.heap, arrivals=())))
    assert alone is not None
    assert [growth.shape.verdict for growth in growths(alone)] == [NOISE]


def test_random_leaks_are_leaks_with_honest_intervals() -> None:
    """Entries that come by chance, one task in four; four to nine of them are known. Of 200 intervals of 95 % at
    least 180 hold the truth (chance otherwise: 2 in 1,000, and the seed is fixed).
    """
    dice = random.Random(4)
    right = unsure = 0
    for _ in range(200):
        came = [unit for unit in range(LAST) if dice.random() < 0.25]
        known = sorted(dice.sample(range(len(came)), dice.randint(4, 9)))
        shape = judged([(float(came[at]), at + 1) for at in known], len(came))
        assert shape.verdict in (LEAK, NOISE)
        unsure += shape.verdict == NOISE
        right += shape.low <= ENTRY / 4 <= shape.high
    assert right >= 180
    assert unsure <= 4


def test_levels() -> None:
    assert LEVELS.lives.in_order == 4
    assert LEVELS.lives.made == 0.9
