"""Births without garbage: what nothing refers to any more has died, though its memory is not free yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge.births.dead import without_garbage
from leakhunt.judge.births.life import lived
from leakhunt.model.snapshot import Snapshot
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


def test_garbage_has_been_alive_since_it_was_born_and_is_not_now() -> None:
    made = without_garbage(waiting([1000.0] * 4, [0.0, 400.0, 0.0, 100.0]))
    told = made.told(LINE)
    assert [birth.size for birth in told.births] == pytest.approx([1000.0, 600.0, 1000.0, 900.0])
    assert [birth.blocks for birth in told.births] == pytest.approx([20.0, 12.0, 20.0, 18.0])
    assert all(birth.waiting == 0.0 for birth in told.births)
    assert told.gone is not None
    assert told.gone.sizes == pytest.approx((0.0, 400.0, 400.0))  # the last period has no end yet


def test_what_is_born_and_what_died_is_all_that_ever_was() -> None:
    sizes, garbage = [1000.0, 2000.0, 500.0, 3000.0], [250.0, 100.0, 500.0, 700.0]
    told = without_garbage(waiting(sizes, garbage)).told(LINE)
    assert told.gone is not None
    alive = 0.0
    for period, gone in enumerate(told.gone.sizes):
        alive += sum(birth.size for birth in told.births if birth.period == period)
        assert alive + gone == pytest.approx(sum(sizes[: period + 1]))


@pytest.mark.parametrize(
    ("garbage", "facts"),
    [
        ([0.0] * 4, {}),  # nothing waits
        ([600.0] * 4, {}),  # that is what the line consists of: said as such
        ([400.0] * 4, {"gc": {"enabled": False}}),  # and stays for good
    ],
)
def test_nothing_is_taken_where_nothing_goes(garbage: list[float], facts: dict[str, Any]) -> None:
    made = waiting([1000.0] * 4, garbage, **facts)
    assert without_garbage(made).told(LINE) == made.told(LINE)


def test_the_rate_of_a_leak_is_that_of_what_stays() -> None:
    """A leak of 1,000 bytes a period, and beside it what the collector has not fetched yet, all of it new."""
    made = waiting([1000.0] * 18 + [2500.0, 4000.0], [0.0] * 18 + [1500.0, 3000.0])
    life = lived(made)
    assert life is not None
    sizes = life.series([LINE]).sizes
    assert [after - before for before, after in zip(sizes, sizes[1:])] == pytest.approx(
        [1000.0] * 19
    )
