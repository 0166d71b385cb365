"""What the levels of births say that they were derived from."""

from __future__ import annotations

import math

import pytest

from leakhunt.judge.levels import LEVELS

LIVES = LEVELS.lives


def test_beliefs_in_the_kinds_of_leak_add_up() -> None:
    assert (
        LIVES.from_the_start + LIVES.after_warming_up + LIVES.beside_turnover + LIVES.later
    ) == pytest.approx(1.0)


def test_beliefs_in_the_kinds_of_turnover_add_up() -> None:
    assert sum(queue + dying for _, queue, dying in LIVES.turnovers) == pytest.approx(1.0)


def test_a_twentieth_of_a_warm_up_is_left_when_it_is_over() -> None:
    assert math.exp(-LIVES.settled) == pytest.approx(1 / 20, abs=0.001)


def test_a_kind_is_believed_in_at_two_to_one() -> None:
    assert LIVES.believed / (1 - LIVES.believed) == pytest.approx(2)


@pytest.mark.parametrize(
    ("entries", "once_in"), [(LIVES.in_order, 12), (LIVES.in_order_handed, 360)]
)
def test_entries_are_in_order_by_chance_so_seldom(entries: int, once_in: int) -> None:
    """Of all orders one goes up and one goes down."""
    assert 2 / math.factorial(entries) == pytest.approx(1 / once_in)


def test_a_block_that_grows_by_an_eighth_doubles_in_so_many_steps() -> None:
    assert (9 / 8) ** LIVES.steps >= 2 > (9 / 8) ** (LIVES.steps - 1)


def test_a_staircase_lies_no_farther_from_its_chord_than_a_step_and_two_ends() -> None:
    assert LIVES.stair == pytest.approx(1 / 8 + 2 * 0.5 / 30, abs=0.002)


def test_what_went_is_asked_over_eight_times_what_is_not_told_of() -> None:
    assert LIVES.told == 8 / 64
