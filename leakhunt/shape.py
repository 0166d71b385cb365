"""What one series of sizes looks like: leak, warm-up, sawtooth, step or noise.

A leak is growth that *goes on*. So the first snapshots may be left out as a warm-up, and the
steady rest must rise by a share of its growth in every part: no single jump may carry it
(a step), its late slope may not be far below its early one (a cache that fills), it may not
fall back (a sawtooth). What is left is tested against chance:

* drift against the scatter of the steps (:func:`leakhunt.stats.drift_test`), which holds for
  noise that adds up, and the more for noise that does not; with the Mann-Kendall test beside it;
* never surer than the number of separate events allows: n rises of equal size are a
  sign test with p = 2**-n at best, however well they lie on a line.

Bytes and blocks are both looked at. Blocks tell a leak whose bytes come in jumps because a
table doubles (``Objects/dictobject.c``, ``Objects/listobject.c``); bytes tell one that grows in
place (a bytearray, a list of shared objects).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from leakhunt import stats

LEAK, WARM_UP, SAWTOOTH, STEP, NOISE = "leak", "warm-up", "sawtooth", "step", "noise"

#: A series that loses more than this part of its range again falls back.
FALL = 0.3
#: A late slope below this part of the early one is a slowing down.
SLOWING = 0.72
#: A tail that rises less than this part of the mean rise has levelled off.
LEVEL = 0.25
#: One increment with more than this part of the rise is a jump.
JUMP = 0.7
#: So many snapshots show at a glance that nothing rises.
MANY = 12
#: With a p-value this small there is no need to look for a smaller one further on.
PLAIN = 1e-6


@dataclass(frozen=True)
class Shape:
    """A judged series."""

    verdict: str
    """LEAK means leak-like: whether ``p`` is small enough depends on how many were looked at."""
    rate: float
    """Bytes per unit over the steady part."""
    low: float
    high: float
    """The rate's 95 % interval."""
    p: float
    """The chance of such growth where nothing grows."""
    since: int
    """Index of the snapshot with which the steady part begins, or after which it is flat."""
    blocks_rate: float
    """Blocks per unit over the steady part."""
    axis: str | None = None
    """The task whose runs the growth was judged against; None: all units alike."""
    open: bool = False
    """It still rises at the end, only not surely: more snapshots would tell."""


def judge(
    t: Sequence[float], sizes: Sequence[float], counts: Sequence[float], noise: float = 0.0
) -> Shape:
    """Judge a series of bytes and blocks at the times ``t`` (increasing; three or more).

    ``noise``: the standard error of one size, for sampled estimates.
    """
    by_bytes = _steady(t, sizes, counts, noise)
    by_blocks = _steady(t, counts, counts, 0.0) if _rises(sizes) else None
    best = by_bytes
    if by_blocks is not None and (best is None or by_blocks[1] < best[1]):
        # The rate is of bytes all the same, from where the blocks rise steadily.
        start, p = by_blocks
        if stats.theil_sen(t[start:], sizes[start:]) > 0 and not _fallen(sizes[start:]):
            best = (start, p)
    blocks_rate = stats.theil_sen(t, counts)
    if best is None:
        return replace(_not_steady(t, sizes, counts), blocks_rate=blocks_rate)
    start, p = best
    rate, low, high = interval(t[start:], sizes[start:], noise)
    both = 1.0 if by_bytes is None or by_blocks is None else 2.0
    shape = Shape(LEAK, rate, low, high, min(1.0, both * p), start, 0.0)
    return replace(shape, blocks_rate=stats.theil_sen(t[start:], counts[start:]))


def interval(t: Sequence[float], y: Sequence[float], noise: float) -> tuple[float, float, float]:
    """(rate, low, high): the drift with its 95 % interval."""
    rate, error, _ = _tested(t, y, noise)
    reach = error * stats.student_quantile(0.975, max(1, len(y) - 2))
    return rate, rate - reach, rate + reach


def _tested(t: Sequence[float], y: Sequence[float], noise: float) -> tuple[float, float, float]:
    """(rate, standard error, one-sided p) for noise that adds up: never too sure for other noise."""
    rate, error, p = stats.drift_test(t, y)
    if noise > 0:
        error = math.hypot(error, noise * math.sqrt(2) / (t[-1] - t[0]))
        p = stats.student_sf(rate / error, max(1, len(y) - 2))
    return rate, error, p


# -- the steady part ------------------------------------------------------------------


