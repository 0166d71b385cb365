"""What one series of sizes looks like: leak, warm-up, sawtooth, step or noise.

A leak is growth that *goes on*. So the first snapshots may be left out as a warm-up, and the
steady rest must rise by a share of its growth in every part: no single jump may carry it
(a step), its late slope may not be far below its early one (a cache that fills), it may not
fall back (a sawtooth). What is left is tested against chance:

* drift against the scatter of the steps (:func:`leakhunt.judge.series.stats.drift_test`), which holds for
  noise that adds up, and the more for noise that does not; with the Mann-Kendall test beside it;
* never surer than the number of separate events allows: n rises of equal size are a
  sign test with p = 2**-n at best, however well they lie on a line.

Where sizes are sampled estimates, when the samples came must show that it goes on: they must come later
than those of a cache that is still filling (:meth:`leakhunt.judge.series.errors.Estimates.late`). What may be
either is no leak, and left open.

Bytes and blocks are both looked at. Blocks tell a leak whose bytes come in jumps because a
table doubles (``Objects/dictobject.c``, ``Objects/listobject.c``); bytes tell one that grows in
place (a bytearray, a list of shared objects).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import rise as steady
from leakhunt.judge.series import stats
from leakhunt.judge.series.series import Series

LEAK, WARM_UP, SAWTOOTH, STEP, NOISE = "leak", "warm-up", "sawtooth", "step", "noise"
#: Told by births only: what is alive is young, because what was older has gone.
TURNOVER = "turnover"


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
    valleys: bool = False
    """It is a sawtooth, and its valleys are what rises."""
    samples: int | None = None
    """By how many samples the steady part grew; None where sizes are exact."""
    belief: float | None = None
    """Probability of the verdict among the kinds of life that births tell apart; None: a series told."""
    beliefs: tuple[float, ...] = ()
    """The same of each kind: leak, warm-up, turnover."""
    events: float = 0.0
    """Independent births that the rate stands for."""
    onset: float | None = None
    """When it began, in units of the series; None: nobody knows more than ``since`` says."""
    stairs: bool = False
    """It is a block that was made larger again and again."""
    entries: int = 0
    """That came since then, of the container whose order of entries tells the births; 0: samples alone do."""
    turned: tuple[float, float] | None = None
    """Bytes that came since some moment and bytes that went, where that shows that it is no leak."""

    @property
    def width(self) -> float:
        """Of the rate's interval, as a part of the rate; infinite where there is none."""
        return (self.high - self.low) / self.rate if self.rate > 0 else math.inf


def judge(series: Series) -> Shape:
    """Judge a series of bytes and blocks (three snapshots or more).

    A sawtooth leaks where its valleys do: they are judged as a series of their own.
    """
    whole = _judge(series)
    if whole.verdict == LEAK and whole.p <= LEVELS.chances.leak:
        return whole
    below = _by_valleys(series)
    return whole if below is None or below.p > LEVELS.chances.leak else below


def _by_valleys(series: Series) -> Shape | None:
    """The shape of a sawtooth's valleys, where it is a leak's.

    A valley is seen when the next snapshot happens to be taken: higher than it is by anything up to
    the climb that follows. Where the teeth are nearly as far apart as some snapshots, that
    error moves slowly and looks like a rise; it is one of a uniform distribution at either end.
    """
    t, sizes = series.t, series.sizes
    low = valleys(sizes)
    if (
        len(low) < LEVELS.shapes.valleys
        or stats.mann_kendall([sizes[index] for index in low]) > LEVELS.chances.valleys
    ):
        return None
    below = _judge(series.at(low))
    if below.verdict != LEAK:
        return None
    climb = median(sizes[index + 1] - sizes[index] for index in low)
    since, freedom = low[below.since], len(low) - below.since - 2
    error = climb / math.sqrt(6) / (t[low[-1]] - t[since])
    chance = stats.student_sf(below.rate / error, max(1, freedom)) if error > 0 else 0.0
    reach = error * stats.student_quantile(LEVELS.chances.edge, max(1, freedom))
    return replace(
        below,
        p=min(1.0, 2 * max(below.p, chance)),  # a second look
        low=below.rate - math.hypot(below.rate - below.low, reach),
        high=below.rate + math.hypot(below.high - below.rate, reach),
        since=since,
        valleys=True,
    )


def valleys(y: Sequence[float]) -> list[int]:
    """The snapshots that are lower than both neighbours; none where the end is lower than the last."""
    low = [
        index
        for index in range(1, len(y) - 1)
        if y[index - 1] > y[index] and y[index] <= y[index + 1]
    ]
    return low if low and min(y[low[-1] :]) >= y[low[-1]] else []


