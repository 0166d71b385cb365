"""What a process opens ever more of, judged with the statistics of bytes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge import resources
from leakhunt.judge.history import SECOND, History
from leakhunt.model.resources import Resource
from leakhunt.report.trend import trend
from leakhunt.report.words import resources as words
from leakhunt.snapshots import process
from leakhunt.snapshots.facts import meta
from tests.support import builders
from tests.support.pages import document

POSTGRES = Resource("socket", "tcp", 5432)


def opened(numbers: list[int], kind: Resource = POSTGRES, state: str = "established") -> History:
    """A history in which so many of a kind are open at each snapshot, and memory stands still."""
    size = [1 << 20] * len(numbers)
    told = [[(*kind, state, number)] for number in numbers]
    return builders.history(("/srv/shop/a.py:1", size, size), resources=told)


def test_one_per_task_is_told_with_its_rate() -> None:
    (found,) = resources.rising(opened([12 + 100 * number for number in range(11)]))
    assert found.change.resource == POSTGRES
    assert (found.change.first, found.change.last.number) == (12, 1012)
    assert found.rate == 1.0
    said = words.risen(POSTGRES, 12, 1012, found.rate, found.unit)
    assert said == "sockets to :5432 (PostgreSQL) 12 → 1,012, 1 per task"


def test_of_several_processes_the_one_is_told_in_which_it_rises_fastest() -> None:
    slow, fast = (opened([12 + each * number for number in range(11)]) for each in (100, 200))
    for histories in ([slow, fast], [fast, slow]):
        assert [one.rate for one in resources.fastest(histories)] == [2.0]


def test_a_pool_that_fills_does_not_leak() -> None:
    assert resources.rising(opened([2, 5, 8, 10, 10, 10, 10, 10, 10, 10])) == ()


def test_what_comes_and_goes_does_not_leak() -> None:
    """200 series of 10 snapshots: none is called a leak, with a fixed seed."""
    dice = random.Random(1)
    for _ in range(200):
        assert resources.rising(opened([dice.randrange(40) for _ in range(10)])) == ()


def test_two_snapshots_are_not_enough() -> None:
    assert resources.rising(opened([1, 1000])) == ()


def test_files_that_do_not_say_are_not_judged() -> None:
    size = [1 << 20] * 5
    assert resources.rising(builders.history(("/srv/shop/a.py:1", size, size))) == ()


def test_between_two_snapshots_changes_are_told_the_largest_first() -> None:
    before = meta({"resources": [("pipe", "", 0, "", 4), (*POSTGRES, "established", 12)]})
    after = meta(
        {
            "resources": [
                ("pipe", "", 0, "", 5), (*POSTGRES, "established", 2), (*POSTGRES, "close-wait", 20),
                ("thread", "shop.poll", 0, "", 30),
            ]
        }
    )  # fmt: skip
    told = resources.changes(before, after)
    assert [(one.resource.kind, one.first, one.last.number) for one in told] == [
        ("thread", 0, 30),
        ("socket", 12, 22),
    ]
    assert words.states(told[1].last) == "20 in close-wait"
    assert words.name(told[0].resource) == "threads in shop.poll"


@given(
    st.lists(
        st.tuples(
            st.text() | st.integers(),
            st.text(),
            st.integers() | st.none(),
            st.text(),
            st.integers(),
        )
    )
    | st.integers()
    | st.lists(st.integers())
)
def test_a_file_may_say_anything(recorded: Any) -> None:
    found = process.resources(meta({"resources": recorded}))
    for kind, many in (found or {}).items():
        assert words.name(kind)
        assert many.number >= sum(number for _, number in many.states) >= 0


def every_minute(numbers: list[int]) -> History:
    """The same of a program that counts no tasks."""
    made = opened(numbers)
    return replace(made, unit=SECOND, times=tuple(60.0 * at for at in range(len(numbers))))


@pytest.mark.parametrize(
    ("numbers", "sure", "unsure"),
    [
        ([10 * at for at in range(1, 10)], True, False),  # eight rises
        ([10 * at for at in range(1, 9)], False, True),  # seven may be chance
        ([12, 112], False, True),
        ([12, 19], False, False),
        ([12, 60, 112], False, True),
        ([12, 112, 112], False, False),
        ([2, 5, 8, 10, 10, 10, 10, 10, 10, 10], False, False),
        ([12, 90, 20, 60, 15, 100], False, False),
        ([112, 60, 12], False, False),
        ([12], False, False),
    ],
)
def test_what_may_be_an_accident_is_told_as_that(
    numbers: list[int], sure: bool, unsure: bool
) -> None:
    """A program's rises are events, however many sockets each of them is."""
    made = every_minute(numbers)
    found = resources.rising(made)
    assert bool(found) is sure
    (change,) = resources.undecided([made], found) or [None]
    assert (change is not None) is unsure
    assert change is None or (change.first, change.last.number) == (numbers[0], numbers[-1])


def test_what_one_process_surely_opens_is_not_told_of_another_as_unsure() -> None:
    sure, unsure = every_minute([10 * at for at in range(1, 10)]), every_minute([1, 60])
    assert resources.undecided([sure, unsure], resources.fastest([sure, unsure])) == ()
    more = every_minute([1, 90])
    (told,) = resources.undecided([unsure, more], ())
    assert told.grown == 89
    silent = replace(unsure, metas=(unsure.metas[0], meta({})))
    assert resources.undecided([silent], ()) == ()


def test_the_sentence_does_not_clear_what_it_leaves_open() -> None:
    report = trend([every_minute([10 * at for at in range(1, 9)])])
    assert report.summary.startswith("No leak in memory: no object grows for good over")
    assert report.summary.endswith(
        " More are open than at first: sockets to :5432 (PostgreSQL) 10 → 80; more snapshots would tell "
        "whether that goes on."
    )
    (told,) = document(report)["resources_unsure"]
    assert (told["what"], told["first"], told["last"]) == ("sockets to :5432 (PostgreSQL)", 10, 80)
    assert document(report)["resources"] == []
