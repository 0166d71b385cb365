"""Births without garbage: what nothing refers to any more has died, though its memory is not free yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.births import dead
from leakhunt.judge.births.ages import Births
from leakhunt.judge.births.deaths import Gone
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.growths import growths
from leakhunt.judge.history import Dead
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK, SAWTOOTH
from leakhunt.model.snapshot import Birth, Snapshot
from tests.support.builders import stack
from tests.support.lives import aged

WHERE = "shop/tasks.py:40"
LINE = stack(WHERE)


def waiting(sizes: Sequence[float], garbage: Sequence[float], **facts: Any) -> Snapshot:
    """A line with those bytes per period, of which so many wait for the collector."""
    made = aged((WHERE, sizes), **facts)
    told = made.told(LINE)
    births = tuple(birth._replace(waiting=float(garbage[birth.period])) for birth in told.births)
    return replace(made, facts={**made.facts, LINE: replace(told, births=births)})


def judged(sizes: Sequence[float], garbage: Sequence[float], **facts: Any) -> Growth:
    """What is said of that line from the one snapshot."""
    life = lived(waiting(sizes, garbage, **facts))
    assert life is not None
    return next(growth for growth in growths(life) if growth.blame.stacks == (LINE,))


def test_what_has_died_is_added_up_by_the_period_in_which_it_was_born() -> None:
    births = [
        Birth(-1, None, 1, 1, 100.0, 10_000.0, 2.0, waiting=50.0),
        Birth(1, None, 2, 2, 80.0, 3200.0, 4.0, waiting=20.0, free=20.0),
        Birth(2, None, 1, 1, 70.0, 4900.0, 7.0),
    ]
    assert dead.dead(births, 4, True) == (
        [50.0] + [90.0] * 3, [5000.0] + [6600.0] * 3, [1.0] + [3.0] * 3, [50.0] + [70.0] * 3,
    )  # fmt: skip
    assert dead.dead(births, 4, False) == (
        [0.0] + [20.0] * 3,
        [0.0] + [800.0] * 3,
        [0.0] + [1.0] * 3,
        [0.0] * 4,
    )
    assert dead.dead(births[2:], 4, True) is None


def test_births_and_deaths_add_up_to_what_there_was() -> None:
    births = Births(
        (0.0, 1.0, 2.0, 3.0), (100.0, 80.0, 70.0), (9.0, 9.0, 9.0), (5.0, 4.0, 3.0), (1.0,) * 3
    )
    lost = Dead([10.0, 40.0, 40.0, 90.0], [1.0, 2.0, 2.0, 11.0], [1.0, 2.0, 2.0, 4.0], [0.0] * 4)
    left = dead.without(births, lost)
    assert (left.sizes, left.squares, left.blocks) == (
        (70.0, 80.0, 20.0),
        (8.0, 9.0, 0.0),
        (4.0, 4.0, 1.0),
    )
    gone = dead.buried(Gone((5.0, 0.0, 1.0), (25.0, 0.0, 1.0)), lost)
    assert gone == Gone((15.0, 40.0, 41.0), (26.0, 2.0, 3.0))
    assert dead.without(births, None) is births
    assert dead.buried(None, lost) is None


def test_the_rate_of_a_leak_is_that_of_what_stays() -> None:
    """A leak of 5,000 bytes a period, and beside it what the collector has not fetched yet, all of it new."""
    found = judged([5000.0] * 18 + [12_500.0, 20_000.0], [0.0] * 18 + [7500.0, 15_000.0])
    assert found.shape.verdict == LEAK
    assert found.shape.rate == pytest.approx(50.0)  # a period is a hundred tasks
    assert found.grown == pytest.approx(5000.0 * 17 + 32_500.0)  # what it has grown by is all of it


def test_a_leak_under_a_heap_of_garbage_is_no_garbage() -> None:
    found = judged([15_000.0] * 20, [10_000.0] * 20)
    assert found.shape.verdict == LEAK
    assert found.shape.rate == pytest.approx(50.0)


def test_what_only_waits_is_said_to_wait() -> None:
    found = judged([15_000.0] * 20, [15_000.0] * 20)
    assert found.shape.verdict == SAWTOOTH
    assert not found.shape.open
    assert found.why is not None
    assert found.why.code == codes.UNCOLLECTED


def test_garbage_that_nobody_will_collect_is_kept() -> None:
    found = judged([15_000.0] * 20, [15_000.0] * 20, gc={"enabled": False})
    assert found.shape.verdict == LEAK
    assert found.shape.rate == pytest.approx(150.0)


def test_most_of_a_growth_waits_or_less() -> None:
    life = lived(waiting([1000.0] * 20, [600.0] * 20))
    assert life is not None
    assert Survivors(life).waits([LINE])
    life = lived(waiting([1000.0] * 20, [400.0] * 20))
    assert life is not None
    assert not Survivors(life).waits([LINE])


def test_what_lies_in_a_free_list_is_no_leak_and_no_garbage() -> None:
    """As tuples are taken from there and put back, one survives at the bottom in every period."""
    made = aged((WHERE, [15_000.0] * 20))
    told = made.told(LINE)
    free = tuple(birth._replace(free=birth.size) for birth in told.births)
    life = lived(replace(made, facts={**made.facts, LINE: replace(told, births=free)}))
    assert life is not None
    (found,) = growths(life)
    assert found.shape.verdict != LEAK
    assert found.why is None or found.why.code != codes.UNCOLLECTED


def test_what_lies_in_a_free_list_does_not_wait() -> None:
    made = waiting([1000.0] * 20, [100.0] * 20)
    told = made.told(LINE)
    births = tuple(birth._replace(free=700.0) for birth in told.births)
    life = lived(replace(made, facts={**made.facts, LINE: replace(told, births=births)}))
    assert life is not None
    assert not Survivors(life).waits([LINE])


def test_the_dead_are_told_with_what_has_been_given_back() -> None:
    made = waiting([1000.0] * 20, [0.0] * 10 + [300.0] * 10)
    assert made.calendar is not None
    life = lived(replace(made, calendar=replace(made.calendar, deaths=True)))
    assert life is not None
    gone = Survivors(life).gone([LINE])
    assert gone is not None
    assert gone.sizes == pytest.approx([0.0] * 10 + [300.0 * at for at in range(1, 10)])
