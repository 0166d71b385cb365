"""Whether a series rises steadily, and to its end: from where on, at what rate, and by what chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from leakhunt.judge.series import curves, errors, stats
from leakhunt.judge.series.errors import ACCIDENT, FEWEST, Estimates

#: A series that loses more than this part of its range again falls back.
FALL = 0.3
#: A late slope below this part of the early one is a slowing down.
SLOWING = 0.72
#: A last third that rises less than this part of the pace before, surely, slows down.
FALTERING = 0.5
#: The chance of that by accident where the pace has not changed.
NO_ACCIDENT = 0.02
#: A tail that rises less than this part of the mean rise has levelled off.
LEVEL = 0.25
#: The chance of samples that come as late by accident where a cache fills.
DOUBT = 0.1
#: The same where a faster rise went before.
DOUBT_LATER = 0.025
#: So many snapshots show at a glance that nothing rises.
MANY = 12
#: With a p-value this small there is no need to look for a smaller one further on.
PLAIN = 1e-6


def rise(
    t: Sequence[float], y: Sequence[float], counts: Sequence[float], sampled: Estimates | None
) -> tuple[int, float] | None:
    """(where the steady rise begins, its p-value); None where there is none."""
    starts = _starts(len(y))
    if len(y) >= MANY and stats.mann_kendall(y[starts[-1] :]) > 0.3:
        return None  # a leak rises to the end
    found = []
    for start in starts:
        part_t, part = t[start:], y[start:]
        known = later(sampled, start)
        if _goes_on(part_t, part, known) and not _fell_before(y, start):
            p = min(1.0, _looks(start, starts, known) * chance(part_t, part, known))
            p = max(p, _by_events(part_t, part, counts[start:], known))
            if sampled is not None and start > 0 and p < 1.0:
                p = max(p, _after_warming_up(t, y, sampled, start))
            found.append((p, start))
    if not found:
        return None
    least = min(found)[0]
    p, start = next((p, begin) for p, begin in found if p <= max(least, PLAIN))
    if start > 0 and 0 not in {begin for _, begin in found} and curves.saturates(t, y):
        return None
    if sampled is None and curves.saturates(t, y, surely=True):
        return None
    return start, p


def _after_warming_up(
    t: Sequence[float], y: Sequence[float], sampled: Estimates, start: int
) -> float:
    """1.0 where a rise that was faster before may as well be a cache that fills ever more slowly.

    Not where the whole of it goes on as a leak does. Else it must have changed its pace once, and the
    rest must go on surely: keys that are rare come late.
    """
    if not sampled.slows(t, y, start) or errors.fading(sampled.late(t, y)) <= DOUBT:
        return 0.0
    rest = errors.fading(sampled.since(start).late(t[start:], y[start:]))
    return 0.0 if rest <= DOUBT_LATER and curves.bends(*sampled.path(t, y)) else 1.0


def _looks(start: int, starts: Sequence[int], sampled: Estimates | None) -> int:
    """By how much a p-value counts more because there were several starts to choose from.

    Few samples must be spent well: half of the risk is the whole series', the rest is for all later
    starts (a weighted Bonferroni correction).
    """
    if sampled is None:
        return len(starts)
    return 2 if start == 0 else 2 * (len(starts) - 1)


def _fell_before(y: Sequence[float], start: int) -> bool:
    """Whether the rise begins after a fall and has not got far beyond what it fell from.

    The last ramp of a sawtooth rises as steadily as a leak does.
    """
    high = max(y[: start + 1])
    return high > y[start] and y[-1] - high < 0.5 * (y[-1] - y[start]) and fallen(y)


def _starts(n: int) -> list[int]:
    """Where the steady part may begin: three points at least, and half of them; ten places at most."""
    possible = [start for start in range(n // 2 + 1) if n - start >= max(3, (n + 1) // 2)]
    return [possible[index] for index in stats.spread(len(possible), 10)]


def fallen(y: Sequence[float]) -> bool:
    """Whether it falls back by more than a part of its range."""
    high, drop = y[0], 0.0
    for value in y:
        high = max(high, value)
        drop = max(drop, high - value)
    return drop > FALL * (max(y) - min(y))


def _goes_on(t: Sequence[float], y: Sequence[float], sampled: Estimates | None) -> bool:
    """Whether the rise is spread over the whole part, its end included."""
    n = len(y)
    rise = y[-1] - y[0]
    if rise <= 0:
        return False
    chance = stats.mann_kendall(y)
    if n >= 4 and chance > 0.05:
        return False
    if fallen(y) and chance > 0.005:
        return False
    steps = [b - a for a, b in zip(y, y[1:])]
    largest = max(range(n - 1), key=steps.__getitem__)
    if steps[largest] > _largest(n) * sum(step for step in steps if step > 0) and (
        sampled is None or sampled.at_once(t, y, largest) <= ACCIDENT
    ):
        return False
    drift, error, _ = drift_of(t, y, sampled)
    return not (levels_off(t, y, drift, sampled) or slows_down(t, y, error, sampled))


def _largest(n: int) -> float:
    """The part of the rise that one of n - 1 increments may carry."""
    return {3: 0.7, 4: 0.6}.get(n, 0.5)


def levels_off(
    t: Sequence[float], y: Sequence[float], drift: float, sampled: Estimates | None
) -> bool:
    tail = max(2, (len(y) + 2) // 3)
    slow = stats.theil_sen(t[-tail:], y[-tail:]) < LEVEL * drift
    return slow and not by_accident(t, y, sampled, len(y) - tail)


def by_accident(
    t: Sequence[float], y: Sequence[float], sampled: Estimates | None, middle: int | None = None
) -> bool:
    """Whether sampling alone may make the part from ``middle`` on rise less than the part before.

    From the middle on where nothing else is said.
    """
    middle = len(y) // 2 if middle is None else middle
    return sampled is not None and sampled.slower(t, y, middle) > ACCIDENT


def halves(
    t: Sequence[float], y: Sequence[float], sampled: Estimates | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rises and times before and after the middle; on the clock of exposure where sizes are samples."""
    middle = len(y) // 2
    if sampled is None:
        return (y[middle] - y[0], y[-1] - y[middle]), (t[middle] - t[0], t[-1] - t[middle])
    times, sizes = sampled.exposed(t), sampled.exposed(y)
    return (
        (sum(sizes[:middle]), sum(sizes[middle:])),
        (sum(times[:middle]), sum(times[middle:])),
    )


