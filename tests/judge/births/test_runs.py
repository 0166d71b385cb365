"""In which task the survivors were born, either side of the level."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge.births.runs import Brought, brought
from leakhunt.judge.levels import LEVELS
from tests.support.builders import snap, stack
from tests.support.lives import PERIOD, aged

TAKE, SEND, NONE = (f"/srv/shop/tasks.py:{line}" for line in (40, 50, 60))
STACKS = [stack(TAKE), stack(SEND), stack(NONE)]


def born(take: int, send: int = 0, none: int = 0) -> Brought | None:
    """What has brought most of three lines: bytes in the second of four periods."""
    snapshot = aged(
        (TAKE, [0, take, 0, 0]), (SEND, [0, send, 0, 0]), (NONE, [0, none, 0, 0]),
        tasks={TAKE: "shop.take", SEND: "shop.send", NONE: None},
    )  # fmt: skip
    return brought(snapshot, STACKS, 0.0)


@pytest.mark.parametrize(("short", "named"), [(0, True), (1, False)])
def test_a_task_is_named_for_most_of_what_lives(short: int, named: bool) -> None:
    take = round(LEVELS.lives.task * 10_000) - short
    found = born(take, 10_000 - take)
    assert found == (Brought("shop.take", take / 10_000) if named else None)
    assert (born(take, none=10_000 - take) is not None) is named  # born outside of tasks


def test_what_is_born_outside_of_tasks_mostly_has_no_task() -> None:
    assert born(100, none=9000) is None
    assert born(0, none=9000) is None
    assert born(0) is None


def test_what_was_born_before_counts_for_nothing() -> None:
    snapshot = aged(
        (TAKE, [0, 0, 500, 0]), (SEND, [9000, 0, 0, 0]),
        tasks={TAKE: "shop.take", SEND: "shop.send"},
    )  # fmt: skip
    stacks = STACKS[:2]
    assert brought(snapshot, stacks, 0.0) == Brought("shop.send", 9000 / 9500)
    assert brought(snapshot, stacks, 1.0) == Brought("shop.take", 1.0)
    assert brought(snapshot, stacks, 2.0 * PERIOD) == Brought("shop.take", 1.0)
    assert brought(snapshot, stacks, 2.0 * PERIOD + 1) is None
    assert brought(snapshot, stacks[1:], 1.0) is None


def test_periods_that_the_calendar_does_not_have_count_for_nothing() -> None:
    """Before the fork, and what a file says of periods to come."""
    snapshot = aged((TAKE, [100, 100, 100]), tasks={TAKE: "shop.take"})
    told = snapshot.told(stack(TAKE))
    moved = {
        stack(TAKE): replace(
            told, births=tuple(birth._replace(period=at) for birth, at in zip(told.births, (-1, 3, 99)))
        )
    }  # fmt: skip
    assert brought(replace(snapshot, facts=moved), STACKS[:1], 0.0) is None


def test_a_snapshot_without_a_calendar_tells_no_task() -> None:
    assert brought(snap(f"{TAKE} 1KiB x1"), STACKS[:1], 0.0) is None
