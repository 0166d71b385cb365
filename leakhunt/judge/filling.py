"""Containers weighed in several snapshots: what one keeps that only fills, or turns over, is no leak.

Each walk tells exactly what would be freed without a container. A leak that one container keeps makes that grow
from look to look, at its own pace ("track containers, not objects": G. Xu and A. Rountev, ICSE 2008). So where it came
to less and less, or is no more than at half of the earlier looks, what samples say of its entries' ages does not count: keys that
come back, a table cut to its best entries, and a window are as even to them as a leak.

Its bytes and its entries are judged as births are (:mod:`leakhunt.judge.births.ages`): so many came by each look, in as
many events as there are entries now. Both must fill: tables grow by jumps and entries weigh unevenly, so bytes alone may
seem to slow down; and entries alone may stand still where each of them grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from leakhunt.judge import codes
from leakhunt.judge.births.ages import WARM_UP as FILLS
from leakhunt.judge.births.ages import ages, counted
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.excuses.bounded import container, kept_by
from leakhunt.judge.excuses.order import calmed
from leakhunt.judge.history import TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.reasons import first_unit
from leakhunt.judge.series.shape import LEAK, TURNOVER, WARM_UP


class _Look(NamedTuple):
    """What one walk tells of a container."""

    unit: float
    """When, from the start of the process."""
    size: float
    """Bytes that would be freed without it."""
    entries: float


def without_what_fills(history: History, judged: Sequence[Growth]) -> list[Growth]:
    """The growths of several snapshots; a leak, or what may be one, of which one container keeps most is none where that
    only fills.
    """
    book = Book(history)
    return [
        _told(book, growth) if growth.shape.verdict == LEAK or growth.shape.open else growth
        for growth in judged
    ]


def _told(book: Book, growth: Growth) -> Growth:
    tied = sum(way.size for way in kept_by(book, growth))
    mark = container(book, growth) if tied >= LEVELS.excuses.tied * growth.sizes[-1] else None
    why = _ends(book, mark) if mark is not None else None
    if why is None:
        return growth
    figures = dict(why.figures)
    has_lost = figures.get("last", 0.0) < figures.get("before", 0.0)
    return calmed(growth).called(TURNOVER if has_lost else WARM_UP, why)


def _ends(book: Book, mark: int) -> Reason | None:
    """Why what a container keeps does not grow for good; None: it may, or too few looks tell."""
    history = book.history
    start = first_unit(history)
    looks = [
        _Look(start + unit, float(size), float(entries))
        for unit, size, entries in zip(
            history.times, history.freed.get(mark, ()), history.lengths.get(mark, ())
        )
        if size is not None and entries is not None
    ]
    if len(looks) < 2:
        return None
    last, before = looks[-1].size, median(look.size for look in looks[:-1])
    if len(looks) >= LEVELS.lives.snapshots and last <= before:
        return because(codes.HOLDS_NO_MORE, last=last, before=before)
    armed = _empty_at(book, mark, last)
    if armed is not None and armed < looks[0].unit:
        looks.insert(0, _Look(armed, 0.0, 0.0))
    if len(looks) <= LEVELS.lives.periods:
        return None
    units, sizes, entries = zip(*looks)
    if not (_fills(units, sizes, entries[-1]) and _fills(units, entries, entries[-1])):
        return None
    half = min(range(1, len(looks) - 1), key=lambda at: abs(2 * units[at] - units[0] - units[-1]))
    early, late = (
        (sizes[b] - sizes[a]) / (units[b] - units[a]) for a, b in ((0, half), (half, -1))
    )
    return because(codes.FILLS, early=early, late=late) if late < early else None


def _empty_at(book: Book, mark: int, size: float) -> float | None:
    """The unit at which nothing was there of what a container keeps; None: that is not known.

    When tracking began, where most of it was born since.
    """
    newest = book.history.newest
    if book.history.unit != TASK or newest is None or newest.calendar is None:
        return None
    whole = book.tied.get(mark, 0) >= LEVELS.worth.mostly * size
    return float(newest.calendar.edges[0]) if whole else None


def _fills(units: Sequence[float], sizes: Sequence[float], events: float) -> bool:
    """Whether what came by each look surely came to less and less, in so many events."""
    came = [max(0.0, after - before) for before, after in zip(sizes, sizes[1:])]
    whole = sum(came)
    if whole <= 0:
        return True
    judged = ages(counted(units, [events * each / whole for each in came], 1.0))
    return judged.kind == FILLS and judged.belief >= LEVELS.lives.refuted
