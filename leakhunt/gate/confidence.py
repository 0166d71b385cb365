"""How fast a size grows, with an interval that holds for noise that adds up and for noise that does not.

Between two looks so many runs apart, what is alive differs by the growth, by what wanders about a level
(the same at any distance) and by what adds up (in proportion to the distance). The mean squares of the
differences at several distances, the variogram (Matheron 1963), tell the two apart; the error of the
rate follows from both over the whole length. Student's t with few degrees of freedom makes up for the
squares being estimates themselves. Where successive differences do not show, by going back and forth, that
something wanders (their correlation is -1/2 then, and 0 where all adds up), the error of a walk counts
too, if it is larger. ``tests/gate/test_confidence.py`` has how often all this holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from leakhunt.judge.series import stats

#: Degrees of freedom of the error: independent parts of a series at the longest distance looked at.
FREEDOM = 5
#: A correlation of successive differences below this is that of something that wanders.
WANDERS = -0.4


class Interval(NamedTuple):
    """A rate: bytes per unit."""

    rate: float
    low: float
    high: float

    @property
    def reach(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2


def interval(t: Sequence[float], sizes: Sequence[float], chance: float) -> Interval:
    """The rate, outside of its interval with that chance at either end (four looks or more).

    The rate is the mean one from end to end, so a table that doubles on the way counts as what it is.
    """
    length, steps = t[-1] - t[0], len(t) - 1
    rate = (sizes[-1] - sizes[0]) / length
    left = [size - rate * (at - t[0]) for size, at in zip(sizes, t)]
    far = max(2, steps // 2)
    level, adds = _parts(_square(left, 1), _square(left, far), far, steps)
    error = math.sqrt(level + adds * steps) / length
    reach = error * stats.student_quantile(1 - chance, FREEDOM)
    if _correlation(left) > WANDERS:
        _, walks, _ = stats.drift_test(t, sizes)
        reach = max(reach, walks * stats.student_quantile(1 - chance, steps - 1))
    return Interval(rate, rate - reach, rate + reach)


def _correlation(left: Sequence[float]) -> float:
    """Of successive differences; 0 where there are none."""
    steps = [later - earlier for earlier, later in zip(left, left[1:])]
    squares = sum(step * step for step in steps)
    return sum(a * b for a, b in zip(steps, steps[1:])) / squares if squares else 0.0


def _parts(near: float, far: float, apart: int, steps: int) -> tuple[float, float]:
    """(twice the variance about the level, what each step adds), from squares at distances 1 and ``apart``.

    The straight line from end to end takes a part of both away: of what adds up it leaves a bridge, with
    d (1 - d / n) for the distance d; of what wanders, 1 + (d / n)^2. Neither is less than nothing.
    """
    wanders = [1 + (distance / steps) ** 2 for distance in (1, apart)]
    bridges = [distance * (1 - distance / steps) for distance in (1, apart)]
    determinant = wanders[0] * bridges[1] - wanders[1] * bridges[0]
    level = (near * bridges[1] - far * bridges[0]) / determinant
    adds = (wanders[0] * far - wanders[1] * near) / determinant
    if level < 0:
        return 0.0, max(near / bridges[0], far / bridges[1])
    if adds < 0:
        return max(near / wanders[0], far / wanders[1]), 0.0
    return level, adds


def _square(left: Sequence[float], apart: int) -> float:
    """Mean square of the differences of all pairs that many looks apart."""
    pairs = list(zip(left, left[apart:]))
    return sum((b - a) ** 2 for a, b in pairs) / len(pairs)


def seldom(runs: float, chance: float, seen: float = 1.0) -> float:
    """The share of runs that may keep something though none of so many has been seen to, at that chance.

    ``1 - chance ** (1 / runs)``: three in ``runs`` at 5 % (the rule of three). ``seen``: how probable it is that one which
    keeps something is seen to.
    """
    return min(1.0, (1 - chance ** (1 / runs)) / seen) if runs > 0 and seen > 0 else 1.0
