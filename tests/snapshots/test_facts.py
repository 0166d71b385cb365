"""Facts from a file that may say anything: what is malformed counts as not said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from leakhunt.model.snapshot import Birth, Facts, Frame, Held, Resident, Spot, Stack, Tally
from leakhunt.snapfile.read import Raw
from leakhunt.snapshots import facts
from leakhunt.snapshots.facts import FREE, LARGEST, USED, figure, meta, number_of
from tests.support.builders import FACTS, stack

RAW = (("/srv/shop/json.py", 3), ("/srv/shop/tasks.py", 40))
STACK = stack("/srv/shop/json.py:3 < /srv/shop/tasks.py:40")
ELSEWHERE = (("/srv/shop/other.py", 1),)
TALLIES = {STACK: Tally(1000, 10)}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), (7, 7), (2.5, 2.5), (LARGEST - 1, LARGEST - 1), (LARGEST, None), (-1, None), (-0.1, None),
        (math.inf, None), (math.nan, None), (True, None), ("7", None), (None, None), ([7], None),
    ],
)  # fmt: skip
def test_a_number_is_finite_and_not_negative(value: object, number: float | None) -> None:
    assert number_of(value) == number


def test_facts_of_the_wrong_type_are_not_known() -> None:
    known = meta({**FACTS, "pid": 7.9, "started_at": 5, "host": 3, "baseline": 1, "rss": "big", "uss": -1})  # fmt: skip
    assert (known.pid, known.started_at) == (7, 5)
    assert (known.host, known.baseline, known.rss, known.uss) == (None, None, None, None)
    assert known.facts["host"] == 3  # as the file has it
    assert meta({}).process == (None, None, None)


@pytest.mark.parametrize(
    ("said", "used", "free"),
    [
        ({"malloc_used": 1, "malloc_mapped": 20, "pymalloc_used": 300, "malloc_free": 4, "pymalloc_free": 50}, 321, 54),
        ({"malloc_used": 1, "pymalloc_used": 300, "malloc_free": 4, "pymalloc_free": None}, None, None),
        ({}, None, None), (None, None, None), ([1, 2], None, None),
    ],
)  # fmt: skip
def test_allocators_figures_add_up_where_none_is_missing(
    said: object, used: int | None, free: int | None
) -> None:
    known = meta({**FACTS, "allocators": said})
    assert (figure(known, USED), figure(known, FREE)) == (used, free)


def test_the_cost_is_as_the_file_says() -> None:
    said = facts.cost(meta({**FACTS, "overhead": 0.008, "budget": 0.01, "interval": 4096.5}))
    assert said == (0.008, 0.01, 4096, None)
    assert facts.cost(meta({**FACTS, "overhead": -1, "interval": "x"})) == (None,) * 4
    assert facts.cost(meta({**FACTS, "overhead_cpu": 2.5})).overhead_cpu == 2.5


def test_spots_are_functions_and_lines_of_frames() -> None:
    said = {"/a.py": {3: ("f", "x = 1"), 4: ["g", None], 5: ("h",), "6": ("i", "y"), 7: (1, "z")}, "/b.py": 3}  # fmt: skip
    assert facts.spots(said) == {
        Frame("/a.py", 3): Spot("f", "x = 1"),
        Frame("/a.py", 4): Spot("g", None),
        Frame("/a.py", 7): Spot(None, "z"),
    }
    assert facts.spots([1]) == {}


def test_errors_of_a_stack_that_comes_twice_add_up_as_squares() -> None:
    said = [(RAW, 4, 30.0), (RAW, 5, 40.0), (ELSEWHERE, 1, 1.0), (RAW, "x", 1.0), (RAW, 1, -1.0), 7]
    assert facts.estimates(said, TALLIES) == {STACK: (50.0, 9)}


def test_types_are_at_most_the_stack() -> None:
    said = [(RAW, [("dict", 700), ("str", 200), ("dict", 50), ("list", 900), (7, 1), ("set", -5)])]
    assert facts.types(said, TALLIES) == {STACK: {"dict": 750, "str": 200, "list": 50}}
    assert sum(facts.types(said * 2, TALLIES)[STACK].values()) == 1000
    assert facts.types([(ELSEWHERE, [("dict", 7)])], TALLIES) == {}


def test_what_may_be_recycled_is_as_told_else_as_its_types_say() -> None:
    sizes = {STACK: {"dict": 10, "str": 500, "tuple": 3}}
    assert facts.recycled(None, sizes, TALLIES) == {STACK: 13}
    assert facts.recycled(None, {STACK: {"str": 5}}, TALLIES) == {}
    assert facts.recycled([(RAW, 4), (RAW, 5), (ELSEWHERE, 9)], sizes, TALLIES) == {STACK: 9}
    assert facts.recycled([], sizes, TALLIES) == {}


# -- holders --------------------------------------------------------------------------


def held(
    size: int = 64, number: int = 2, grower: object = RAW, kind: object = "list", mark: object = 7
) -> tuple[Any, ...]:
    return (RAW, grower, kind, mark, 3, 5.0, ((size, number),))


def test_a_holder_keeps_blocks_of_a_stack() -> None:
    (one,) = facts.holders([held()], TALLIES)[STACK]
    assert one == Held(STACK, "list", 7, 3, 25.0, ((64, 2),))
    (stranger,) = facts.holders([held(grower=ELSEWHERE)], TALLIES)[STACK]
    assert stranger.grower is None


@pytest.mark.parametrize(
    ("several", "number"),
    [
        ([held(500, 1), held(500, 1)], 2),
        ([held(500, 1), held(501, 1)], 1),  # more bytes than the stack has
        ([held(1, 5), held(1, 5)], 2),
        ([held(1, 5), held(1, 6)], 1),  # more blocks
        ([held(kind=3)], 0),
        ([held(mark=-1)], 0),
        ([held(0, 1)], 0),
        ([held(1, 0)], 0),
    ],
)
def test_holders_keep_no_more_than_the_stack_has(several: list[Any], number: int) -> None:
    assert len(facts.holders(several, TALLIES).get(STACK, ())) == number


# -- births ---------------------------------------------------------------------------

CALENDAR = {
    "unit": "task", "edges": (0, 100, 200), "moments": (None, 5.0, 6.0), "intervals": (None, 512.0),
    "armed": 0, "tasks": ("shop.take",),
}  # fmt: skip


def test_a_calendar_has_one_more_edge_than_periods() -> None:
    found = facts.calendar({"calendar": CALENDAR})
    assert found is not None
    assert (found.edges, found.moments, found.intervals, found.periods) == (
        (0, 100, 200), (None, 5.0, 6.0), (None, 512.0), 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": "year"}, {"edges": (0,)}, {"edges": (0, 100, 100)}, {"edges": (0, 200, 100)},
        {"edges": (0, -1, 100)}, {"moments": (None, 5.0)}, {"intervals": (512.0,)}, {"armed": None},
        {"edges": 7}, {"edges": range(3)},
    ],
)  # fmt: skip
def test_a_calendar_that_is_malformed_is_none(wrong: dict[str, Any]) -> None:
    assert facts.calendar({"calendar": {**CALENDAR, **wrong}}) is None
    assert facts.births([(RAW, [(0, 1, 2, 4, 300, 200, 3)])], {**CALENDAR, **wrong}, TALLIES) == {}


def born(*births: tuple[Any, ...]) -> tuple[Birth, ...]:
    return facts.births([(RAW, list(births))], CALENDAR, TALLIES).get(STACK, ())


def test_rss_over_the_work_is_told_in_order() -> None:
    assert facts.resident([(1, 50), [7, 60.0]]) == (Resident(1, 50), Resident(7, 60))
    assert facts.resident([]) == ()


@pytest.mark.parametrize(
    "wrong",
    [None, 7, "x", {1: 2}, [1], [(1,)], [(1, 2, 3)], [("a", 1)], [(1, -1)], [(2, 1), (2, 1)], [(2, 1), (1, 1)],
     [(1, float("nan"))], [(1, None)], [[True, 1]], [(at, 1) for at in range(1001)]],
)  # fmt: skip
def test_rss_that_is_malformed_is_not_told(wrong: object) -> None:
    assert facts.resident(wrong) == ()


def test_a_birth_is_a_period_a_task_and_what_lives_of_it() -> None:
    """Of 300 bytes in two runs the root of the squares is told: at least as if they were equal."""
    assert born((0, 1, 2, 4, 300, 250, 3)) == (
        Birth(0, "shop.take", 2, 4, 300.0, 62_500.0, 3.0, 0.0),
    )
    assert born((1, 0, 2, 4, 300, 100, 3, 50)) == (Birth(1, None, 2, 4, 300.0, 45_000.0, 3.0, 50.0),)  # fmt: skip
    assert born((-1, 0, 1, 1, 10, 10, 1))[0].period == -1


@pytest.mark.parametrize(
    "wrong",
    [
        (2, 0, 1, 1, 10, 10, 1),  # no such period
        (-2, 0, 1, 1, 10, 10, 1),
        (True, 0, 1, 1, 10, 10, 1),
        (0, 2, 1, 1, 10, 10, 1),  # no such task
        (0, 0, 0, 1, 10, 10, 1),  # in no run
        (0, 0, 2, 1, 10, 10, 1),  # in more runs than there are samples
        (0, 0, 1, 1, 10, 11, 1),  # more in one run than in all
        (0, 0, 1, 1, 10, 10, 1, 11),  # more recycled than there is
        (0, 0, 1, 1, 1001, 10, 1),  # more bytes than the stack has
        (0, 0, 1, 1, 10, 10, 11),  # more blocks
        (0, 0, 1, 1, "x", 10, 1),
    ],
)
def test_births_that_cannot_be_are_not_told(wrong: tuple[Any, ...]) -> None:
    right = (0, 0, 1, 1, 10, 10, 1)
    assert born(right)
    assert born(right, wrong) == ()


def test_births_of_a_stack_that_comes_twice_are_one_for_each_period_and_task() -> None:
    twice = [(RAW, [(1, 1, 1, 2, 30, 30, 3), (0, 1, 1, 1, 5, 5, 1)]), (RAW, [(1, 1, 1, 1, 40, 40, 4)])]  # fmt: skip
    found = facts.births(twice, CALENDAR, TALLIES)[STACK]
    assert found == (
        Birth(0, "shop.take", 1, 1, 5.0, 25.0, 1.0),
        Birth(1, "shop.take", 2, 3, 70.0, 900.0 + 1600.0, 7.0),
    )


def test_each_stack_has_what_the_file_tells_of_it() -> None:
    other: Stack = (Frame("/srv/shop/other.py", 1),)
    raw = Raw(
        path="a.bin",
        facts={
            "estimates": [(RAW, 4, 30.0)], "types": [(RAW, [("dict", 600)])], "recycled": [(RAW, 7)],
            "holders": [held()], "calendar": CALENDAR, "births": [(ELSEWHERE, [(0, 1, 1, 1, 5, 5, 1)])],
        },
        nframe=5,
        tallies={**TALLIES, other: Tally(5, 1)},  # type: ignore[arg-type]
        blocks={},
    )  # fmt: skip
    found = facts.by_stack(raw)
    assert found[STACK] == Facts(30.0, 4, {"dict": 600}, 7, found[STACK].holders)
    assert len(found[STACK].holders) == 1
    assert found[other].stderr is None
    assert [birth.size for birth in found[other].births] == [5.0]


def test_what_is_alive_is_what_the_traces_in_the_file_add_up_to() -> None:
    """Of a file from before that was told, what its engine counted."""
    assert facts.live(facts.meta({"traced": 9, "live": 7})) == 7
    assert facts.live(facts.meta({"traced": 9, "live": 0})) == 0
    for strange in (None, -1, "7", True):
        assert facts.live(facts.meta({"traced": 9, "live": strange})) == 9
    assert facts.live(facts.meta({})) is None
