"""Sampled series: blocks are drawn one by one, so that the truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import rise, shape, stats
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK

#: (from, to, samples per unit of time, how long a block that comes then lives).
Source = tuple[float, float, float, Callable[[float], float]]
FOREVER = math.inf


def of(t: Sequence[float], sizes: Sequence[float], known: Estimates) -> Series:
    """A series of which blocks are not asked."""
    return Series(t, sizes, [0.0] * len(t), known)


def fading(made: Series) -> float:
    assert isinstance(made.errors, Estimates)
    return made.errors.fading(made)


def poisson(dice: random.Random, mean: float) -> int:
    number, left = 0, dice.expovariate(1.0)
    while left < mean:
        number, left = number + 1, left + dice.expovariate(1.0)
    return number


def sampled(dice: random.Random, n: int, *sources: Source, young: bool = False) -> Series:
    """A series of n snapshots about a hundred units apart; the mean sample stands for 1000 bytes.

    The interval wanders by a factor of two to either side, as a budget makes it do; in a young
    process it grows from a quarter to eight times as much.
    """
    t: list[float] = []
    for _ in range(n):
        t.append((t[-1] if t else 0.0) + 100 - dice.randint(0, 12))
    weights: list[float] = []
    weight = 1.0
    for _ in t:
        weight = min(2.0, max(0.5, weight * dice.choice([0.7071, 1, 1, 1.4142])))
        weights.append(weight * (0.25 * 32 ** (len(weights) / (n - 1)) if young else 1.0))
    blocks = []
    for start, stop, rate, life in sources:
        edges = [start, *(at for at in t if start < at < stop), stop]
        for a, b in zip(edges, edges[1:]):
            index = next((index for index, at in enumerate(t) if b <= at), n - 1)
            weight = math.sqrt(weights[max(0, index - 1)] * weights[index])
            for _ in range(poisson(dice, rate / weight * (b - a))):
                at = dice.uniform(a, b)
                blocks.append((at, at + life(at), 1000 * weight))
    live = [[weight for born, dies, weight in blocks if born <= at < dies] for at in t]
    return Series(
        t,
        [sum(each) for each in live],
        [sum(each) / 64 for each in live],
        Estimates(
            [sum(w * w for w in each) for each in live],
            list(map(len, live)),
            [1000 * weight for weight in weights],
        ),
    )


def leak(dice: random.Random, n: int, samples: float, young: bool = False) -> Series:
    source = (0, 105.0 * n, samples / (94 * n), lambda at: FOREVER)
    return sampled(dice, n, source, young=young)


def after_a_warm_up(dice: random.Random, n: int, samples: float) -> Series:
    """Five times as fast until the second snapshot."""
    rate = samples / (94 * n)
    warm = (0, 150.0, 4 * rate, lambda at: FOREVER)
    return sampled(dice, n, warm, (0, 105.0 * n, rate, lambda at: FOREVER))


def leak_among_churn(dice: random.Random, n: int, samples: float) -> Series:
    rate = samples / (94 * n)
    return sampled(
        dice, n, (0, 105.0 * n, rate, lambda at: FOREVER), (-300, 105.0 * n, 1 / 30, lambda at: 300)
    )


def window(dice: random.Random, n: int) -> Series:
    """The newest blocks are kept, so many of them."""
    life = dice.choice([50.0, 150.0, 500.0, 2000.0])
    return sampled(dice, n, (-life, 105.0 * n, level(dice) / life, lambda at: life))


def coming_and_going(dice: random.Random, n: int) -> Series:
    life = dice.choice([100.0, 300.0, 1000.0])
    return sampled(
        dice,
        n,
        (-6 * life, 105.0 * n, level(dice) / life, lambda at: dice.expovariate(1 / life)),
    )


def full_soon(dice: random.Random, n: int) -> Series:
    full = 94 * n * dice.uniform(0.2, 0.7)
    return sampled(dice, n, (0, full, level(dice) / full, lambda at: FOREVER))


def turning_over(dice: random.Random, n: int) -> Series:
    """Fills, and then forgets the oldest."""
    full = 94 * n * dice.uniform(0.2, 0.7)
    return sampled(dice, n, (0, 105.0 * n, level(dice) / full, lambda at: full))


def saturating(dice: random.Random, n: int) -> Series:
    """Keys drawn evenly: two to five time constants long, by tenths of what it takes in the end."""
    tau = 94 * n / dice.uniform(2, 5)
    at = [-tau * math.log(1 - tenth / 10) for tenth in range(10)] + [105.0 * n]
    full = level(dice)
    return sampled(
        dice, n, *((a, b, full / 10 / (b - a), lambda at: FOREVER) for a, b in zip(at, at[1:]))
    )


def filling(dice: random.Random, n: int, part: float, samples: float, young: bool) -> Series:
    """Keys drawn evenly, with a time constant of so much of the series: it still fills at the end."""
    tau = 94 * n * part
    at = [-tau * math.log(1 - step / 20) for step in range(20)] + [1050.0 * n]
    pieces = [
        (a, b, samples / 20 / (b - a), lambda at: FOREVER)
        for a, b in zip(at, at[1:])
        if a < 105 * n
    ]
    return sampled(dice, n, *pieces, young=young)


def vocabulary(dice: random.Random, n: int, samples: float, young: bool) -> Series:
    """Always new keys, ever more rarely (Heaps' law): as the square root of the time."""
    at = [105.0 * n * (step / 30) ** 2 for step in range(31)]
    pieces = [(a, b, samples / 30 / (b - a), lambda at: FOREVER) for a, b in zip(at, at[1:])]
    return sampled(dice, n, *pieces, young=young)


def sawtooth(dice: random.Random, n: int) -> Series:
    period = dice.randint(150, 500)
    return sampled(dice, n, (0, 105.0 * n, level(dice) / period, lambda at: period - at % period))


def once(dice: random.Random, n: int) -> Series:
    at = dice.uniform(0, 94 * n)
    return sampled(dice, n, (at, at + 1, level(dice), lambda at: FOREVER))


def level(dice: random.Random) -> float:
    """Samples that are alive at most, about."""
    return dice.choice([3.0, 8.0, 20.0, 60.0])


HEALTHY = [window, coming_and_going, full_soon, turning_over, saturating, sawtooth, once]


def leaks_surely(made: Series) -> bool:
    found = shape.judge(made)
    return found.verdict == LEAK and found.p <= LEVELS.chances.leak


@pytest.mark.parametrize("n", [4, 8, 16])
def test_thousands_of_healthy_sampled_series_are_accused_no_oftener_than_claimed(n: int) -> None:
    """As for exact series: LEVELS.chances.leak on average, and three times that for any kind; within what so
    many draws allow (two standard errors). A lone ramp of a sawtooth is not healthy.
    """
    seeds = 400
    kinds = [draw for draw in HEALTHY if not (draw is sawtooth and n < 8)]
    accused = {
        draw.__name__: sum(leaks_surely(draw(random.Random(seed), n)) for seed in range(seeds))
        for draw in kinds
    }
    total, each = seeds * len(kinds) * LEVELS.chances.leak, 3 * seeds * LEVELS.chances.leak
    assert sum(accused.values()) <= total + 2 * total**0.5, accused
    assert max(accused.values()) <= each + 2 * each**0.5, accused


def accusations(draw: Callable[[random.Random], Series], seeds: int = 300) -> float:
    return sum(leaks_surely(draw(random.Random(seed))) for seed in range(seeds)) / seeds


@pytest.mark.parametrize("young", [False, True])
@pytest.mark.parametrize("samples", [30, 300])
def test_caches_that_still_fill_are_seldom_taken_for_leaks(samples: float, young: bool) -> None:
    """With a time constant as long as the series only DOUBT keeps it from being a leak, for the
    whole of it and for what comes after a warm-up; with half of that it is told for sure.
    """
    assert (
        accusations(lambda dice: filling(dice, 8, 1.0, samples, young)) <= 2 * LEVELS.chances.late
    )
    assert (
        accusations(lambda dice: filling(dice, 8, 0.5, samples, young)) <= LEVELS.chances.late / 2
    )
    assert accusations(lambda dice: filling(dice, 8, 1 / 3, samples, young)) <= 0.02
    assert accusations(lambda dice: vocabulary(dice, 8, samples, young)) <= 2 * LEVELS.chances.late


def test_a_cache_that_may_still_fill_wants_for_samples_and_is_not_denied() -> None:
    draws = [filling(random.Random(seed), 8, 1.0, 120, True) for seed in range(200)]
    unsure = [made for made in draws if not leaks_surely(made)]
    denied = [made for made in unsure if made.errors.tells(made)]
    assert len(denied) < len(unsure) / 4


def test_a_leak_after_a_warm_up_is_found_where_samples_are_enough() -> None:
    assert accusations(lambda dice: after_a_warm_up(dice, 8, 120)) > 0.6
    assert accusations(lambda dice: after_a_warm_up(dice, 8, 400)) > 0.9


def test_late_samples_of_a_young_process_count_as_what_they_are() -> None:
    """The rate has no bias, and less than the error of the rise by the time."""
    truth, plain, weighed = 1000 * 60 / (94 * 8), [], []
    for seed in range(400):
        made = leak(random.Random(seed), 8, 60, young=True)
        weighed.append(rise.interval(made)[0])
        plain.append(made.rise / (made.t[-1] - made.t[0]))

    def error(rates: list[float]) -> float:
        return math.sqrt(sum((rate - truth) ** 2 for rate in rates) / len(rates))

    assert sum(weighed) / len(weighed) == pytest.approx(truth, rel=0.04)
    assert error(weighed) < 0.8 * error(plain)


def test_a_leak_of_a_young_process_is_found() -> None:
    assert accusations(lambda dice: leak(dice, 8, 60, young=True)) > 0.5
    assert accusations(lambda dice: leak(dice, 8, 200, young=True)) > 0.9


@pytest.mark.parametrize("samples", [5, 16, 60])
@pytest.mark.parametrize("draw", [leak, leak_among_churn])
def test_the_interval_covers_the_true_rate_as_often_as_it_claims(
    draw: Callable[[random.Random, int, float], Series], samples: int
) -> None:
    """All series count, not only those that are called leaks: these are the large ones."""
    covered, n, seeds = 0, 8, 400
    truth = 1000 * samples / (94 * n)
    for seed in range(seeds):
        _, low, high = rise.interval(draw(random.Random(seed), n, samples))
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
    assert found[60] > 0.7
    assert found[120] > 0.9
    for seed in range(200):
        made = leak(random.Random(seed), 8, 4)
        assert (made.errors.came or 0) >= LEVELS.samples.fewest or not leaks_surely(made)


def test_the_growth_of_what_stays_varies_by_what_came() -> None:
    """Variances of what stays cancel, however large; what is replaced counts twice."""
    assert Estimates([900, 904, 909], [9, 10, 11]).change == 9
    assert Estimates([4, 0, 4], [1, 0, 1]).change == 8
    assert Estimates([9, 5, 1], [9, 5, 1]).change == 8
    assert Estimates([9, 9], [1, 1]).came == 0


def test_several_samples_at_once_are_a_jump_and_one_or_two_are_not() -> None:
    t = [float(at) for at in range(8)]

    def chance(*numbers: int) -> float:
        y = [float(number) for number in numbers]
        largest = max(range(7), key=lambda step: y[step + 1] - y[step])
        return Estimates(y, numbers).at_once(of(t, y, Estimates(y, numbers)), largest)

    assert chance(0, 1, 1, 1, 1, 1, 1, 1) == pytest.approx(1)
    assert chance(0, 2, 2, 3, 3, 3, 3, 3) > 0.05
    assert chance(0, 4, 4, 4, 4, 4, 4, 4) < 0.05
    assert chance(0, 8, 9, 9, 9, 9, 10, 10) < 0.001
    assert chance(0, 0, 0, 0, 0, 0, 0, 0) == 0


def test_few_samples_make_a_wide_and_lopsided_interval() -> None:
    known, sure = Estimates([0, 9e6], [0, 9]), Estimates([0, 0], [0, 0])
    low, high = known.interval(of([0, 10], [0, 9000], known))
    assert (low, high) == pytest.approx((411.5, 1708.5), rel=1e-3)  # 9 counted: 4.115 to 17.08
    assert sure.interval(of([0, 10], [0, 700], sure)) == (70, 70)


def test_known_errors_leave_more_degrees_of_freedom() -> None:
    t = [float(at) for at in range(9)]
    known = Estimates([25 * at / 2 for at in t], [round(3 * at) for at in t])
    rate, error, freedom = known.drift(
        of(t, [6.25 * at for at in t], known)
    )  # scatters less than it must
    assert (rate, error, freedom) == pytest.approx((6.25, 10 / 8, 50))
    wild = [0.0, 1000.0, 2.0, 500.0, 20.0, 900.0, 3.0, 700.0, 50.0]
    rate, error, freedom = known.drift(of(t, wild, known))  # the program's own noise is all
    assert error == pytest.approx(stats.drift_test(t, wild)[1], rel=1e-3)
    assert freedom == pytest.approx(7, rel=0.01)


def test_a_momentary_interval_is_not_that_of_the_step() -> None:
    known = Estimates([0] * 5, [0] * 5, [100, 400, 25, 400, 1600])
    assert known.steps == [100, 200, 400, 800]
    assert known.since(3).steps == [800]
    assert Estimates([0] * 3, [0] * 3).steps == [1, 1]


def test_samples_leave_out_what_a_table_takes() -> None:
    """Where none went and the interval did not become finer: else numbers say nothing."""
    known = Estimates([0] * 4, [1, 3, 4, 8], [100, 100, 100, 400])
    made = known.counted()
    assert made is not None
    assert made[0] == [100, 300, 400, 1200]
    assert made[1].variances == [10_000, 30_000, 40_000, 200_000]
    assert Estimates([0] * 3, [3, 2, 9], [100] * 3).counted() is None
    assert Estimates([0] * 3, [1, 2, 9], [100, 100, 50]).counted() is None
    assert Estimates([0] * 3, [1, 2, 9]).counted() is None


def test_a_doubling_table_does_not_hide_a_leak_of_a_young_process() -> None:
    """As a dict of small keys: the table's steps are most of what grows."""
    found = 0
    for seed in range(100):
        made = leak(random.Random(seed), 8, 120, young=True)
        table = [12_000 * 2 ** (at * 4 // 8) for at in range(8)]
        found += leaks_surely(replace(made, sizes=[a + b for a, b in zip(made.sizes, table)]))
    assert found > 60


def test_when_samples_came_is_tested_on_the_level_that_it_claims() -> None:
    """Caches that fill in the time from first to last snapshot: a tenth comes out below a tenth."""
    low = sum(
        fading(made) <= 0.1
        for made in (filling(random.Random(seed), 8, 7 / 8, 300, True) for seed in range(500))
    )
    assert 0.04 <= low / 500 <= 0.16


def test_without_late_samples_nothing_goes_on() -> None:
    t = [0.0, 1.0, 2.0, 3.0, 4.0]
    known = Estimates([0, 20, 40, 42, 44], [0, 20, 40, 42, 44], [1, 1, 10, 10, 10])
    assert fading(of(t, [0, 20, 40, 60, 80], known)) >= 0.5
    even = Estimates([0, 20, 40, 60, 80], [0, 20, 40, 60, 80])
    assert fading(of(t, [0, 20, 40, 60, 80], even)) < 0.01
    early = Estimates([0, 60, 70, 75, 80], [0, 60, 70, 75, 80])
    assert fading(of(t, [0, 60, 70, 75, 80], early)) > 0.99
    assert fading(of([0, 1], [0, 9], Estimates([0, 0], [0, 0]))) == 1


@pytest.mark.parametrize("intervals", [25, 30, 34, 37, 46, 80, 345, 360, 740])
def test_blocks_of_many_intervals_are_judged_like_any(intervals: int) -> None:
    """They are sampled nearly for sure: as estimates go, each counts as up to 1e300 samples."""
    dice = random.Random(intervals)
    size, missed = intervals * 4096.0, math.exp(-intervals)
    for _ in range(10):
        numbers = [5]
        for _ in range(7):
            numbers.append(numbers[-1] + dice.randrange(3, 9))
        known = Estimates(
            [size * size * missed * n for n in numbers], numbers, [4096.0] * len(numbers)
        )
        t = [100.0 * at for at in range(8)]
        found = shape.judge(Series(t, [size * n for n in numbers], numbers, known))
        assert found.verdict == LEAK
        assert found.low <= found.rate <= found.high


def test_later_starts_share_half_of_the_risk() -> None:
    some = Estimates([0.0, 1.0], [0, 5])
    assert some.looks(0, 5) == 2
    assert some.looks(1, 5) == some.looks(4, 5) == 8
