"""A calendar and what was born by it, from a file that may say anything. Deaths: ``test_births.py``."""

from __future__ import annotations

from typing import Any

import pytest

from leakhunt.model.snapshot import Birth, Tally
from leakhunt.snapshots import calendar
from tests.support.builders import stack

RAW = (("/srv/shop/json.py", 3), ("/srv/shop/tasks.py", 40))
STACK = stack("/srv/shop/json.py:3 < /srv/shop/tasks.py:40")
TALLIES = {STACK: Tally(1000, 10)}
CALENDAR = {
    "unit": "task", "edges": (0, 100, 200), "moments": (None, 5.0, 6.0), "intervals": (None, 512.0),
    "armed": 0, "tasks": ("shop.take",),
}  # fmt: skip


def test_a_calendar_has_one_more_edge_than_periods() -> None:
    found = calendar.calendar({"calendar": CALENDAR})
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
    assert calendar.calendar({"calendar": {**CALENDAR, **wrong}}) is None
    assert (
        calendar.births([(RAW, [(0, 1, 2, 4, 300, 200, 3)])], {**CALENDAR, **wrong}, TALLIES) == {}
    )


def born(*births: tuple[Any, ...]) -> tuple[Birth, ...]:
    return calendar.births([(RAW, list(births))], CALENDAR, TALLIES).get(STACK, ())


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
    found = calendar.births(twice, CALENDAR, TALLIES)[STACK]
    assert found == (
        Birth(0, "shop.take", 1, 1, 5.0, 25.0, 1.0),
        Birth(1, "shop.take", 2, 3, 70.0, 900.0 + 1600.0, 7.0),
    )