def _steady(
    t: Sequence[float], y: Sequence[float], counts: Sequence[float], noise: float
) -> tuple[int, float] | None:
    """(where the steady rise begins, its p-value); None where there is none."""
    starts = _starts(len(y))
    if len(y) >= MANY and stats.mann_kendall(y[starts[-1] :]) > 0.3:
        return None  # a leak rises to the end
    found = []
    for start in starts:
        part_t, part = t[start:], y[start:]
        if _goes_on(part_t, part) and not _fell_before(y, start):
            p = min(1.0, len(starts) * _tested(part_t, part, noise)[2])
            found.append((max(p, _by_events(part_t, part, counts[start:])), start))
    if not found:
        return None
    least = min(found)[0]
    p, start = next((p, begin) for p, begin in found if p <= max(least, PLAIN))
    if start > 0 and 0 not in {begin for _, begin in found} and _saturates(t, y):
        return None
    return start, p


def _saturates(t: Sequence[float], y: Sequence[float]) -> bool:
    """Whether a cache that fills explains the series better than a warm-up and then a leak.

    Both are fitted by least squares and compared by Schwarz's criterion (BIC, 1978): an
    exponential approach to a limit (keys drawn evenly) or a logarithm (Zipf's law: some keys are
    rare), with one free time constant, and two straight lines that meet at a free snapshot. The
    first snapshot may be the baseline from which tracing began: it may count or not.
    """
    verdicts = []
    for begin in (0, 1):
        part_t, part = t[begin:], y[begin:]
        n, total = len(part), part_t[-1] - part_t[0]
        if n < 6:
            continue
        clock = [(value - part_t[0]) / total for value in part_t]
        filling = min(
            misfit([[curve(at / tau) for at in clock]], part)
            for curve in (_approach, math.log1p)
            for tau in (0.01, 0.03, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
        )
        bend = min(
            misfit([clock, [max(0.0, at - knot) for at in clock]], part) for knot in clock[1:-1]
        )
        least = 1e-9 * (max(part) - min(part)) ** 2  # rounding is no evidence
        verdicts.append(
            n * math.log(max(filling, least)) + 3 * math.log(n)
            < n * math.log(max(bend, least)) + 4 * math.log(n)
        )
    return any(verdicts)


def _approach(at: float) -> float:
    return 1 - math.exp(-at)


def misfit(columns: Sequence[Sequence[float]], y: Sequence[float]) -> float:
    """The least sum of squares that a constant and one or two columns leave of ``y``."""
    n = len(y)

    def centred(values: Sequence[float]) -> list[float]:
        mean = sum(values) / n
        return [value - mean for value in values]

    rest = centred(y)
    basis: list[list[float]] = []
    for column in map(centred, columns):  # Gram-Schmidt
        for other in basis:
            part = sum(a * b for a, b in zip(column, other)) / sum(b * b for b in other)
            column = [a - part * b for a, b in zip(column, other)]
        if sum(a * a for a in column) > 1e-12:
            basis.append(column)
    for column in basis:
        part = sum(a * b for a, b in zip(rest, column)) / sum(b * b for b in column)
        rest = [a - part * b for a, b in zip(rest, column)]
    return sum(a * a for a in rest)


def _fell_before(y: Sequence[float], start: int) -> bool:
    """Whether the rise begins after a fall and has not got far beyond what it fell from.

    The last ramp of a sawtooth rises as steadily as a leak does.
    """
    high = max(y[: start + 1])
    return high > y[start] and y[-1] - high < 0.5 * (y[-1] - y[start]) and _fallen(y)


def _starts(n: int) -> list[int]:
    """Where the steady part may begin: three points at least, and half of them; ten places at most."""
    possible = [start for start in range(n // 2 + 1) if n - start >= max(3, (n + 1) // 2)]
    return [possible[index] for index in stats.spread(len(possible), 10)]


def _rises(y: Sequence[float]) -> bool:
    return y[-1] > y[0]


def _fallen(y: Sequence[float]) -> bool:
    """Whether it falls back by more than a part of its range."""
    high, drop = y[0], 0.0
    for value in y:
        high = max(high, value)
        drop = max(drop, high - value)
    return drop > FALL * (max(y) - min(y))


def _goes_on(t: Sequence[float], y: Sequence[float]) -> bool:
    """Whether the rise is spread over the whole part, its end included."""
    n = len(y)
    rise = y[-1] - y[0]
    if rise <= 0:
        return False
    chance = stats.mann_kendall(y)
    if n >= 4 and chance > 0.05:
        return False
    if _fallen(y) and chance > 0.005:
        return False
    steps = [b - a for a, b in zip(y, y[1:])]
    if max(steps) > _largest(n) * sum(step for step in steps if step > 0):
        return False
    drift, error, _ = stats.drift_test(t, y)
    return not (_levels_off(t, y, drift) or _slows_down(t, y, drift, error))


def _largest(n: int) -> float:
    """The part of the rise that one of n - 1 increments may carry."""
    return {3: 0.7, 4: 0.6}.get(n, 0.5)


def _levels_off(t: Sequence[float], y: Sequence[float], drift: float) -> bool:
    tail = max(2, (len(y) + 2) // 3)
    return stats.theil_sen(t[-tail:], y[-tail:]) < LEVEL * drift


def _slows_down(t: Sequence[float], y: Sequence[float], drift: float, error: float) -> bool:
    """Whether the second half rises clearly less than the first, beyond what its noise explains."""
    middle = len(y) // 2
    early = (y[middle] - y[0]) / (t[middle] - t[0])
    late = (y[-1] - y[middle]) / (t[-1] - t[middle])
    if late < LEVEL * early:
        return True
    total = t[-1] - t[0]
    scatter = error * math.sqrt(total * (1 / (t[middle] - t[0]) + 1 / (t[-1] - t[middle])))
    if late < SLOWING * early and early - late > 1.5 * scatter:
        return True
    return len(y) >= 6 and _declines(t, y)


def _declines(t: Sequence[float], y: Sequence[float]) -> bool:
    """Whether the rate itself falls in time, surely and by a good part.

    A straight line through the rates of the intervals: they are independent where
    growth comes in random portions, so its slope has an honest t-test.
    """
    at = [(u + v) / 2 for u, v in zip(t, t[1:])]
    rates = [(b - a) / (v - u) for a, b, u, v in zip(y, y[1:], t, t[1:])]
    slope, _, p_rising = stats.line_test(at, rates)
    if slope >= 0 or 1 - p_rising > 0.01:
        return False
    mean, middle = sum(rates) / len(rates), sum(at) / len(at)
    start, end = mean + slope * (at[0] - middle), mean + slope * (at[-1] - middle)
    return end < 0.75 * start


def _by_events(t: Sequence[float], y: Sequence[float], counts: Sequence[float]) -> float:
    """The least p that so many separate rises allow: a sign test.

    Whole blocks per unit, the same in every interval, are one event per unit; else blocks
    come in parcels of the greatest common divisor of the increments.
    """
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


# -- what else it is ------------------------------------------------------------------


def _not_steady(t: Sequence[float], y: Sequence[float], counts: Sequence[float]) -> Shape:
    n = len(y)
    rate, low, high = interval(t, y, 0.0)
    span = max(y) - min(y)
    steps = [b - a for a, b in zip(y, y[1:])]
    rise = y[-1] - y[0]
    flat = _flat_since(y)

    def shape(verdict: str, since: int, still: bool = False) -> Shape:
        return Shape(verdict, rate, low, high, 1.0, since, 0.0, None, still)

    if span <= 0 or rise <= 0:
        return shape(SAWTOOTH if len(falls(y)) >= 2 and _fallen(y) else NOISE, 0)
    if _fallen(y):
        return shape(SAWTOOTH if falls(y) and n >= 4 else NOISE, 0)
    largest = max(range(n - 1), key=steps.__getitem__)
    if steps[largest] >= JUMP * rise and _quiet(y, largest + 1, n, span):
        return shape(STEP, largest + 1, still=largest == n - 2)
    drift, error, _ = stats.drift_test(t, y)
    if _levels_off(t, y, drift) or _slows_down(t, y, drift, error):
        return shape(WARM_UP, flat)
    rising = stats.mann_kendall(y) <= 0.1 or n == 3
    if steps[largest] >= 0.5 * rise and sum(step > 0.05 * rise for step in steps) <= (n - 1) / 2:
        return shape(STEP, largest + 1, still=largest == n - 2)
    return shape(NOISE, 0, still=rising)


def falls(y: Sequence[float]) -> list[int]:
    """The snapshots at which it has fallen by a good part of its range."""
    span = max(y) - min(y)
    found, high = [], y[0]
    for index, value in enumerate(y):
        if high - value > FALL * span:
            found.append(index)
            high = value
        high = max(high, value)
    return found


def _quiet(y: Sequence[float], start: int, stop: int, span: float) -> bool:
    part = y[start:stop]
    return max(part) - min(part) <= FALL * span


def _flat_since(y: Sequence[float]) -> int:
    """The first snapshot from which on it stays within a tenth of its range of its last value."""
    span = max(y) - min(y)
    for start in range(len(y)):
        if all(abs(value - y[-1]) <= 0.1 * span for value in y[start:]):
            return start
    return len(y) - 1
