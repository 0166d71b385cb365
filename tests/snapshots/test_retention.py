"""What a file tells of the heap: paths without an end, numbers of nothing, more than a name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.engine import arrivals as engine
from leakhunt.model.retention import (
    CRASHED,
    FULL,
    LATE,
    UNSAID,
    Arrivals,
    Container,
    Rest,
    Retention,
    Step,
    TypeCount,
    Undone,
)
from leakhunt.model.snapshot import Counted, Facts, Tally
from leakhunt.snapshots.retention import (
    CONTAINERS,
    DEEPEST,
    LONGEST_NAME,
    POINTS,
    by_stack,
    carried,
    counted,
    heap,
)
from tests.support.builders import snap, stack

RAW = (("/srv/shop/tasks.py", 40),)
STACK = stack("/srv/shop/tasks.py:40")
TALLIES = {STACK: Tally(1000, 10)}
MODULE = (0, "module", "shop", "module", None, None, False)
KEPT = (1, "attribute", "KEPT", "list", 80, None, False)
QUEUE = (1, "attribute", "QUEUE", "deque", 5, 9, True)
PATHS = [None, MODULE, KEPT, QUEUE]
TO_KEPT = (Step("module", "shop", "module"), Step("attribute", "KEPT", "list", 80))
TO_QUEUE = (TO_KEPT[0], Step("attribute", "QUEUE", "deque", 5, 9, True))


def told(ways: object, holders: object = (), paths: object = PATHS) -> Any:
    recorded = {"heap": {"paths": paths, "holders": holders}, "retention": [(RAW, ways)]}
    return by_stack(recorded, TALLIES).get(STACK, ())


def test_a_path_is_the_way_from_its_root() -> None:
    (way,) = told([(2, 10, 600, 0)])
    assert (way.path, way.objects, way.size) == (TO_KEPT, 10, 600)
    assert (way.container_type, way.length, way.bound, way.mark) == (None, None, None, 0)


def test_the_holder_is_counted_from_one_and_tells_of_the_container() -> None:
    holders = [(3, "deque", 5, 9, 11, 7000, 64), (2, "list", 80, None, 12, None, 640)]
    first, second = told([(2, 1, 100, 2), (3, 4, 600, 1)], holders)
    assert (first.size, first.container_type, first.length, first.bound, first.mark) == (600, "deque", 5, 9, 11)  # fmt: skip
    assert (first.retained, first.container_path) == (7000, TO_QUEUE)
    assert (second.size, second.mark, second.retained, second.container_path) == (100, 12, None, TO_KEPT)  # fmt: skip
    (nobody,) = told([(2, 1, 100, 3)], holders)
    assert (nobody.mark, nobody.container_path) == (0, ())


def test_a_malformed_row_takes_no_number_from_those_after_it() -> None:
    """What is known of one object is never said of another."""
    paths = [None, MODULE, ("broken",), KEPT]
    (way,) = told([(3, 1, 100, 2)], [7, (3, "list", 80, None, 12, None, 640)], paths)
    assert way.path == TO_KEPT
    assert (way.mark, way.container_path) == (12, TO_KEPT)
    (lost, same) = told([(2, 1, 100, 1), (3, 1, 50, 0)], [7], paths)
    assert (lost.path, lost.mark) == ((), 0)
    assert same.path == TO_KEPT


def test_a_way_may_tell_what_was_counted() -> None:
    (way,) = told([(2, 10, 600, 0, 8, 480)])
    assert (way.objects, way.size, way.counted) == (10, 600, (8, 480))
    (later,) = told([(2, 10, 600, 0, 8, 480, "of a later version")])
    assert later == way
    (short,) = told([(2, 10, 600, 0, 8)])
    assert short.counted is None


@pytest.mark.parametrize(
    "wrong", [(RAW, "many", 1.0), (RAW, 900, -1.0), (RAW, None, 2.0), (RAW,), 7]
)
def test_a_malformed_count_tells_nothing(wrong: object) -> None:
    assert counted([wrong], TALLIES) == {}
    assert counted([(RAW, 900, 5.0)], TALLIES) == {STACK: Counted(900, 25.0)}
    assert counted([(RAW, 900, 5.0), (RAW, 800, 5.0)], TALLIES) == {}
    assert counted({"no": "list"}, TALLIES) == {}


@pytest.mark.parametrize("number", [0, 4, -1, "2", None])
def test_a_path_that_there_is_not_is_no_way(number: object) -> None:
    assert told([(number, 1, 100, 0)]) == ()


def test_a_path_that_leads_to_itself_has_an_end() -> None:
    (way,) = told([(1, 1, 1, 0)], paths=[None, (1, "item", None, "list", None, None, False)])
    assert way.path == (Step("item", None, "list"),)
    later = [None, (2, *MODULE[1:]), MODULE]
    (way,) = told([(1, 1, 1, 0)], paths=later)
    assert way.path == TO_KEPT[:1]
    deep = [None, *((number, "item", None, "list", None, None, False) for number in range(DEEPEST + 9))]  # fmt: skip
    (way,) = told([(DEEPEST + 9, 1, 1, 0)], paths=deep)
    assert len(way.path) == DEEPEST


def test_a_name_is_cut_and_what_is_no_text_is_none() -> None:
    paths = [None, (0, 3, "x" * (LONGEST_NAME + 1), 7, "many", -1, 1)]
    (way,) = told([(1, 1, 1, 0)], paths=paths)
    assert way.path == (Step("", "x" * LONGEST_NAME, None, None, None, False),)


@pytest.mark.parametrize("said", [None, 7, {"a": 1}, [7], [(1, 2)]])
def test_ways_that_are_malformed_are_none(said: object) -> None:
    assert told(said) == ()
    assert by_stack({"heap": said, "retention": [(RAW, [(1, 1, 1, 0)])]}, TALLIES) == {}


def test_a_heap_tells_what_it_found() -> None:
    found = heap(
        {
            "whole": True, "objects": 7, "tracked": 5, "seconds": 0.25, "memory": 99, "wanted": 4, "tied": 3,
            "paths": PATHS, "types": [("dict", 3, 300), (None, 1, 8)], "types_rest": (2, 9, 90),
            "garbage": [("list", 1, 64)], "garbage_rest": (0, 0, 0),
            "containers": [(2, "list", 80, None, 12, 700, 640)],
            "points": [(99, None, None, None, 0, None, 8)],
        }
    )  # fmt: skip
    assert found is not None
    assert (found.whole, found.why) == (True, None)
    assert (found.objects, found.tracked, found.seconds, found.memory) == (7, 5, 0.25, 99)
    assert (found.wanted, found.tied) == (4, 3)
    assert found.types == (TypeCount("dict", 3, 300), TypeCount("object", 1, 8))
    assert found.types_rest == Rest(2, 9, 90)
    assert found.garbage == (TypeCount("list", 1, 64),)
    assert found.containers == (Container(TO_KEPT, "list", 80, None, 12, 700, 640),)
    assert found.points == (Container((), "object", None, None, 0, None, 8),)


ARRIVALS = (2, 1, 70, 560, ((5, 1), (9, 80), (7, 81), (8, 0), (-1, 3), (7.5, 4)))


def arrivals(*said: object) -> tuple[Arrivals, ...]:
    found = heap(
        {"paths": PATHS, "holders": [(2, "list", 80, None, 12, 700, 640)], "arrivals": said}
    )
    assert found is not None
    return found.arrivals


def test_the_arrivals_of_a_containers_entries_are_told_with_the_container() -> None:
    """Places that the container has not, and moments before its process, are left out."""
    (one, earlier) = arrivals((*ARRIVALS, ((6, 9), (6, 99), "x"), "of a later version"), ARRIVALS)
    points = ((5.0, 1), (9.0, 80), (7.5, 4))
    assert one == Arrivals(12, 80, TO_KEPT, 70, 560, points, ((6.0, 9),))
    assert earlier == one._replace(handed=())


@pytest.mark.parametrize(
    ("at", "wrong"),
    [(0, 0), (0, 99), (0, None), (1, 0), (1, 2), (1, "x"), (4, None)],
)
def test_arrivals_of_what_is_not_told_are_none(at: int, wrong: object) -> None:
    said = list(ARRIVALS)
    said[at] = wrong
    told = arrivals(tuple(said), ARRIVALS[:4], 7, None)
    assert [one.points for one in told] == [()] * (at == 4)


def test_of_a_strangers_file_not_more_is_read_than_a_hook_writes() -> None:
    many = [(5, 1)] * 1_000_000
    told = arrivals(*[(*ARRIVALS[:4], many, many)] * 2000)
    assert len(told) == CONTAINERS
    assert {(len(one.points), len(one.handed)) for one in told} == {(POINTS, POINTS)}
    assert (CONTAINERS, POINTS) >= (engine.CONTAINERS, engine.POINTS)


def test_a_container_without_entries_has_no_arrivals() -> None:
    for row in ((2, "list", None, None, 12, 700, 640), (2, "list", 80, None, 0, 700, 640), (1,)):
        found = heap({"paths": PATHS, "holders": [row], "arrivals": [ARRIVALS]})
        assert found is not None
        assert found.arrivals == ()


def test_a_heap_that_says_nothing_is_empty_and_one_that_is_none_is_none() -> None:
    found = heap({})
    assert found is not None
    assert (found.whole, found.why, found.objects, found.garbage) == (
        False,
        Undone(UNSAID),
        0,
        None,
    )
    assert found.types_rest == Rest(0, 0, 0)
    assert heap(None) is heap([1]) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"crashed": "numpy.ndarray", "late": True}, Undone(CRASHED, "numpy.ndarray")),
        ({"late": True, "full": True}, Undone(LATE)),
        ({"full": True}, Undone(FULL)),
        ({"late": 1}, Undone(UNSAID)),
        ({"whole": True, "late": True}, None),
    ],
)
def test_why_a_walk_is_a_part(said: dict[str, object], why: Undone | None) -> None:
    found = heap(said)
    assert found is not None
    assert found.why == why


def test_what_is_taken_over_from_an_earlier_look_says_nothing_of_when_entries_came() -> None:
    """There are more of them by now."""
    looked = heap({"paths": PATHS, "holders": [(2, "list", 80, None, 12, 700, 640)], "arrivals": [ARRIVALS]})  # fmt: skip
    assert looked is not None
    assert looked.arrivals
    newest = snap("/srv/shop/tasks.py:40 1000 10")
    taken = carried(newest, replace(newest, heap=looked))
    assert taken.heap == replace(looked, arrivals=())
    assert carried(newest, newest).heap is None


def test_of_a_stack_that_has_less_by_now_nothing_is_taken_over() -> None:
    newest = snap("/srv/shop/tasks.py:40 1000 10")
    place = stack("/srv/shop/tasks.py:40")
    for size, taken in ((1000, True), (1001, False)):
        way = Retention((Step("module", "shop", "module"),), 10, size, None, None, None, 0)
        looked = replace(newest, facts={place: Facts(retention=(way,))})
        assert carried(newest, looked).told(place).retention == ((way,) if taken else ())
