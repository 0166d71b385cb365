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
from leakhunt.model.snapshot import Frame

#: A growth with the process in which it is.
Part = tuple[History, Growth]


def named(grown: Sequence[tuple[History, list[Growth]]]) -> list[tuple[History, list[Growth]]]:
    """The growths of all processes, where a leak has one name: of the lines that leak together the largest gives
    it, and samples may make another one the largest in another process.

    It is the same leak where most of it was asked for by the same stacks, and is named as where it has most
    of them. What is left at that line in the same process is a part of it.
    """
    leaks = [(history, each) for history, of in grown for each in of if each.shape.verdict == LEAK]
    return [(history, _named(history, of, leaks)) for history, of in grown]


def _named(history: History, of: list[Growth], leaks: Sequence[Part]) -> list[Growth]:
    is_main = history.last.role == "main"
    others = [
        each
        for other, each in leaks
        if other is not history and (other.last.role == "main") is is_main
    ]
    elsewhere = {each.blame.frame for each in others}
    mine = {each.blame.frame for each in of if each.shape.verdict == LEAK}
    names: dict[Frame, Growth] = {}
    for each in of:
        if each.blame.frame not in mine - elsewhere:
            continue
        wider = [
            one
            for one in others
            if one.blame.frame not in mine
            and _rank(one) > _rank(each)
            and _within(each, one, history)
        ]
        if wider:
            name = max(wider, key=_rank).blame
            blame = replace(each.blame, frame=name.frame, ours=name.ours)
            names.setdefault(name.frame, replace(each, blame=blame))
    gone = {each.blame.stacks for each in names.values()}
    rest = [each for each in of if each.blame.stacks not in gone and each.blame.frame not in names]
    return [*names.values(), *rest]


def _rank(growth: Growth) -> tuple[int, float, Frame]:
    return len(growth.blame.stacks), growth.grown, growth.blame.frame


def _within(growth: Growth, wider: Growth, history: History) -> bool:
    """Whether most of what grew was asked for by stacks of the other."""
    whole = LEVELS.worth.mostly * history.risen(growth.blame.stacks)
    return 0 < whole <= history.risen(set(growth.blame.stacks).intersection(wider.blame.stacks))


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