def _judge(series: Series) -> Shape:
    by_bytes, by_blocks = _rises(series)
    best = by_bytes
    if by_blocks is not None and (best is None or by_blocks[1] < best[1]):
        # The rate is of bytes all the same, from where the blocks rise steadily.
        start, p = by_blocks
        t, sizes = series.t[start:], series.sizes[start:]
        if stats.theil_sen(t, sizes) > 0 and not steady.fallen(sizes):
            best = (start, p)
    if best is None:
        blocks_rate = stats.theil_sen(series.t, series.counts)
        return replace(_not_steady(series), blocks_rate=blocks_rate, samples=series.errors.came)
    start, p = best
    part = series.since(start)
    rate, low, high = steady.interval(part)
    both = 1.0 if by_bytes is None or by_blocks is None else 2.0
    shape = Shape(LEAK, rate, low, high, min(1.0, both * p), start, 0.0)
    blocks_rate = stats.theil_sen(part.t, part.counts)
    return replace(shape, blocks_rate=blocks_rate, samples=part.errors.came)


def _rises(series: Series) -> tuple[tuple[int, float] | None, tuple[int, float] | None]:
    """By bytes and by blocks; where all blocks are of one size, the one is the other."""
    in_blocks = series.errors.by_blocks(series) if series.rise > 0 else None
    if in_blocks is None:
        return steady.rise(series), None
    by_blocks = steady.rise(in_blocks)
    return (by_blocks if _of_one_size(series) else steady.rise(series)), by_blocks


def _of_one_size(series: Series) -> bool:
    if series.errors.came is not None:
        return False
    size, count = series.sizes[-1], series.counts[-1]
    return all(each * count == number * size for each, number in zip(series.sizes, series.counts))


# -- what else it is ------------------------------------------------------------------


def _not_steady(series: Series) -> Shape:
    y, n = series.sizes, len(series)
    rate, low, high = steady.interval(series)
    span = max(y) - min(y)
    steps = [b - a for a, b in zip(y, y[1:])]
    rise = series.rise
    flat = _flat_since(y)

    def shape(verdict: str, since: int, still: bool = False) -> Shape:
        return Shape(verdict, rate, low, high, 1.0, since, 0.0, None, still)

    rising = rise > 0 and (stats.mann_kendall(y) <= LEVELS.chances.rising or n == 3)
    if not series.errors.is_enough:  # anything may look so
        return shape(NOISE, 0, still=rising)
    if span <= 0 or rise <= 0:
        return shape(SAWTOOTH if len(falls(y)) >= 2 and steady.fallen(y) else NOISE, 0)
    if steady.fallen(y):
        return shape(SAWTOOTH if falls(y) and n >= 4 else NOISE, 0)
    largest = max(range(n - 1), key=steps.__getitem__)
    alone = series.errors.at_once(series, largest) <= LEVELS.chances.accident
    if alone and steps[largest] >= LEVELS.shapes.jump * rise and _quiet(y, largest + 1, n, span):
        return shape(STEP, largest + 1, still=largest == n - 2)
    drift = series.errors.drift(series)
    if steady.levels_off(series, drift):
        return shape(WARM_UP, flat)
    if steady.slows_down(series, drift):
        return shape(WARM_UP, flat, still=rising and not series.errors.tells(series))
    if (
        alone
        and steps[largest] >= LEVELS.shapes.largest_of_many * rise
        and sum(step > LEVELS.shapes.small_step * rise for step in steps) <= (n - 1) / 2
    ):
        return shape(STEP, largest + 1, still=largest == n - 2)
    return shape(NOISE, 0, still=rising)


def falls(y: Sequence[float]) -> list[int]:
    """The snapshots at which it has fallen by a good part of its range."""
    span = max(y) - min(y)
    fallen, high = [], y[0]
    for index, value in enumerate(y):
        if high - value > LEVELS.shapes.fall * span:
            fallen.append(index)
            high = value
        high = max(high, value)
    return fallen


def _quiet(y: Sequence[float], start: int, stop: int, span: float) -> bool:
    part = y[start:stop]
    return max(part) - min(part) <= LEVELS.shapes.fall * span


def _flat_since(y: Sequence[float]) -> int:
    """The first snapshot from which on it stays within a tenth of its range of its last value."""
    span = max(y) - min(y)
    for start in range(len(y)):
        if all(abs(value - y[-1]) <= LEVELS.shapes.within * span for value in y[start:]):
            return start
    return len(y) - 1
