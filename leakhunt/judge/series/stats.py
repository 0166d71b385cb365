"""Small-sample statistics in plain Python: what a trend is judged by.

Every function says where its method is from. Samples here are tiny (3 to 100
snapshots), so exact distributions are used where there are any.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from operator import lt
from statistics import NormalDist, median

#: Points of which every pair is looked at.
MOST = 40
#: Snapshots up to which the distribution of Kendall's S is counted exactly.
EXACT = 12
#: Beyond such parameters series converge too slowly, and differences of logarithms of factorials lose
#: every digit: at 1e16 each of them is 4e17, with an error of 64. There the cube-root approximations hold
#: to more digits than anybody wants (their errors fall with the parameter).
VAST = 1e6
#: A probability next to certainty; the part of a quantile by which Newton's last step may still move it; and its steps.
ALMOST, CLOSE, STEPS = 1 - 2**-53, 1e-13, 1100
_NORMAL = NormalDist()


def spread(number: int, most: int) -> list[int]:
    """At most so many of the indexes below ``number``, evenly spread, the first and the last among them."""
    if number <= most:
        return list(range(number))
    return [round(index * (number - 1) / (most - 1)) for index in range(most)]


def theil_sen(t: Sequence[float], y: Sequence[float]) -> float:
    """The median of the slopes of all pairs: up to 29 % of the points may be outliers.

    Theil (1950), Sen (1968). ``t`` must increase. 0.0 for fewer than two points. Of more than MOST
    points that many are used, evenly spread: the pairs would be many.
    """
    slopes = [(y[j] - y[i]) / (t[j] - t[i]) for i, j in combinations(spread(len(y), MOST), 2)]
    return median(slopes) if slopes else 0.0


def half_slopes(t: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """The Theil-Sen slopes of the first and of the second half, which share the middle point."""
    middle = len(y) // 2
    return theil_sen(t[: middle + 1], y[: middle + 1]), theil_sen(t[middle:], y[middle:])


def mann_kendall(y: Sequence[float]) -> float:
    """One-sided p-value of "no upward trend": the chance of so many rising pairs by shuffling.

    Mann (1945), Kendall (1975); exact for up to 12 points without ties, else the
    normal approximation with Kendall's correction for ties and for continuity.
    """
    n = len(y)
    if n < 3:
        return 1.0
    if n <= EXACT and all(map(lt, y, y[1:])):
        return 1 / math.factorial(n)
    score = _kendall_score(y)
    ties = list(Counter(y).values())
    if n <= EXACT and len(ties) == n:
        counts = _kendall_counts(n)
        pairs = n * (n - 1) // 2
        discordant = (pairs - score) // 2
        return sum(counts[: discordant + 1]) / math.factorial(n)
    variance = (
        n * (n - 1) * (2 * n + 5) - sum(tie * (tie - 1) * (2 * tie + 5) for tie in ties)
    ) / 18
    if variance <= 0:
        return 1.0
    z = (score - 1) / math.sqrt(variance) if score > 0 else score / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def _kendall_score(y: Sequence[float]) -> int:
    """Rising pairs minus falling ones, without looking at each pair."""
    score = 0
    before: list[float] = []
    for value in y:
        score += bisect_left(before, value) - (len(before) - bisect_right(before, value))
        insort(before, value)
    return score


@lru_cache(maxsize=EXACT)
def _kendall_counts(n: int) -> tuple[int, ...]:
    """How many permutations of n have 0, 1, 2 ... inversions (Kendall 1938)."""
    counts = [1]
    for size in range(2, n + 1):
        counts = [
            sum(counts[max(0, total - size + 1) : total + 1])
            for total in range(len(counts) + size - 1)
        ]
    return tuple(counts)


def student_sf(t: float, df: float) -> float:
    """P(T > t) for Student's t with ``df`` degrees of freedom.

    Through the regularized incomplete beta function (Abramowitz and Stegun 26.5.27).
    """
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    tail = 0.5 * _incomplete_beta(df / 2, 0.5, df / (df + t * t))
    return tail if t >= 0 else 1 - tail


@lru_cache(maxsize=256)
def student_quantile(p: float, df: float) -> float:
    """The t that Student's t with ``df`` degrees of freedom stays below with probability p > 0.5.

    By Newton's method from the normal quantile, which is below it: the tail is convex there, so that no step goes too far.
    """
    p = min(p, ALMOST)
    t = _NORMAL.inv_cdf(p)
    scale = (
        math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi * df)
        if df < VAST
        else 1 / math.sqrt(2 * math.pi)
    )
    for _ in range(STEPS):
        density = scale * math.exp(-(df + 1) / 2 * math.log1p(t * t / df))
        if density <= 0:
            break
        step = (student_sf(t, df) - (1 - p)) / density
        t += step
        if step <= t * CLOSE:
            break
    return t


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its continued fraction (A&S 26.5.8, evaluated by Lentz's method).

    Beyond VAST by Paulson's normal approximation (A&S 26.5.21), or as a gamma variable where only one
    parameter is large (Wise, Biometrika 37, 1950).
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if a + b > VAST:
        if b < 1000:
            return 1 - gamma_cdf(b, -(a + (b - 1) / 2) * math.log(x))
        if a < 1000:
            return gamma_cdf(a, -(b + (a - 1) / 2) * math.log1p(-x))
        one, other = (b * x) ** (1 / 3), (a * (1 - x)) ** (1 / 3)
        above = one * (1 - 1 / (9 * b)) - other * (1 - 1 / (9 * a))
        return _normal_cdf(3 * above / math.sqrt(one * one / b + other * other / a))
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(a, b, x) / a


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def binomial_sf(k: float, n: float, p: float) -> float:
    """P(N >= k) of n trials that succeed with probability p; k and n need not be whole.

    As an incomplete beta function (Abramowitz and Stegun 26.5.24).
    """
    return 1.0 if k <= 0 else 0.0 if k > n else _incomplete_beta(k, n - k + 1, p)


def gamma_cdf(shape: float, x: float) -> float:
    """P(G <= x) of a gamma variable of scale 1: P(a, x) by its series (A&S 6.5.29).

    Beyond VAST by the cube root (Wilson and Hilferty, PNAS 17, 1931; A&S 26.4.17).
    """
    if x <= 0:
        return 0.0
    if x > shape + 20 * math.sqrt(shape + 20):
        return 1.0
    if shape > VAST:
        root = (x / shape) ** (1 / 3)
        return _normal_cdf((root - 1 + 1 / (9 * shape)) * 3 * math.sqrt(shape))
    term = total = 1 / shape
    for step in range(1, 10_000):
        term *= x / (shape + step)
        total += term
        if term < total * 1e-15:
            break
    return min(1.0, total * math.exp(shape * math.log(x) - x - math.lgamma(shape)))


def poisson_interval(n: float) -> tuple[float, float]:
    """The 95 % interval of the mean of which n were counted; n need not be whole.

    Garwood (1936). For a sum of counts with different weights, n is its square by its variance:
    so Fay and Feuer (Statistics in Medicine 16, 1997), who find it careful.
    """
    return (_gamma_quantile(0.025, n) if n > 0 else 0.0), _gamma_quantile(0.975, n + 1)


@lru_cache(maxsize=256)
def poisson_sum(size: float, events: float) -> tuple[float, float]:
    """95 % interval of a size that so many independent events have brought; the size itself where there are none."""
    if events <= 0:
        return size, size
    low, high = poisson_interval(events)
    return size * low / events, size * high / events


def _gamma_quantile(p: float, shape: float) -> float:
    """The x that a gamma variable stays below with probability p.

    By Newton's method, kept between bounds by halving, from Wilson and Hilferty's cube root: beyond VAST that is all.
    """
    root = 1 - 1 / (9 * shape) + _NORMAL.inv_cdf(p) / (3 * math.sqrt(shape))
    if shape > VAST:
        return shape * root**3
    low, high = 0.0, shape + 10 * math.sqrt(shape + 10)
    x = shape * max(0.0, root) ** 3
    for _ in range(60):
        if not low < x < high:
            x = (low + high) / 2
        missing = p - gamma_cdf(shape, x)
        low, high = (x, high) if missing > 0 else (low, x)
        density = math.exp(min(700.0, (shape - 1) * math.log(x) - x - math.lgamma(shape)))
        if density <= 0:
            x = (low + high) / 2
            continue
        step = missing / density
        x += step
        if abs(step) <= x * CLOSE:
            return x
    return high


def _fraction(a: float, b: float, x: float) -> float:
    """1/(1 + d1/(1 + d2/(1 + ...))) from the top, by the modified Lentz method."""
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    result = d
    for m in range(1, 300):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + numerator * d or tiny)
            c = 1 + numerator / c or tiny
            result *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return result


def least_squares(
    t: Sequence[float], y: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float, list[float]]:
    """(slope, intercept, residuals) of the straight line with the least squares.

    ``weights``: of the squares, inverse to the variances of ``y``; all the same where none are given.
    """
    weights = weights or [1.0] * len(y)
    total = sum(weights)
    mean_t = sum(w * a for w, a in zip(weights, t)) / total
    mean_y = sum(w * b for w, b in zip(weights, y)) / total
    spread = sum(w * (a - mean_t) ** 2 for w, a in zip(weights, t))
    product = sum(w * (a - mean_t) * (b - mean_y) for w, a, b in zip(weights, t, y))
    slope = product / spread if spread else 0.0
    start = mean_y - slope * mean_t
    return slope, start, [b - (start + slope * a) for a, b in zip(t, y)]


def line_test(
    t: Sequence[float], y: Sequence[float], weights: Sequence[float] | None = None
) -> tuple[float, float, float]:
    """(slope, its standard error, one-sided p of "slope <= 0"): noise around a line.

    The usual t-test of a least-squares slope with n - 2 degrees of freedom: right
    where what disturbs one snapshot is over at the next.
    """
    n = len(y)
    weights = weights or [1.0] * n
    slope, _, residuals = least_squares(t, y, weights)
    mean = sum(w * a for w, a in zip(weights, t)) / sum(weights)
    spread = sum(w * (a - mean) ** 2 for w, a in zip(weights, t))
    squares = sum(w * r * r for w, r in zip(weights, residuals))
    error = math.sqrt(squares / max(1, n - 2) / spread) if spread else 0.0
    return slope, error, _one_sided(slope, error, n - 2)


def drift_test(t: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """(drift, its standard error, one-sided p of "drift <= 0"): noise that adds up.

    For a walk whose steps are independent, with a variance that grows with the time
    between snapshots, the drift is the total rise by the total time, and the steps
    tell its error (maximum likelihood of Brownian motion with drift). It holds for a
    leak that strikes at random, and is the careful choice for any other.
    """
    pace, error = drift(t, y)
    return pace, error, _one_sided(pace, error, len(y) - 2)


def drift(t: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """(drift, its standard error) of such a walk."""
    steps = len(y) - 1
    total = t[-1] - t[0]
    pace = (y[-1] - y[0]) / total
    squares = sum((b - a - pace * (v - u)) ** 2 / (v - u) for a, b, u, v in zip(y, y[1:], t, t[1:]))
    return pace, math.sqrt(squares / max(1, steps - 1) / total)


def _one_sided(slope: float, error: float, df: int) -> float:
    if df < 1:
        return 1.0
    if error <= abs(slope) * 1e-12:  # no deviation at all
        return 0.0 if slope > 0 else 1.0
    return student_sf(slope / error, df)


def fisher(p_values: Sequence[float]) -> float:
    """The chance that independent tests of one hypothesis come out so, or worse, together.

    Fisher (1925): the sum of -log p is a gamma variable where the hypothesis is true.
    """
    total = -sum(math.log(max(p, 1e-300)) for p in p_values)
    return 1 - gamma_cdf(len(p_values), total)


def false_discovery(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses to reject so that at most ``rate`` of the rejected are true.

    Benjamini and Hochberg (1995), in the order given.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    accepted = 0
    for rank, index in enumerate(order, 1):
        if p_values[index] <= rate * rank / len(order):
            accepted = rank
    chosen = set(order[:accepted])
    return [index in chosen for index in range(len(p_values))]


def even_spacings(n: int, reach: float) -> float:
    """The chance that n - 1 events at random moments cut a line of length 1 into n parts of which each is within
    ``reach`` of one n-th.

    The parts have the density (n - 1)! wherever they are positive and add up to one (H. David and H. Nagaraja, Order
    Statistics, 2003, section 6.4). All but one may be anywhere within reach, and the last one is what they
    leave, so that the sum of n - 1 uniform deviations has to be within reach as well (Irwin and Hall, 1927). Where
    ``reach`` is more than one n-th, this is more than the chance.
    """
    free = n - 1
    if free < 1:
        return 1.0

    def below(x: float) -> float:
        terms = [
            (-1.0) ** j * math.comb(free, j) * (x - j) ** free for j in range(math.floor(x) + 1)
        ]
        return math.fsum(terms) / math.factorial(free)

    balanced = below((free + 1) / 2) - below((free - 1) / 2)
    return min(1.0, math.factorial(free) * (2 * reach) ** free * balanced)
