"""Sampled series: blocks are drawn one by one, so that the truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt import shape, stats, steady
from leakhunt.estimates import FEWEST, Estimates
from leakhunt.shape import CHANCE, LEAK

Made = tuple[list[float], list[float], list[float], Estimates]
#: (from, to, samples per unit of time, how long a block that comes then lives).
Source = tuple[float, float, float, Callable[[float], float]]
FOREVER = math.inf


def poisson(dice: random.Random, mean: float) -> int:
    number, left = 0, dice.expovariate(1.0)
    while left < mean:
        number, left = number + 1, left + dice.expovariate(1.0)
    return number


def sampled(dice: random.Random, n: int, *sources: Source) -> Made:
    """A series of n snapshots about a hundred units apart; the mean sample stands for 1000 bytes.

    The interval wanders by a factor of two to either side, as a budget makes it do.
    """
    t: list[float] = []
    for _ in range(n):
        t.append((t[-1] if t else 0.0) + 100 - dice.randint(0, 12))
    weights, weight = [], 1.0
    for _ in t:
        weight = min(2.0, max(0.5, weight * dice.choice([0.7071, 1, 1, 1.4142])))
        weights.append(weight)
    blocks = []
    for start, stop, rate, life in sources:
        edges = [start, *(at for at in t if start < at < stop), stop]
        for a, b in zip(edges, edges[1:]):
            weight = next((w for at, w in zip(t, weights) if b <= at), weights[-1])
            for _ in range(poisson(dice, rate / weight * (b - a))):
                at = dice.uniform(a, b)
                blocks.append((at, at + life(at), 1000 * weight))
    live = [[weight for born, dies, weight in blocks if born <= at < dies] for at in t]
    return (
        t,
        [sum(each) for each in live],
        [sum(each) / 64 for each in live],
        Estimates(
            [sum(w * w for w in each) for each in live],
            list(map(len, live)),
            [1000 * weight for weight in weights],
        ),
    )


def leak(dice: random.Random, n: int, samples: float) -> Made:
    return sampled(dice, n, (0, 105.0 * n, samples / (94 * n), lambda at: FOREVER))


def leak_among_churn(dice: random.Random, n: int, samples: float) -> Made:
    rate = samples / (94 * n)
    return sampled(
        dice, n, (0, 105.0 * n, rate, lambda at: FOREVER), (-300, 105.0 * n, 1 / 30, lambda at: 300)
    )


def window(dice: random.Random, n: int) -> Made:
    """The newest blocks are kept, so many of them."""
    life = dice.choice([50.0, 150.0, 500.0, 2000.0])
    return sampled(dice, n, (-life, 105.0 * n, level(dice) / life, lambda at: life))


def coming_and_going(dice: random.Random, n: int) -> Made:
    life = dice.choice([100.0, 300.0, 1000.0])
    return sampled(
        dice,
        n,
        (-6 * life, 105.0 * n, level(dice) / life, lambda at: dice.expovariate(1 / life)),
    )


def full_soon(dice: random.Random, n: int) -> Made:
    full = 94 * n * dice.uniform(0.2, 0.7)
    return sampled(dice, n, (0, full, level(dice) / full, lambda at: FOREVER))


def turning_over(dice: random.Random, n: int) -> Made:
    """Fills, and then forgets the oldest."""
    full = 94 * n * dice.uniform(0.2, 0.7)
    return sampled(dice, n, (0, 105.0 * n, level(dice) / full, lambda at: full))


def saturating(dice: random.Random, n: int) -> Made:
    """Keys drawn evenly: two to five time constants long, by tenths of what it takes in the end."""
    tau = 94 * n / dice.uniform(2, 5)
    at = [-tau * math.log(1 - tenth / 10) for tenth in range(10)] + [105.0 * n]
    full = level(dice)
    return sampled(
        dice, n, *((a, b, full / 10 / (b - a), lambda at: FOREVER) for a, b in zip(at, at[1:]))
    )


def sawtooth(dice: random.Random, n: int) -> Made:
    period = dice.randint(150, 500)
    return sampled(dice, n, (0, 105.0 * n, level(dice) / period, lambda at: period - at % period))


def once(dice: random.Random, n: int) -> Made:
    at = dice.uniform(0, 94 * n)
    return sampled(dice, n, (at, at + 1, level(dice), lambda at: FOREVER))


def level(dice: random.Random) -> float:
    """Samples that are alive at most, about."""
    return dice.choice([3.0, 8.0, 20.0, 60.0])


HEALTHY = [window, coming_and_going, full_soon, turning_over, saturating, sawtooth, once]


def leaks_surely(made: Made) -> bool:
    found = shape.judge(*made)
    return found.verdict == LEAK and found.p <= CHANCE


@pytest.mark.parametrize("n", [4, 8, 16])
def test_thousands_of_healthy_sampled_series_are_accused_no_oftener_than_claimed(n: int) -> None:
    """As for exact series: CHANCE on average, and three times that for any kind; within what so
    many draws allow (two standard errors). A lone ramp of a sawtooth is not healthy.
    """
    seeds = 400
    kinds = [draw for draw in HEALTHY if not (draw is sawtooth and n < 8)]
    accused = {
        draw.__name__: sum(leaks_surely(draw(random.Random(seed), n)) for seed in range(seeds))
        for draw in kinds
    }
    total, each = seeds * len(kinds) * CHANCE, 3 * seeds * CHANCE
    assert sum(accused.values()) <= total + 2 * total**0.5, accused
    assert max(accused.values()) <= each + 2 * each**0.5, accused


@pytest.mark.parametrize("samples", [5, 16, 60])
@pytest.mark.parametrize("draw", [leak, leak_among_churn])
def test_the_interval_covers_the_true_rate_as_often_as_it_claims(
    draw: Callable[[random.Random, int, float], Made], samples: int
) -> None:
    """All series count, not only those that are called leaks: these are the large ones."""
    covered, n, seeds = 0, 8, 400
    truth = 1000 * samples / (94 * n)
    for seed in range(seeds):
        t, y, _, known = draw(random.Random(seed), n, samples)
        _, low, high = steady.interval(t, y, known)
        covered += low <= truth <= high
    assert covered / seeds >= 0.93


def test_the_more_samples_the_oftener_a_leak_is_found_and_below_five_never() -> None:
    found = {
        samples: sum(leaks_surely(leak(random.Random(seed), 8, samples)) for seed in range(200))
        / 200
        for samples in (8, 30, 60, 120)
    }
    assert found[8] < found[30] < found[60] <= found[120]
    assert found[30] > 0.5
    assert found[60] > 0.8
    assert found[120] > 0.92
    for seed in range(200):
        made = leak(random.Random(seed), 8, 4)
        assert made[3].came >= FEWEST or not leaks_surely(made)


def test_the_growth_of_what_stays_varies_by_what_came() -> None:
    """Variances of what stays cancel, however large; what is replaced counts twice."""
    assert Estimates([900, 904, 909], [9, 10, 11]).change == 9
    assert Estimates([4, 0, 4], [1, 0, 1]).change == 8
    assert Estimates([9, 5, 1], [9, 5, 1]).change == 8
    assert Estimates([9, 9], [1, 1]).came == 0


def test_several_samples_at_once_are_a_jump_and_one_or_two_are_not() -> None:
    def chance(largest: int, samples: int) -> float:
        return Estimates([0, samples], [0, samples]).at_once(largest, samples, 7)

    assert chance(1, 1) == pytest.approx(1)
    assert chance(2, 3) > 0.05
    assert chance(4, 4) < 0.05
    assert chance(8, 10) < 0.001
    assert Estimates([0, 0], [0, 0]).at_once(5, 5, 7) == 0


def test_few_samples_make_a_wide_and_lopsided_interval() -> None:
    low, high = Estimates([0, 9e6], [0, 9]).interval(9000)
    assert (low, high) == pytest.approx((4115, 17085), rel=1e-3)  # 9 counted: 4.115 to 17.08
    assert Estimates([0, 0], [0, 0]).interval(700) == (700, 700)


def test_known_errors_leave_more_degrees_of_freedom() -> None:
    known = Estimates([0, 100], [0, 25])
    error, freedom = known.together(8.0, 6, 50)  # scatters less than it must
    assert (error, freedom) == (10, 50)
    error, freedom = known.together(1000.0, 6, 50)  # the program's own noise is all
    assert error == pytest.approx(1000)
    assert freedom == pytest.approx(6, rel=1e-3)


# -- the distributions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("counted", "low", "high"),
    [(0, 0, 3.689), (1, 0.02532, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.6)],
)
def test_poisson_intervals_are_garwoods(counted: int, low: float, high: float) -> None:
    assert stats.poisson_interval(counted) == pytest.approx((low, high), rel=1e-3, abs=1e-9)


@given(st.integers(1, 40), st.integers(0, 41), st.floats(0.01, 0.99))
def test_binomial_tails_are_sums(n: int, k: int, p: float) -> None:
    sums = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    assert stats.binomial_sf(k, n, p) == pytest.approx(sums, abs=1e-9)


@given(st.integers(1, 60), st.floats(0.01, 200))
def test_gamma_is_the_wait_for_so_many_events(number: int, x: float) -> None:
    fewer = sum(math.exp(i * math.log(x) - x - math.lgamma(i + 1)) for i in range(number))
    assert stats.gamma_cdf(number, x) == pytest.approx(1 - fewer, abs=1e-9)