def slows_down(
    t: Sequence[float], y: Sequence[float], error: float, sampled: Estimates | None
) -> bool:
    """Whether the second half rises clearly less than the first, beyond what its noise explains."""
    rises, times = halves(t, y, sampled)
    early, late = rises[0] / times[0], rises[1] / times[1]
    if late < LEVEL * early and not by_accident(t, y, sampled):
        return True
    scatter = error * math.sqrt(sum(times) * (1 / times[0] + 1 / times[1]))
    if late < SLOWING * early and early - late > 1.5 * scatter:
        return True
    if sampled is not None and _falters(t, y, sampled):
        return True
    return len(y) >= 6 and _declines(t, y, sampled)


def _falters(t: Sequence[float], y: Sequence[float], sampled: Estimates) -> bool:
    """Whether the last third rises much less than what was before, by too many samples for an accident.

    A cache that is full since the last snapshots; beside the growth before, which coarse late samples
    hardly dilute, halves do not show it. Bursts are no accident of sampling: where the steps before
    scatter more than samples do, fewer count for one.
    """
    n = len(y)
    knot = n - max(2, (n + 2) // 3)
    _, counts, times = sampled.path(t, y)
    if knot < 3:
        return False
    pace = sum(counts[:knot]) / sum(times[:knot])
    if pace <= 0 or sum(counts[knot:]) > FALTERING * pace * sum(times[knot:]):
        return False
    squares = sum(
        (count - pace * time) ** 2 / (pace * time) for count, time in zip(counts[:knot], times)
    )
    burst = max(1.0, squares / (knot - 1))
    early, late = (max(0.0, sum(part)) / burst for part in (counts[:knot], counts[knot:]))
    share = sum(times[knot:]) / sum(times)
    return 1 - stats.binomial_sf(late + 1, early + late, share) <= NO_ACCIDENT


def tells(t: Sequence[float], y: Sequence[float], sampled: Estimates | None) -> bool:
    """Whether samples tell a growth that slows down from one that goes on; True where sizes are exact."""
    return sampled is None or errors.fading(sampled.late(t, y)) >= 1 - DOUBT


def _declines(t: Sequence[float], y: Sequence[float], sampled: Estimates | None) -> bool:
    """Whether the rate itself falls in time, surely and by a good part.

    A straight line through the rates of the intervals: they are independent where
    growth comes in random portions, so its slope has an honest t-test. Rates that were sampled
    count by their exposure.
    """
    at = [(u + v) / 2 for u, v in zip(t, t[1:])]
    rates = [(b - a) / (v - u) for a, b, u, v in zip(y, y[1:], t, t[1:])]
    weights = sampled.exposed(t) if sampled is not None else None
    slope, _, p_rising = stats.line_test(at, rates, weights)
    if slope >= 0 or 1 - p_rising > 0.01:
        return False
    line = stats.least_squares(at, rates, weights)
    start, end = line[1] + slope * at[0], line[1] + slope * at[-1]
    return end < 0.75 * start


def _by_events(
    t: Sequence[float], y: Sequence[float], counts: Sequence[float], sampled: Estimates | None
) -> float:
    """The least p that so many separate rises allow: a sign test.

    Whole blocks per unit, the same in every interval, are one event per unit; else blocks
    come in parcels of the greatest common divisor of the increments. Every sample is an event, of
    which there must be some (FEWEST), and enough of them late to show that it goes on.
    """
    if sampled is not None:
        if sampled.came < FEWEST:
            return 1.0
        accident = errors.fading(sampled.late(t, y))
        return max(accident if accident > DOUBT else 0.0, float(2.0**-sampled.came))
    rises = sum(b > a for a, b in zip(y, y[1:]))
    steps = [round(b - a) for a, b in zip(counts, counts[1:])]
    events = float(rises)
    if all(step > 0 for step in steps):
        per_unit = [step / (v - u) for step, u, v in zip(steps, t, t[1:])]
        typical = median(per_unit)
        whole = round(typical)
        if whole >= 1 and all(abs(rate - whole) <= 0.05 * whole for rate in per_unit):
            events = float(sum(steps))
        else:
            events = max(events, sum(steps) / math.gcd(*steps))
    return float(2.0 ** -min(events, 1000.0))


# -- rates -----------------------------------------------------------------------------


def later(sampled: Estimates | None, start: int) -> Estimates | None:
    return None if sampled is None else sampled.since(start)


def interval(
    t: Sequence[float], y: Sequence[float], sampled: Estimates | None
) -> tuple[float, float, float]:
    """(rate, low, high): the drift with its 95 % interval."""
    rate, error, freedom = drift_of(t, y, sampled)
    reach = error * stats.student_quantile(0.975, freedom)
    low, high = rate - reach, rate + reach
    if sampled is not None:
        least, most = sampled.interval(t, y)
        low, high = min(low, least), max(high, most)
    return rate, low, high


def drift_of(
    t: Sequence[float], y: Sequence[float], sampled: Estimates | None
) -> tuple[float, float, float]:
    """(rate, standard error, its degrees of freedom) for noise that adds up."""
    if sampled is None:
        rate, error, _ = stats.drift_test(t, y)
        return rate, error, float(max(1, len(y) - 2))
    rate, error, freedom = sampled.drift(t, y)
    # Whole numbers, and none beyond what is normal: quantiles are remembered by them.
    return rate, error, max(1.0, min(200.0, freedom // 1))


def chance(t: Sequence[float], y: Sequence[float], sampled: Estimates | None) -> float:
    """One-sided p of "it does not rise" for noise that adds up: never too small for other noise."""
    if sampled is None:
        return stats.drift_test(t, y)[2]
    rate, error, freedom = drift_of(t, y, sampled)
    return stats.student_sf(rate / error, freedom) if error > 0 else 1.0
