"""Containers weighed in several snapshots: what one keeps that only fills, or turns over, is no leak.

Each walk tells exactly what would be freed without a container. A leak that one container keeps makes that grow
from look to look, at its own pace ("track containers, not objects": G. Xu and A. Rountev, ICSE 2008). So where it came
to less and less, or is no more than at earlier looks, what samples say of its entries' ages does not count: keys that
come back, a table cut to its best entries, and a window are as even to them as a leak.

Its bytes are judged as births are (:mod:`leakhunt.judge.births.ages`): so many came by each look, in as many events as
there are entries now. That lists and dicts grow by jumps, and entries weigh unevenly, makes a look lie off by an eighth at
most, and no other kind of life likelier than twenty to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from leakhunt.judge import codes
from leakhunt.judge.births.ages import WARM_UP as FILLS
from leakhunt.judge.births.ages import ages, counted
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.excuses.bounded import container
from leakhunt.judge.excuses.order import calmed
from leakhunt.judge.history import TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.reasons import first_unit
from leakhunt.judge.series.shape import LEAK, TURNOVER, WARM_UP


def without_what_fills(history: History, judged: Sequence[Growth]) -> list[Growth]:
    """The growths of several snapshots; a leak of which one container keeps most is none where that only fills."""
    book = Book(history)
    return [
        _told(book, growth) if growth.shape.verdict == LEAK else growth for growth in judged
    ]


def _told(book: Book, growth: Growth) -> Growth:
    mark = container(book, growth)
    why = _ends(book.history, mark) if mark is not None else None
    if why is None:
        return growth
    kind = WARM_UP if why.code == codes.FILLS else TURNOVER
    return calmed(growth).called(kind, why)


def _ends(history: History, mark: int) -> Reason | None:
    """Why what a container keeps does not grow for good; None: it may, or too few looks tell."""
    start = first_unit(history)
    looks = [
        (start + unit, float(size))
        for unit, size in zip(history.times, history.freed.get(mark, ()))
        if size is not None
    ]
    if len(looks) < 2:
        return None
    last, before = looks[-1][1], median(size for _, size in looks[:-1])
    if len(looks) >= LEVELS.lives.snapshots and last <= before:
        return because(codes.HOLDS_NO_MORE, last=last, before=before)
    if history.unit == TASK and _was_empty(history, mark, last):
        calendar = history.newest.calendar if history.newest is not None else None
        assert calendar is not None
        if calendar.edges[0] < looks[0][0]:
            looks.insert(0, (float(calendar.edges[0]), 0.0))
    entries = next((each for each in reversed(history.lengths.get(mark, ())) if each), 0)
    return _fills(looks, entries) if len(looks) > LEVELS.lives.periods else None


def _was_empty(history: History, mark: int, size: float) -> bool:
    """Whether all that a container keeps now was born since tracking began: what was there before is no sample."""
    newest = history.newest
    if newest is None or newest.calendar is None:
        return False
    tied = sum(
        way.size for told in newest.facts.values() for way in told.retention if way.mark == mark
    )
    return tied >= LEVELS.worth.mostly * size


def _fills(looks: Sequence[tuple[float, float]], entries: int) -> Reason | None:
    units, sizes = zip(*looks)
    came = [max(0.0, after - before) for before, after in zip(sizes, sizes[1:])]
    whole = sum(came)
    if whole <= 0:
        return None
    births = counted(units, [entries * each / whole for each in came], 1.0)
    judged = ages(births)
    if judged.kind != FILLS or judged.belief < LEVELS.lives.refuted:
        return None
    paces = [each / (b - a) for each, a, b in zip(came, units, units[1:])]
    return because(codes.FILLS, early=paces[0], late=paces[-1])
