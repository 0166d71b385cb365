"""Against published tables and brute force."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.series import stats

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("t", "df", "p"),
    [
        (12.706, 1, 0.025),
        (2.776, 4, 0.025),
        (2.228, 10, 0.025),
        (31.821, 1, 0.01),
        (2.457, 30, 0.01),
    ],
)
def test_student_agrees_with_the_printed_table(t: float, df: int, p: float) -> None:
    assert stats.student_sf(t, df) == pytest.approx(p, rel=2e-3)
    assert stats.student_quantile(1 - p, df) == pytest.approx(t, rel=1e-3)


def test_student_with_one_degree_of_freedom_is_cauchy() -> None:
    for t in (-3.0, -0.5, 0.0, 0.7, 5.0, 400.0):
        assert stats.student_sf(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, abs=1e-12)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_mann_kendall_is_exact_for_few_points(n: int) -> None:
    """p is the share of all orders that rise at least as much."""

    def score(order: tuple[int, ...]) -> int:
        return sum((b > a) - (b < a) for a, b in itertools.combinations(order, 2))

    scores = [score(order) for order in itertools.permutations(range(n))]
    for order in itertools.islice(itertools.permutations(range(n)), 0, None, 7):
        wanted = sum(other >= score(order) for other in scores) / len(scores)
        assert stats.mann_kendall(list(map(float, order))) == pytest.approx(wanted)


def test_mann_kendall_with_ties_and_many_points_is_between_nothing_and_all() -> None:
    assert stats.mann_kendall([1.0, 1.0, 1.0, 1.0]) == 1.0
    assert stats.mann_kendall([float(value) for value in range(40)]) < 1e-9
    assert stats.mann_kendall([1.0, 2.0, 2.0, 3.0, 3.0]) < 0.05


@given(slope=st.floats(-1e3, 1e3), start=NUMBERS, n=st.integers(2, 12))
def test_theil_sen_of_a_line_is_its_slope_and_outliers_do_not_move_it(
    slope: float, start: float, n: int
) -> None:
    t = [float(10 * index) for index in range(n)]
    y = [start + slope * at for at in t]
    assert stats.theil_sen(t, y) == pytest.approx(slope, abs=1e-4 + 1e-6 * abs(start))
    if n >= 9:
        y[n // 2] += 1e12
        assert stats.theil_sen(t, y) == pytest.approx(
            slope, abs=abs(slope) * 0.2 + 1e-3 + abs(start) * 1e-6
        )


@given(st.lists(NUMBERS, min_size=3, max_size=12))
def test_the_least_squares_residuals_sum_to_nothing(y: list[float]) -> None:
    t = [float(index) for index in range(len(y))]
    _, _, residuals = stats.least_squares(t, y)
    assert sum(residuals) == pytest.approx(0, abs=1e-6 * (1 + max(map(abs, y))))


@pytest.mark.parametrize("test", [stats.line_test, stats.drift_test])
def test_p_values_are_uniform_where_nothing_grows(test: object) -> None:
    """Noise that does not add up for the line, noise that does for the drift."""
    dice = random.Random(1)
    below = 0
    for _ in range(2000):
        noise = [dice.gauss(0, 1) for _ in range(10)]
        y = noise if test is stats.line_test else list(itertools.accumulate(noise))
        _, _, p = test([float(at) for at in range(10)], y)  # type: ignore[operator]
        below += p < 0.05
    assert 0.035 < below / 2000 < 0.065


def test_false_discoveries_are_cut_at_the_last_p_below_the_line() -> None:
    """The example of Benjamini and Hochberg's paper, section 3.2: four of fifteen at 0.05."""
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
                0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    assert sum(stats.false_discovery(p_values, 0.05)) == 4
    assert stats.false_discovery([], 0.05) == []


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.001, 0.5))
def test_a_smaller_p_is_never_rejected_for_a_larger_one(p_values: list[float], rate: float) -> None:
    kept = stats.false_discovery(p_values, rate)
    worst = max((p for p, keep in zip(p_values, kept) if keep), default=-1.0)
    assert all(keep for p, keep in zip(p_values, kept) if p < worst)


# -- the distributions ------------------------------------------------------------------


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


@given(st.lists(st.tuples(NUMBERS, st.integers(1, 4)), min_size=3, max_size=8))
def test_a_weight_of_two_is_as_good_as_the_point_twice(points: list[tuple[float, int]]) -> None:
    t = [float(at) for at in range(len(points))]
    y = [value for value, _ in points]
    weighed = stats.least_squares(t, y, [float(weight) for _, weight in points])
    twice = [(at, value) for at, (value, weight) in zip(t, points) for _ in range(weight)]
    plain = stats.least_squares([at for at, _ in twice], [value for _, value in twice])
    assert weighed[:2] == pytest.approx(plain[:2], rel=1e-6, abs=1e-6 * (1 + max(map(abs, y))))


