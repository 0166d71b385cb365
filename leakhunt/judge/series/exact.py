"""Sizes that are exact: what a series says of itself, its noise is the program's alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import curves, stats
from leakhunt.judge.series.series import Drift, Halves, Series


def is_whole(t: Sequence[float], counts: Sequence[float]) -> bool:
    """Whether each unit brings whole blocks, as many in every interval."""
    steps = [round(b - a) for a, b in zip(counts, counts[1:])]
    if not all(step > 0 for step in steps):
        return False
    per_unit = [step / (v - u) for step, u, v in zip(steps, t, t[1:])]
    whole = round(median(per_unit))
    return whole >= 1 and all(abs(rate - whole) <= LEVELS.shapes.whole * whole for rate in per_unit)


@dataclass(frozen=True)
class Exact:
    """No errors: the answers of :class:`leakhunt.judge.series.series.Errors` where every block is counted."""

    came: None = None
    is_enough: bool = True
    change: float = 0.0

    def since(self, start: int) -> Exact:
        return self

    def at(self, chosen: Sequence[int]) -> Exact:
        return self

    def drift(self, series: Series) -> Drift:
        rate, error = stats.drift(series.t, series.sizes)
        return Drift(rate, error, float(max(1, len(series) - 2)))

    def chance(self, series: Series) -> float:
        return stats.drift_test(series.t, series.sizes)[2]

    def interval(self, series: Series) -> tuple[float, float]:
        rate = series.rise / (series.t[-1] - series.t[0])
        return rate, rate

    def halves(self, series: Series) -> Halves:
        t, y, middle = series.t, series.sizes, len(series) // 2
        return Halves((y[middle] - y[0], y[-1] - y[middle]), (t[middle] - t[0], t[-1] - t[middle]))

    def weights(self, series: Series) -> None:
        return None

    def slower(self, series: Series, middle: int) -> float:
        return 0.0

    def at_once(self, series: Series, step: int) -> float:
        return 0.0

    def falters(self, series: Series) -> bool:
        return False

    def tells(self, series: Series) -> bool:
        return True

    def least_p(self, series: Series) -> float:
        """A sign test: n rises of equal size come about with p = 2**-n at best.

        Whole blocks per unit, the same in every interval, are one event per unit; else blocks
        come in parcels of the greatest common divisor of the increments.
        """
        t, y = series.t, series.sizes
        steps = [round(b - a) for a, b in zip(series.counts, series.counts[1:])]
        events = float(sum(b > a for a, b in zip(y, y[1:])))
        if is_whole(t, series.counts):
            events = float(sum(steps))
        elif all(step > 0 for step in steps):
            events = max(events, sum(steps) / math.gcd(*steps))
        return float(2.0 ** -min(events, 1000.0))

    def looks(self, start: int, starts: int) -> int:
        return starts

    def axes(self, number: int) -> int:
        return 1

    def is_warm_up(self, series: Series, start: int) -> bool:
        return False

    def fills(self, series: Series) -> bool:
        return curves.saturates(series.t, series.sizes, surely=True)

    def by_blocks(self, series: Series) -> Series | None:
        return Series(series.t, series.counts, series.counts, self)


EXACT = Exact()


@dataclass(frozen=True)
class Counted(Exact):
    """Of what is counted and has no bytes: sizes and blocks are the same, and are looked at once."""

    def by_blocks(self, series: Series) -> None:
        return None


COUNTED = Counted()
