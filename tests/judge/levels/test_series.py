"""What the levels of a series say that they were derived from."""

from __future__ import annotations

import math

import pytest

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import stats

CHANCES, SHAPES, SAMPLES = LEVELS.chances, LEVELS.shapes, LEVELS.samples


def test_seven_rises_in_a_row_are_no_leak_and_eight_are() -> None:
    assert 2**-8 <= CHANCES.leak < 2**-7


def test_a_part_of_an_owner_is_as_rare_as_one_of_ten_stacks_must_be() -> None:
    assert 10 * CHANCES.part == pytest.approx(0.01)
    assert CHANCES.rises_after_falls == pytest.approx(CHANCES.rises / 10)


def test_an_interval_of_95_per_cent_has_two_edges() -> None:
    assert 1 - 2 * (1 - CHANCES.edge) == pytest.approx(0.95)


@pytest.mark.parametrize("snapshots", [3, 4, 5, 8])
def test_the_largest_of_even_increments_is_no_jump(snapshots: int) -> None:
    even = 1 / (snapshots - 1)
    assert even < SHAPES.largest.get(snapshots, SHAPES.largest_of_many)


def test_a_cache_that_has_filled_for_a_third_of_its_time_has_slowed_to_that() -> None:
    assert math.exp(-1 / 3) == pytest.approx(SHAPES.slowing, abs=0.005)


def test_a_likelihood_ratio_tells_at_five_per_cent() -> None:
    """Chi squared of one degree of freedom is the gamma distribution of one half."""
    assert 1 - stats.gamma_cdf(0.5, SHAPES.surely / 2) == pytest.approx(0.05, abs=1e-3)


def test_five_samples_fall_on_one_side_of_the_middle_once_in_sixteen() -> None:
    assert 2 * 0.5**SAMPLES.fewest == 1 / 16


def test_so_large_a_growth_has_no_error_that_a_float_could_hold() -> None:
    samples = 1 / SAMPLES.certain
    assert samples + math.sqrt(samples) * 1e-8 == samples
