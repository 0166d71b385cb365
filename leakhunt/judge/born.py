"""When a growth was born, and in which task, as the newest snapshot's births tell it."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from leakhunt.judge import codes
from leakhunt.judge.births.runs import brought
from leakhunt.judge.finding import Since
from leakhunt.judge.history import History, ledger
from leakhunt.judge.owners import Growth
from leakhunt.judge.reasons import onset
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.snapshot import Calendar


class Born(NamedTuple):
    """What births tell of a growth."""

    since: Since | None
    task: tuple[str | None, float | None]
    series: tuple[tuple[float, ...], tuple[float, ...]]


def born(history: History, growth: Growth) -> Born | None:
    """None where the newest snapshot knows no births of it."""
    snapshot = history.newest
    calendar = snapshot.calendar if snapshot is not None else None
    if snapshot is None or calendar is None:
        return None
    sizes = [0.0] * calendar.periods
    for stack in growth.blame.stacks:
        for birth in snapshot.told(stack).births:
            if 0 <= birth.period < calendar.periods:
                sizes[birth.period] += birth.size
    if not any(sizes):
        return None
    unit = _begun(history, growth)
    since = None if unit is None else Since(round(unit), _moment(calendar, unit))
    by = brought(snapshot, growth.blame.stacks, unit or 0.0)
    ran = {name: number for name, number in (ledger(history.last) or {}).items() if number > 0}
    part = None
    if by is not None and len(ran) > 1 and by.task in ran:
        part = ran[by.task] / sum(ran.values())
    return Born(
        since,
        (None if by is None else by.task, part),
        (tuple(map(float, calendar.edges)), tuple(sizes)),
    )


def _begun(history: History, growth: Growth) -> float | None:
    """The unit of the calendar from which on a leak goes on, 0: from the start; None where births do not tell."""
    if growth.shape.verdict != LEAK:
        return None
    if history.lived:
        return onset(history, growth.shape)
    if growth.why is None or growth.why.code not in (codes.BORN_EVENLY, codes.ENLARGED):
        return None
    return dict(growth.why.figures).get("since")


def _moment(calendar: Calendar, unit: float) -> float | None:
    """The wall clock when so many units were done: between two edges, as if at an even pace."""
    edges, moments = calendar.edges, calendar.moments
    at = min(max(bisect_right(edges, unit), 1), len(edges) - 1)
    before, after = moments[at - 1], moments[at]
    if before is None or after is None:
        return after
    part = (unit - edges[at - 1]) / (edges[at] - edges[at - 1])
    return before + min(max(part, 0.0), 1.0) * (after - before)
