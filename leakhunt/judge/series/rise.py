"""Whether a series rises steadily, and to its end: from where on, at what rate, and by what chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import le

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import curves, stats
from leakhunt.judge.series.series import Drift, Series


def rise(series: Series) -> tuple[int, float] | None:
    """(where the steady rise begins, its p-value); None where there is none."""
    if series.errors.came is not None:
        return _rise(series)
    t, sizes, counts = map(tuple, (series.t, series.sizes, series.counts))
    return _exactly(Series(t, sizes, counts, series.errors))


@lru_cache(maxsize=1024)
def _exactly(series: Series) -> tuple[int, float] | None:
    """Of exact sizes, remembered: what allocates one object per task grows by the same blocks at many lines."""
    return _rise(series)


def _rise(series: Series) -> tuple[int, float] | None:
    y = series.sizes
    starts = _starts(len(y))
    if len(y) >= LEVELS.shapes.many and stats.mann_kendall(y[starts[-1] :]) > LEVELS.chances.stands:
        return None  # a leak rises to the end
    rising = []
    for start in starts:
        part = series.since(start)
        if _goes_on(part) and not _fell_before(y, start):
            looks = series.errors.looks(start, len(starts))
            p = min(1.0, looks * part.errors.chance(part))
            p = max(p, part.errors.least_p(part))
            if p < 1.0 and series.errors.is_warm_up(series, start):
                p = 1.0
            rising.append((p, start))
            if p <= LEVELS.shapes.plain:
                break  # the first so sure one counts, whatever follows
    if not rising:
        return None
    least = min(rising)[0]
    p, start = next((p, begin) for p, begin in rising if p <= max(least, LEVELS.shapes.plain))
    if start > 0 and 0 not in {begin for _, begin in rising} and curves.saturates(series.t, y):
        return None
    return None if series.errors.fills(series) else (start, p)


def _fell_before(y: Sequence[float], start: int) -> bool:
    """Whether the rise begins after a fall and has not got far beyond what it fell from.

    The last ramp of a sawtooth rises as steadily as a leak does.
    """
    high = max(y[: start + 1])
    return (
        high > y[start] and y[-1] - high < LEVELS.shapes.regained * (y[-1] - y[start]) and fallen(y)
    )


def _starts(n: int) -> list[int]:
    """Where the steady part may begin: three points at least, and half of them; ten places at most."""
    possible = [start for start in range(n // 2 + 1) if n - start >= max(3, (n + 1) // 2)]
    return [possible[index] for index in stats.spread(len(possible), 10)]


def fallen(y: Sequence[float]) -> bool:
    """Whether it falls back by more than a part of its range."""
    if all(map(le, y, y[1:])):
        return False
    high, drop = y[0], 0.0
    for value in y:
        high = max(high, value)
        drop = max(drop, high - value)
    return drop > LEVELS.shapes.fall * (max(y) - min(y))


def _goes_on(series: Series) -> bool:
    """Whether the rise is spread over the whole part, its end included."""
    y, n = series.sizes, len(series)
    if series.rise <= 0:
        return False
    chance = stats.mann_kendall(y)
    if n >= 4 and chance > LEVELS.chances.rises:
        return False
    if fallen(y) and chance > LEVELS.chances.rises_after_falls:
        return False
    steps = [b - a for a, b in zip(y, y[1:])]
    largest = max(range(n - 1), key=steps.__getitem__)
    if steps[largest] > _largest(n) * sum(step for step in steps if step > 0) and (
        series.errors.at_once(series, largest) <= LEVELS.chances.accident
    ):
        return False
    drift = series.errors.drift(series)
    return not (levels_off(series, drift) or slows_down(series, drift))


def _largest(n: int) -> float:
    """The part of the rise that one of n - 1 increments may carry."""
    return LEVELS.shapes.largest.get(n, LEVELS.shapes.largest_of_many)


def levels_off(series: Series, drift: Drift) -> bool:
    """Whether its last third hardly rises, and not by an accident of sampling."""
    tail = max(2, (len(series) + 2) // 3)
    slow = (
        stats.theil_sen(series.t[-tail:], series.sizes[-tail:]) < LEVELS.shapes.level * drift.rate
    )
    return slow and not by_accident(series, len(series) - tail)


def by_accident(series: Series, middle: int | None = None) -> bool:
    """Whether sampling alone may make the part from ``middle`` on rise less than the part before.

    From the middle on where nothing else is said.
    """
    middle = len(series) // 2 if middle is None else middle
    return series.errors.slower(series, middle) > LEVELS.chances.accident


def slows_down(series: Series, drift: Drift) -> bool:
    """Whether the second half rises clearly less than the first, beyond what its noise explains."""
    rises, times = series.errors.halves(series)
    early, late = rises[0] / times[0], rises[1] / times[1]
    if late < LEVELS.shapes.level * early and not by_accident(series):
        return True
    scatter = drift.error * math.sqrt(sum(times) * (1 / times[0] + 1 / times[1]))
    if (
        late < LEVELS.shapes.slowing * early
        and early - late > LEVELS.shapes.beyond_scatter * scatter
    ):
        return True
    return series.errors.falters(series) or (len(series) >= 6 and _declines(series))


def _declines(series: Series) -> bool:
    """Whether the rate itself falls in time, surely and by a good part.

    A straight line through the rates of the intervals: they are independent where
    growth comes in random portions, so its slope has an honest t-test. Rates that were sampled
    count by their exposure.
    """
    t, y = series.t, series.sizes
    at = [(u + v) / 2 for u, v in zip(t, t[1:])]
    rates = [(b - a) / (v - u) for a, b, u, v in zip(y, y[1:], t, t[1:])]
    weights = series.errors.weights(series)
    slope, level, _ = stats.least_squares(at, rates, weights)
    if slope >= 0 or 1 - stats.line_test(at, rates, weights)[2] > LEVELS.chances.declines:
        return False
    start, end = level + slope * at[0], level + slope * at[-1]
    return end < LEVELS.shapes.declined * start


def interval(series: Series) -> tuple[float, float, float]:
    """(rate, low, high): the drift with its 95 % interval."""
    rate, error, freedom = series.errors.drift(series)
    reach = error * stats.student_quantile(LEVELS.chances.edge, freedom)
    least, most = series.errors.interval(series)
    return rate, min(rate - reach, least), max(rate + reach, most)
