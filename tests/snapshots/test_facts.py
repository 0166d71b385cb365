"""Facts from a file that may say anything: what is malformed counts as not said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from leakhunt.model.snapshot import Frame, Held, Resident, Spot, Tally
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


def test_what_is_alive_is_what_the_traces_in_the_file_add_up_to() -> None:
    """Of a file from before that was told, what its engine counted."""
    assert facts.live(facts.meta({"traced": 9, "live": 7})) == 7
    assert facts.live(facts.meta({"traced": 9, "live": 0})) == 0
    for strange in (None, -1, "7", True):
        assert facts.live(facts.meta({"traced": 9, "live": strange})) == 9
    assert facts.live(facts.meta({})) is None


def test_numbers_are_checked_each_for_itself() -> None:
    assert facts.numbers_of([1, 2.5, True, "3", None, -1, float("inf")]) == [1, 2.5, *[None] * 5]


def test_facts_of_a_listing_are_the_same_and_small() -> None:
    """A hundred thousand files of 12 KB each were more than a gigabyte."""
    told = {**FACTS, "gc": {"stats": [{"collections": 1}] * 3}, "prefixes": {"site": ["/srv/v"]}}
    one, many = meta(told), facts.listed(told)
    assert many == one
    assert dict(many.facts) == {**told}
    assert (len(many.facts), many.facts["gc"]) == (len(told), told["gc"])
    assert many.facts.get("nothing") is None
    assert isinstance(many.facts, facts.Packed)
    assert len(many.facts._packed) < 1000
    odd = {**FACTS, "platform": b"of a plain dump"}
    assert facts.listed(odd).facts["platform"] == b"of a plain dump"
