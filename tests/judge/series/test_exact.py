"""Sizes that are exact: what a series says of itself, by hand."""

from __future__ import annotations

import math

import pytest

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Drift, Series


def series(sizes: list[float], counts: list[float] | None = None, each: float = 100.0) -> Series:
    """Every ``each`` tasks; one block where nothing is said of blocks."""
    t = tuple(each * index for index in range(len(sizes)))
    return Series(t, sizes, counts or [1.0] * len(sizes), EXACT)


def test_exact_sizes_have_no_errors_of_sampling() -> None:
    some = series([0, 10, 20, 30])
    assert (EXACT.came, EXACT.is_enough, EXACT.change) == (None, True, 0.0)
    assert EXACT.since(2) is EXACT.at([0, 2]) is EXACT
    assert EXACT.slower(some, 2) == EXACT.at_once(some, 1) == 0.0
    assert not EXACT.falters(some)
    assert not EXACT.is_warm_up(some, 2)
    assert EXACT.tells(some)


def test_halves_share_the_middle_snapshot() -> None:
    odd = EXACT.halves(series([0, 10, 30, 60, 100]))
    assert (odd.rises, odd.times) == ((30, 70), (200, 200))
    even = EXACT.halves(series([0, 10, 30, 60]))
    assert (even.rises, even.times) == ((30, 30), (200, 100))


def test_the_drift_is_the_rise_by_the_time_with_the_scatter_of_its_steps() -> None:
    """Steps of 5, 15, 5, 15 in 100 tasks each, around 10: squares of 25 by 100 are 4 times 0.25.

    By their number less one, and by the whole time: 1 / 3 / 400.
    """
    drift = EXACT.drift(series([0, 5, 20, 25, 40]))
    assert drift == pytest.approx(Drift(0.1, math.sqrt(1 / 3 / 400), 3.0))
    assert EXACT.drift(series([0, 10])).freedom == 1.0
    assert EXACT.interval(series([0, 5, 20, 25, 40])) == (0.1, 0.1)
    # The t of 0.1 by its error is 3.46 with three degrees of freedom: p is 2.0 %.
    assert EXACT.chance(series([0, 5, 20, 25, 40])) == pytest.approx(0.0203, abs=0.0005)


# -- never surer than the events allow ------------------------------------------------


def test_rises_of_bytes_are_a_sign_test() -> None:
    assert EXACT.least_p(series([0, 10, 20, 30])) == 2.0**-3
    assert EXACT.least_p(series([0, 10, 10, 30])) == 2.0**-2  # one of them is no rise


def test_whole_blocks_per_unit_are_one_event_per_unit() -> None:
    """One block per task: 30 tasks, 30 events."""
    blocks = series([0, 1, 2, 3], [0, 10, 20, 30], each=10.0)
    assert EXACT.least_p(blocks) == 2.0**-30


def test_nearly_whole_is_by_a_part() -> None:
    """One block per task, then five in a hundred more or less at most.

    All numbers are even, so that as parcels of two they would be half as many events.
    """
    assert LEVELS.shapes.whole == 0.05
    for last, events in ((418, 818), (382, 782), (422, 822 // 2), (378, 778 // 2)):
        counts = [0.0, 400.0, 400.0 + last]
        assert EXACT.least_p(series([0, 1, 2], counts, each=400.0)) == 2.0**-events, last


def test_blocks_in_parcels_are_one_event_a_parcel() -> None:
    """50 blocks at a time, one or two of these every 1,000 tasks: four parcels."""
    parcels = series([0, 1, 2, 3], [0, 50, 100, 200], each=1000.0)
    assert EXACT.least_p(parcels) == 2.0**-4
    fewer = series([0, 1, 2, 3, 4, 5], [0, 100, 200, 300, 400, 500], each=1000.0)
    assert EXACT.least_p(fewer) == 2.0**-5  # bytes rose five times


def test_blocks_that_do_not_rise_each_time_say_nothing() -> None:
    assert EXACT.least_p(series([0, 1, 2, 3], [0, 500, 500, 900])) == 2.0**-3
    assert EXACT.least_p(series([0, 1, 2, 3], [0, 500, 400, 900])) == 2.0**-3


def test_no_number_of_events_makes_a_chance_of_nothing() -> None:
    assert EXACT.least_p(series([0, 1, 2], [0, 10**6, 2 * 10**6])) == 2.0**-1000 > 0


def test_choices_are_paid_for_by_starts_and_not_by_axes() -> None:
    assert [EXACT.looks(start, 4) for start in (0, 3)] == [4, 4]
    assert EXACT.axes(9) == 1


def test_blocks_are_looked_at_instead_of_bytes() -> None:
    some = series([0, 10, 20], [1, 2, 3])
    blocks = EXACT.by_blocks(some)
    assert blocks is not None
    assert (blocks.sizes, blocks.counts, blocks.t) == ([1, 2, 3], [1, 2, 3], some.t)
    assert blocks.errors is EXACT


def test_a_cache_that_fills_is_seen_and_a_line_is_none() -> None:
    rare_keys = [1e6 * math.log1p(index / 19 / 0.03) for index in range(20)]
    assert EXACT.fills(series(rare_keys))
    assert not EXACT.fills(series([1000.0 * index for index in range(20)]))
