"""Bets that nobody wins in the long run on a program that keeps nothing."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.gate import betting

Sizes = list[float]


@pytest.mark.parametrize("bet", [betting.ranks])
def test_over_all_orders_of_sizes_nothing_is_won_on_average(bet: Callable[[Sizes], float]) -> None:
    for number in range(1, 7):
        orders = list(itertools.permutations(map(float, range(number))))
        mean = sum(bet(list(order)) for order in orders) / len(orders)
        assert mean == pytest.approx(1.0)


def test_over_all_signs_of_steps_nothing_is_won_on_average() -> None:
    for number in range(1, 9):
        steps = list(itertools.product((-1.0, 1.0), repeat=number))
        mean = sum(betting.signs(each) for each in steps) / len(steps)
        assert mean == pytest.approx(1.0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_ties_are_never_more_than_fair(sizes: list[int]) -> None:
    orders = set(itertools.permutations(map(float, sizes)))
    weights = [betting.ranks(order) for order in orders]
    assert sum(weights) / len(weights) <= 1.0 + 1e-9


def test_what_does_not_change_wins_nothing() -> None:
    assert betting.against(range(30), [5.0] * 30, 0.0) <= 1.0


def test_a_step_of_nothing_loses_as_one_below_does() -> None:
    assert betting.signs([0.0, 0.0]) == betting.signs([-1.0, -1.0]) < 1.0


def test_thirteen_steps_that_rise_are_one_in_two_thousand_and_more() -> None:
    t = [float(n) for n in range(14)]
    assert betting.against(t, [100 * at for at in t], 12.0) > 2000
    assert betting.against(t, [11.9 * at for at in t], 12.0) < 0.1


def test_a_wandering_or_drifting_size_is_seldom_called_growing() -> None:
    """Ville: with a chance of 0.05 at most, at whichever look one stops; 400 series of each kind.

    45 alarms and more have a probability below 1e-6 where the chance is 0.05.
    """
    dice = random.Random(11)
    for drifts in (False, True):
        alarms = 0
        for _ in range(400):
            sizes = [dice.expovariate(1) for _ in range(24)]
            if drifts:  # steps of either sign alike, and what was added stays
                sizes = list(itertools.accumulate(dice.choice((-1, 1)) * each for each in sizes))
            looks = range(2, len(sizes) + 1)
            t = [float(n) for n in range(len(sizes))]
            alarms += any(betting.against(t[:n], sizes[:n], 0.0) >= 20 for n in looks)
        assert alarms < 45


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40))
def test_shares_of_the_chance_add_up_to_it(grown: list[int]) -> None:
    shares = betting.shares(grown)
    assert math.isclose(sum(shares), 1.0)
    assert all(share > 0 for share in shares)


def test_all_stages_together_spend_the_chance() -> None:
    spent = sum(betting.spent(0.001, stage) for stage in range(1, 10_000))
    assert 0.000999 < spent <= 0.001
