"""Why a growth is called what it is called: a code with its figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from leakhunt.judge import codes
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.enough import Wanted
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.shape import LEAK, SAWTOOTH, STEP, TURNOVER, WARM_UP


def reason(history: History, growth: Growth, missing: Wanted | None) -> Reason:
    """What explains the growth, else what is missing to tell, else what its shape shows."""
    if growth.why is not None:
        return growth.why
    if missing is not None:
        return because(
            codes.TOO_FEW_SAMPLES, samples=missing.samples, size=missing.size, units=missing.units
        )
    return _of_ages(history, growth) if history.lived else _of_shape(history, growth)


def _of_shape(history: History, growth: Growth) -> Reason:
    judged, sizes, total = growth.shape, growth.sizes, len(growth.sizes)
    if judged.verdict == LEAK and judged.valleys:
        return because(codes.VALLEYS_RISE, since=judged.since + 1, of=total)
    if judged.verdict == LEAK and judged.since == 0:
        return because(codes.FROM_THE_FIRST)
    if judged.verdict == LEAK:
        return because(codes.STEADY, since=judged.since + 1, of=total)
    if judged.verdict == STEP:
        jumps = [b - a for a, b in zip(sizes, sizes[1:])]
        at = max(range(len(jumps)), key=jumps.__getitem__)
        return because(codes.ONE_JUMP, size=jumps[at], at=at + 2, of=total)
    if judged.verdict == SAWTOOTH:
        return _falls_back(history, sizes)
    if judged.verdict == WARM_UP:
        if 0 < judged.since < total - 1:
            return because(codes.LEVELS_OFF, since=judged.since + 1)
        early, late = stats.half_slopes(history.times, sizes)
        slower = max(0.0, late / early) if early > 0 and late < early else None
        return because(codes.SLOWS_DOWN, late=slower)
    if judged.samples is not None and judged.samples < LEVELS.samples.suspicious:
        return because(codes.HARDLY_SAMPLED, samples=judged.samples)
    return because(codes.RISES_UNSURELY if judged.open else codes.NO_DIRECTION)


def _of_ages(history: History, growth: Growth) -> Reason:
    """What the ages of one snapshot's survivors show."""
    judged, sizes = growth.shape, growth.sizes
    if judged.verdict == LEAK and judged.stairs:
        return because(codes.ENLARGED, since=onset(history, judged))
    if judged.verdict == LEAK:
        by_order = {"entries": judged.entries} if judged.entries else {}
        since = onset(history, judged)
        return because(codes.BORN_EVENLY, since=since, belief=judged.belief, **by_order)
    if judged.verdict == WARM_UP:
        return because(codes.BIRTHS_DIE_OUT, belief=judged.belief)
    if judged.verdict == TURNOVER:
        if judged.turned is not None:
            came, went = judged.turned
            return because(codes.REPLACED, came=came, went=went)
        return because(codes.YOUNG, belief=judged.belief)
    if judged.verdict == STEP:
        jumps = [b - a for a, b in zip(sizes, sizes[1:])]
        at = max(range(len(jumps)), key=jumps.__getitem__)
        unit = first_unit(history) + history.times[at + 1]
        return because(codes.BORN_AT_ONCE, size=jumps[at], at=unit)
    return because(codes.AGES_UNSURE, samples=judged.samples)


def first_unit(history: History) -> float:
    """The unit of the first column, counted from the start of the process."""
    if history.lived and history.newest is not None and history.newest.calendar is not None:
        return float(history.newest.calendar.edges[1])
    return float(history.first.tasks_done or 0)


def onset(history: History, judged: shape.Shape) -> float:
    """The unit from which on a leak goes on, counted from the start of the process; 0: from its start."""
    if not judged.since:
        return 0.0
    seen = history.times[judged.since] if judged.onset is None else judged.onset
    return first_unit(history) + seen


def _falls_back(history: History, sizes: Sequence[float]) -> Reason:
    falls = shape.falls(sizes)
    apart = None
    if len(falls) >= LEVELS.worth.falls:
        apart = median(history.times[b] - history.times[a] for a, b in zip(falls, falls[1:]))
    lowest = min(sizes[index] for index in falls) if falls else min(sizes)
    return because(codes.FALLS_BACK, size=lowest, apart=apart)