@pytest.mark.parametrize("shape", [1.0, 40.0, 0.9e6, 1.1e6, 4e13, 1e16, 3e19])
def test_gamma_and_poisson_hold_however_large_the_number_is(shape: float) -> None:
    """Blocks of 30 to 37 intervals are sampled nearly for sure: they count as 1e13 to 1e16 samples."""
    for z, p in ((-1.959964, 0.025), (0.0, 0.5), (1.959964, 0.975)):
        found = stats.gamma_cdf(shape, shape + z * math.sqrt(shape))
        assert found == pytest.approx(p, abs=0.4 / math.sqrt(shape) + 1e-6)
    low, high = stats.poisson_interval(shape)
    assert low <= shape <= high
    if shape > 100:
        reach = 1.959964 * math.sqrt(shape)
        assert (shape - low, high - shape) == pytest.approx(
            (reach, reach), rel=1e-2, abs=shape * 1e-9
        )


def test_the_two_ways_of_gamma_and_beta_agree_where_they_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look() -> list[float]:
        return [
            *(stats.gamma_cdf(2e4, 2e4 + z * 141.4) for z in (-4, -1, 0, 1, 4)),
            *(stats.binomial_sf(4000 + 60 * z, 2e4, 0.2) for z in (-4, -1, 0, 1, 4)),
            *(stats.binomial_sf(k, 2e4, 1e-4) for k in (1, 2, 6)),
            *(stats.binomial_sf(2e4 - k, 2e4, 1 - 1e-4) for k in (0, 1, 6)),
        ]

    exact = look()
    monkeypatch.setattr(stats, "VAST", 1e4)
    assert look() == pytest.approx(exact, rel=2e-3, abs=1e-6)
    assert look() != exact


@pytest.mark.parametrize("p", [0.6, 0.95, 0.975, 0.999, 1 - 1e-9])
@pytest.mark.parametrize("df", [1, 1.5, 2, 7, 40, 1000, 1e5, 1e9])
def test_a_quantile_of_student_has_the_tail_that_was_asked_for(p: float, df: float) -> None:
    assert stats.student_sf(stats.student_quantile(p, df), df) == pytest.approx(1 - p, rel=1e-6)


@pytest.mark.parametrize("n", [0.3, 1, 1.7, 12, 79, 2500, 4e5, 2e6, 1e16])
def test_an_interval_of_poisson_leaves_a_fortieth_on_either_side(n: float) -> None:
    low, high = stats.poisson_interval(n)
    assert stats.gamma_cdf(n, low) == pytest.approx(0.025, rel=1e-6)
    assert stats.gamma_cdf(n + 1, high) == pytest.approx(0.975, rel=1e-6)


@pytest.mark.parametrize("n", [1e-200, 1e-12, 1e-3])
def test_next_to_nothing_has_an_interval_too(n: float) -> None:
    low, high = stats.poisson_interval(n)
    assert 0 <= low < 1e-9
    assert high == pytest.approx(3.689, rel=2e-3)


def test_quantiles_take_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step costs a series: halving alone takes sixty and eighty, which was most of what watching costs."""
    steps = itertools.count()

    def counted(real: Any) -> Any:
        return lambda *arguments: next(steps) * 0.0 + real(*arguments)

    monkeypatch.setattr(stats, "student_sf", counted(stats.student_sf))
    monkeypatch.setattr(stats, "gamma_cdf", counted(stats.gamma_cdf))
    for df in (1, 3, 30, 300):
        stats.student_quantile.__wrapped__(0.975, df)
        stats.poisson_interval(df)
    assert next(steps) < 12 * 10


@pytest.mark.parametrize("n", [1e7, 1e13, 1e16, 1e19])
def test_binomial_of_vast_numbers_is_normal(n: float) -> None:
    for part in (0.01, 0.3, 0.9):
        error = math.sqrt(n * part * (1 - part))
        assert stats.binomial_sf(n * part + 1.644854 * error, n, part) == pytest.approx(
            0.05, rel=0.03
        )
        assert stats.binomial_sf(n * part - 10 * error, n, part) == pytest.approx(1.0)
    assert 0.0 <= stats.binomial_sf(3, n, 1 / n) <= 1.0


def test_the_slope_of_a_line_has_two_degrees_of_freedom_less_than_points() -> None:
    """The mean of y is 1.6, and the spread of t is 10."""
    t, y = [0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 3.0, 3.0]
    slope, error, p = stats.line_test(t, y)
    assert slope == pytest.approx(0.8)
    left = sum((b - 1.6 - 0.8 * (a - 2)) ** 2 for a, b in zip(t, y))
    assert error == pytest.approx(math.sqrt(left / 3 / 10))
    assert p == pytest.approx(stats.student_sf(slope / error, 3))


@pytest.mark.parametrize(("n", "reach"), [(2, 0.1), (3, 0.05), (4, 0.08), (6, 0.1)])
def test_spacings_are_as_even_by_chance_as_it_says(n: int, reach: float) -> None:
    """Of 20,000 draws, within five standard errors."""
    dice = random.Random(n)
    draws, hits = 20_000, 0
    for _ in range(draws):
        ends = [0.0, *sorted(dice.random() for _ in range(n - 1)), 1.0]
        hits += all(abs(b - a - 1 / n) <= reach for a, b in zip(ends, ends[1:]))
    chance = stats.even_spacings(n, reach)
    assert abs(hits / draws - chance) < 5 * math.sqrt(chance * (1 - chance) / draws)


def test_one_part_is_even_whatever_it_is() -> None:
    assert stats.even_spacings(1, 0.0) == 1.0
    assert stats.even_spacings(2, 0.0) == 0.0
    assert stats.even_spacings(5, 1.0) == 1.0
