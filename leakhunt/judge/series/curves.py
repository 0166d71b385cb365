"""Curves through a series by least squares: a cache that fills against a leak after a warm-up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS

#: Orthogonal columns without a constant part, each with the sum of its squares.
Basis = Sequence[tuple[list[float], float]]


def saturates(t: Sequence[float], y: Sequence[float], surely: bool = False) -> bool:
    """Whether a cache that fills explains the series better than a warm-up and then a leak.

    Both are fitted by least squares and compared by Schwarz's criterion (BIC, 1978): an
    exponential approach to a limit (keys drawn evenly) or a logarithm (Zipf's law: some keys are
    rare), with one free time constant, and two straight lines that meet at a free snapshot. The
    first snapshot may be the baseline from which tracing began: it may count or not.

    ``surely``: it must do so better than one straight line, by twice what counts as very strong
    (Kass and Raftery, Bayes Factors, 1995: noise that adds up bends by itself), and than a warm-up that has come to its limit and a leak beside it.
    """
    return any(_saturates(t[begin:], y[begin:], surely) for begin in (0, 1) if len(y) - begin >= 6)


def _saturates(t: Sequence[float], y: Sequence[float], surely: bool) -> bool:
    """The answer for a series whose first snapshot counts; models that cannot change it are not fitted."""
    n, total = len(y), t[-1] - t[0]
    models = _models(tuple((value - t[0]) / total for value in t))
    least = 1e-9 * (max(y) - min(y)) ** 2  # rounding is no evidence
    rest = _centred(y)

    def criterion(misfit: float, free: int) -> float:
        return n * math.log(max(misfit, least)) + free * math.log(n)

    def best(curves: Iterable[Basis], free: int) -> float:
        return criterion(min(_left(curve, rest) for curve in curves), free)

    # Asked of every line that rises, nearly all of which a straight line explains.
    limit = criterion(_left(models.straight, rest), 2) - LEVELS.shapes.decisive
    if surely and criterion(least, 3) >= limit:
        return False
    filling = best(models.filling, 3)
    if surely and filling >= limit:
        return False
    return filling < best(models.bent, 4) and not (surely and filling >= best(models.beside, 4))


class _Models(NamedTuple):
    """What a series is compared with, as bases: they depend on its times alone, which thousands share."""

    filling: list[Basis]
    bent: list[Basis]
    straight: Basis
    beside: list[Basis]


@lru_cache(maxsize=64)
def _models(clock: tuple[float, ...]) -> _Models:
    """``clock``: the times of a series, from 0 to 1."""
    approaches = [[_approach(at / tau) for at in clock] for tau in _CONSTANTS]
    logarithms = [[math.log1p(at / tau) for at in clock] for tau in _CONSTANTS]
    return _Models(
        [basis([curve]) for curve in approaches + logarithms],
        [basis([clock, [max(0.0, at - knot) for at in clock]]) for knot in clock[1:-1]],
        basis([clock]),
        [basis([curve, clock]) for curve in approaches],
    )


#: Of a cache that fills, in the length of the series.
_CONSTANTS = (0.01, 0.03, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)


def bends(at: Sequence[float], counts: Sequence[float], exposures: Sequence[float]) -> bool:
    """Whether samples show that a fast start gave way to a steady pace, and did not slow down gradually.

    ``at``: the middle of each step, from 0 to 1; ``counts`` and ``exposures``: samples that came in it, and
    how many come there in proportion at a steady pace. Two paces that meet at a free snapshot are
    compared with paces that fall all the time: by an exponential (keys drawn evenly), by 1 / x (a
    logarithm: Zipf's law) or by 1 / sqrt(x) (Heaps' law: always new keys, ever more rarely). The
    likelihood (of Poisson's counts, and by their scatter, where that is larger) must tell as surely as
    a test on the level of five per cent.
    """
    counts = [max(0.0, count) for count in counts]

    def deviance(paces: Sequence[float]) -> float:
        means = [pace * exposure for pace, exposure in zip(paces, exposures)]
        return 2 * sum(
            (count * math.log(count / mean) if count > 0 else 0.0) - count + mean
            for count, mean in zip(counts, means)
        )

    def scaled(paces: Sequence[float]) -> float:
        whole = sum(counts) / sum(map(mul, paces, exposures))
        return deviance([whole * pace for pace in paces])

    def bent(knot: int) -> float:
        paces = [
            max(1e-9, sum(counts[part]) / sum(exposures[part]))
            for part in (slice(0, knot), slice(knot, None))
        ]
        return deviance([paces[index >= knot] for index in range(len(at))])

    if len(at) < 3 or sum(counts) <= 0:
        return False
    bend = min(map(bent, range(1, len(at))))
    falling = min(scaled([pace(x, tau) for x in at]) for pace in _FALLING for tau in _CONSTANTS)
    return falling - bend >= LEVELS.shapes.surely * max(1.0, bend / max(1, len(at) - 3))


_FALLING: tuple[Callable[[float, float], float], ...] = (
    lambda x, tau: math.exp(-x / tau),
    lambda x, tau: 1 / (x + tau),
    lambda x, tau: 1 / math.sqrt(x + tau),
)


def _approach(at: float) -> float:
    return 1 - math.exp(-at)


def basis(columns: Iterable[Sequence[float]]) -> Basis:
    """Columns as an orthogonal basis beside a constant: to be fitted to any number of series of that length."""
    made: list[tuple[list[float], float]] = []
    for column in map(_centred, columns):  # Gram-Schmidt
        for other, square in made:
            part = sum(map(mul, column, other)) / square
            column = [a - part * b for a, b in zip(column, other)]
        square = sum(map(mul, column, column))
        if square > 1e-12:
            made.append((column, square))
    return made


def left(fitted: Basis, y: Sequence[float]) -> float:
    """The least sum of squares that a constant and the columns of a basis leave of ``y``."""
    return _left(fitted, _centred(y))


def _left(fitted: Basis, rest: Sequence[float]) -> float:
    """The same of a series that is centred already."""
    for column, square in fitted:
        part = sum(map(mul, rest, column)) / square
        rest = [a - part * b for a, b in zip(rest, column)]
    squares: float = sum(map(mul, rest, rest))
    return squares


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]
