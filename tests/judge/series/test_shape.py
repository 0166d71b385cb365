"""Synthetic series with a known answer, many of each kind."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import shape
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK, SAWTOOTH, STEP, WARM_UP

Made = tuple[list[float], list[float], list[float]]
#: Draws (times, bytes, blocks) of n snapshots, about a hundred tasks apart.
Draw = Callable[[random.Random, int], Made]


def exact(t: Sequence[float], sizes: Sequence[float], counts: Sequence[float]) -> Series:
    return Series(t, sizes, counts, EXACT)


def times(dice: random.Random, n: int) -> list[float]:
    """Jittered, as the hook does."""
    at, found = 0.0, []
    for _ in range(n):
        at += 100 - dice.randint(0, 12)
        found.append(at)
    return found


def leak(dice: random.Random, n: int) -> Made:
    t = times(dice, n)
    return (
        t,
        [1000 * at + dice.gauss(0, 5000) for at in t],
        [2 * at + dice.randint(0, 9) for at in t],
    )


def rare_leak(dice: random.Random, n: int) -> Made:
    """5 KB in one task of ten."""
    t, events, before = times(dice, n), [], 0.0
    total = 0
    for at in t:
        total += sum(dice.random() < 0.1 for _ in range(int(at - before)))
        before = at
        events.append(total)
    return t, [5000.0 * count for count in events], [3.0 * count for count in events]


def doubling_leak(dice: random.Random, n: int) -> Made:
    """Small items in a dict whose table doubles."""
    t = times(dice, n)

    def table(items: float) -> float:
        slots = 8
        while slots * 2 / 3 < items:
            slots *= 2
        return slots * 36.0

    return t, [60 * at + table(at) for at in t], [at + 1 for at in t]


def warm_then_leak(dice: random.Random, n: int) -> Made:
    t = times(dice, n)
    warm = [800 * (1 - math.exp(-at / (t[-1] / 8))) for at in t]
    return (
        t,
        [600 * w + 300 * at for w, at in zip(warm, t)],
        [round(w + at) for w, at in zip(warm, t)],
    )


def noise(dice: random.Random, n: int) -> Made:
    t = times(dice, n)
    y = [float(dice.randint(10, 60)) for _ in t]
    return t, [700 * value for value in y], y


def walk(dice: random.Random, n: int) -> Made:
    """A queue whose length wanders."""
    t, level, y = times(dice, n), 1000.0, []
    for _ in t:
        level += dice.gauss(0, 50)
        y.append(level)
    return t, y, [float(round(value / 10)) for value in y]


def saturating(dice: random.Random, n: int) -> Made:
    """A cache of keys drawn at random: two to five time constants long."""
    t = times(dice, n)
    tau = t[-1] / dice.uniform(2, 5)
    entries = [round(800 * (1 - math.exp(-at / tau))) for at in t]
    return t, [600.0 * count for count in entries], [float(count) for count in entries]


def filling(dice: random.Random, n: int) -> Made:
    """A cache that is full before three quarters of the run."""
    t = times(dice, n)
    full = t[-1] * dice.uniform(0.3, 0.75)
    return t, [600 * min(at, full) for at in t], [float(round(min(at, full))) for at in t]


def sawtooth(dice: random.Random, n: int) -> Made:
    t = times(dice, n)
    period = dice.randint(60, 500)
    return t, [600.0 * (at % period) for at in t], [at % period for at in t]


def step(dice: random.Random, n: int) -> Made:
    t, at = times(dice, n), dice.randint(1, n - 1)
    y = [5.0 if index < at else 5005.0 for index in range(n)]
    return t, [60 * value + dice.randint(0, 500) for value in y], y


def pool(dice: random.Random, n: int) -> Made:
    """Connections that are opened as they are needed."""
    t, most, level, y = times(dice, n), dice.randint(3, 6), 1, []
    for _ in t:
        level += level < most and dice.random() < 0.6
        y.append(level)
    return t, [20_000.0 * count for count in y], [120.0 * count for count in y]


def leaky_sawtooth(dice: random.Random, n: int) -> Made:
    """A buffer that is flushed between every other two looks, and a tenth of it stays behind."""
    t = times(dice, n)
    period = dice.randint(180, 196)
    y = [at % period + 0.1 * (at - at % period) for at in t]
    return t, [600.0 * value for value in y], [float(round(value)) for value in y]


def flushed(dice: random.Random, n: int) -> Made:
    """The same, and nothing stays behind; looked at where its phase happens to be."""
    t = times(dice, n)
    period = dice.randint(110, 400)
    return t, [600.0 * (at % period) for at in t], [at % period for at in t]


HEALTHY = [flushed, noise, walk, saturating, filling, sawtooth, step, pool]


def leaks_surely(made: Made) -> bool:
    found = shape.judge(exact(*made))
    return found.verdict == LEAK and found.p <= LEVELS.chances.leak


@pytest.mark.parametrize("draw", [leak, doubling_leak, warm_then_leak])
@pytest.mark.parametrize("n", [8, 16, 30])
def test_leaks_are_found(draw: Draw, n: int) -> None:
    found = sum(leaks_surely(draw(random.Random(seed), n)) for seed in range(100))
    assert found >= 97


def test_a_sawtooth_whose_valleys_rise_is_a_leak() -> None:
    for n, least in ((30, 55), (48, 80)):
        made = [shape.judge(exact(*leaky_sawtooth(random.Random(seed), n))) for seed in range(100)]
        found = [each for each in made if each.verdict == LEAK and each.p <= LEVELS.chances.leak]
        assert len(found) >= least
        assert all(each.valleys and each.low <= 60 <= each.high for each in found)


def test_valleys_are_lower_than_both_neighbours() -> None:
    assert shape.valleys([0, 5, 2, 6, 3, 3, 7, 4, 9]) == [2, 4, 7]
    assert shape.valleys([0, 5, 2, 6, 1]) == []  # it ends below them
    assert shape.valleys([1, 2, 3]) == []


def test_a_rare_leak_takes_more_snapshots() -> None:
    shares = {
        n: sum(leaks_surely(rare_leak(random.Random(seed), n)) for seed in range(200)) / 200
        for n in (4, 8, 16)
    }
    assert shares[4] < shares[8] < shares[16] or shares[8] == 1
    assert shares[16] > 0.95


@pytest.mark.parametrize("n", [4, 8, 16, 30])
def test_a_thousand_healthy_series_are_accused_no_oftener_than_claimed(n: int) -> None:
    """CHANCE is what is claimed for series without a drift; a lone ramp of a sawtooth is none."""
    accused = {
        draw.__name__: sum(leaks_surely(draw(random.Random(seed), n)) for seed in range(1000))
        / 1000
        for draw in HEALTHY
        if not (draw in (sawtooth, flushed) and n < 8)
    }
    assert max(accused.values()) <= 3 * LEVELS.chances.leak, accused
    assert sum(accused.values()) / len(accused) <= LEVELS.chances.leak, accused


def test_three_snapshots_need_a_straight_line() -> None:
    assert not any(leaks_surely(noise(random.Random(seed), 3)) for seed in range(300))
    exact = [100.0, 190.0, 300.0]
    assert leaks_surely((exact, [512 * at for at in exact], exact))


@pytest.mark.parametrize(
    ("draw", "verdict"), [(filling, WARM_UP), (step, STEP), (sawtooth, SAWTOOTH)]
)
def test_what_merely_grew_gets_its_name(draw: Draw, verdict: str) -> None:
    named = [shape.judge(exact(*draw(random.Random(seed), 16))).verdict for seed in range(100)]
    assert named.count(verdict) >= 85


@settings(max_examples=60)
@given(rate=st.floats(20, 1e6), seed=st.integers(0, 10_000), n=st.integers(8, 30))
def test_the_rate_and_its_interval_are_right(rate: float, seed: int, n: int) -> None:
    dice = random.Random(seed)
    t = times(dice, n)
    y = [rate * at + dice.gauss(0, rate * 20) for at in t]
    found = shape.judge(exact(t, y, [round(at) for at in t]))
    assert found.verdict == LEAK
    assert found.rate == pytest.approx(rate, rel=0.25)


def test_the_interval_covers_the_truth_as_often_as_it_claims() -> None:
    for draw, truth in ((leak, 1000.0), (rare_leak, 500.0)):
        covered = looked = 0
        for seed in range(400):
            found = shape.judge(exact(*draw(random.Random(seed), 12)))
            if found.verdict == LEAK:
                looked += 1
                covered += found.low <= truth <= found.high
        assert covered / looked > 0.9, draw.__name__


def test_a_noisy_estimate_is_not_surer_than_its_samples() -> None:
    t = [100.0 * index for index in range(8)]
    y = [50_000.0 * index for index in range(8)]
    counts = [50.0 * index for index in range(8)]
    assert shape.judge(exact(t, y, counts)).p < 0.05
    noisy = Estimates([2e10 * index for index in range(8)], list(range(8)))
    assert shape.judge(Series(t, y, [0.0] * 8, noisy)).p > 0.05


@given(st.lists(st.floats(0, 1e12), min_size=3, max_size=20))
def test_any_series_gets_a_verdict(y: list[float]) -> None:
    t = [float(index) for index in range(len(y))]
    found = shape.judge(exact(t, y, [value // 64 for value in y]))
    assert found.verdict in (LEAK, WARM_UP, SAWTOOTH, STEP, shape.NOISE)
    assert found.low <= found.rate <= found.high or math.isnan(found.low)
    assert 0 <= found.p <= 1
    assert 0 <= found.since < len(y)


@given(
    st.lists(st.integers(0, 10**9), min_size=4, max_size=16),
    st.floats(0.01, 1000),
)
def test_the_verdict_does_not_depend_on_the_unit_of_time(y: list[int], factor: float) -> None:
    t = [float(index) for index in range(len(y))]
    counts = [0.0] * len(y)
    one = shape.judge(exact(t, [float(value) for value in y], counts))
    other = shape.judge(exact([at * factor for at in t], [float(value) for value in y], counts))
    assert one.verdict == other.verdict or abs(one.p - other.p) < 1e-6


def test_a_second_look_at_the_valleys_is_paid_for() -> None:
    looked = 0
    for seed in range(100):
        series = exact(*leaky_sawtooth(random.Random(seed), 48))
        found = shape.judge(series)
        if found.valleys:
            looked += 1
            alone = shape._judge(series.at(shape.valleys(series.sizes)))
            assert found.p >= min(1.0, 2 * alone.p)
    assert looked >= 80


def series(*thousands: float) -> Series:
    """Sizes without blocks, every hundred tasks."""
    t = [100.0 * index for index in range(len(thousands))]
    return exact(t, [1000.0 * value for value in thousands], [0.0] * len(t))


@pytest.mark.parametrize(
    ("sizes", "verdict", "since"),
    [
        # From the first snapshot after the jump.
        ((5, 5, 5, 5, 5, 50, 50, 50, 50, 50, 50, 50), STEP, 5),
        ((0, 10, 20, 25, 100, 100, 100, 100), STEP, 4),
        # Less than half of it at once, and flat since.
        ((0, 20, 40, 55, 100, 100, 100, 100), WARM_UP, 4),
        # From where it stays within a tenth of its last value.
        ((0, 60, 85, 95, 99, 100, 100, 100, 100, 100, 100, 100), WARM_UP, 3),
    ],
)
def test_since_when_it_is_flat(sizes: tuple[float, ...], verdict: str, since: int) -> None:
    found = shape.judge(series(*sizes))
    assert (found.verdict, found.since) == (verdict, since)
