"""A pool's processes as witnesses of one growth, each of which has too few samples to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.series import errors, stats
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.shape import LEAK, NOISE

#: A growth with the process in which it is.
Part = tuple[History, Growth]


def doubted(parts: Sequence[Part], processes: int) -> list[Part]:
    """The parts, without leaks where one of so many processes looks so by chance (Bonferroni), or
    where the samples of all do not show that it goes on.

    Samples make p-values that are only just small enough; exact sizes do not.
    """
    if processes < 2:
        return list(parts)
    if all(growth.shape.beliefs for _, growth in parts):
        return _believed(parts)
    slows = len(parts) > 1 and not _goes_on(parts)
    return [
        (
            history,
            _doubted(growth)
            if slows or growth.shape.p * processes > LEVELS.chances.leak
            else growth,
        )
        for history, growth in parts
    ]


def _believed(parts: Sequence[Part]) -> list[Part]:
    """The parts, without leaks that one process hardly believes in and all of them together do not."""
    kinds = _beliefs(parts)
    return [
        (history, replace(growth, shape=replace(growth.shape, verdict=NOISE, open=True)))
        if growth.shape.verdict == LEAK
        and (growth.shape.belief or 0.0) < LEVELS.lives.refuted
        and kinds[0] < LEVELS.lives.believed
        else (history, growth)
        for history, growth in parts
    ]


def _beliefs(parts: Sequence[Part]) -> list[float]:
    """Of each kind of life: leak, warm-up, turnover; by the births of all processes that have the place.

    Processes run the same code: the kind is one, their births are independent given it, and beliefs
    that started out equal multiply.
    """
    logs = [
        sum(math.log(max(belief, LEVELS.lives.least)) for belief in kind)
        for kind in zip(*(growth.shape.beliefs for _, growth in parts))
    ]
    weights = [math.exp(log - max(logs)) for log in logs]
    return [weight / sum(weights) for weight in weights]


def _doubted(growth: Growth) -> Growth:
    judged = growth.shape
    if judged.samples is None or judged.belief is not None or judged.verdict != LEAK:
        return growth
    return replace(growth, shape=replace(judged, verdict=NOISE, open=True))


def together(parts: Sequence[Part], processes: int) -> bool:
    """Whether all processes of a role tell together that a place leaks.

    The tests of growth are independent, and their p-values are combined; that it goes on, the
    samples of all must show. Processes in which nothing grows at the place count against it. Where births
    speak, the beliefs are combined, and most of the processes must have the place.
    """
    if processes < 2:
        return False
    if all(growth.shape.beliefs for _, growth in parts):
        return (
            len(parts) > processes / 2
            and not any(growth.why for _, growth in parts)
            and sum(growth.shape.events for _, growth in parts) >= LEVELS.lives.fewest
            and _beliefs(parts)[0] >= LEVELS.lives.refuted
        )
    p_values = [1.0] * (processes - len(parts))
    for _, growth in parts:
        if growth.shape.samples is None or growth.why:
            return False
        p = 2 * growth.series.errors.chance(growth.series)  # later starts are not looked at
        p_values.append(min(1.0, p) if growth.shape.open else 1.0)
    return stats.fisher(p_values) <= LEVELS.chances.pooled and _goes_on(parts)


def _goes_on(parts: Sequence[Part]) -> bool:
    """Whether the samples of all processes show that the growth goes on; True where sizes are exact."""
    late = errors.Late(0.0, 0.0, 0.0, 0.0)
    for _, growth in parts:
        if not isinstance(growth.series.errors, Estimates):
            return True
        late = late.plus(growth.series.errors.late(growth.series))
    return errors.fading(late) <= LEVELS.chances.late
