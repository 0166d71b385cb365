"""What a process has open, judged with the statistics of bytes: descriptors, sockets, threads, processes
that are left open once per task leak as memory does, and end a worker sooner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.exact import COUNTED
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.meta import Meta
from leakhunt.model.resources import Open, Resource
from leakhunt.snapshots import process


@dataclass(frozen=True)
class Change:
    """How many there were of a kind, and how many there are."""

    resource: Resource
    first: int
    last: Open

    @property
    def grown(self) -> int:
        return self.last.number - self.first


@dataclass(frozen=True)
class Rising:
    """A kind of which a process opens ever more."""

    change: Change
    numbers: tuple[int, ...]
    """How many at each snapshot."""
    rate: float
    """Per unit."""
    unit: str
    p: float


def changes(before: Meta, after: Meta) -> tuple[Change, ...]:
    """What there is more or less of, by a number worth a line, the largest change first; () where one of
    the two does not say.
    """
    first, last = process.resources(before), process.resources(after)
    if first is None or last is None:
        return ()
    changed = [
        Change(kind, _number(first, kind), last.get(kind, Open(0))) for kind in {**first, **last}
    ]
    told = [one for one in changed if abs(one.grown) >= LEVELS.resources.told]
    return tuple(sorted(told, key=lambda one: (-abs(one.grown), one.resource)))


def rising(history: History) -> tuple[Rising, ...]:
    """What leaks, the fastest first. It takes three snapshots that say what was open, and a growth that no
    accident explains: as with bytes (:mod:`leakhunt.judge.series.shape`), and of as many kinds as are looked at.
    """
    if history.lived or len(history.metas) < LEVELS.resources.snapshots:
        return ()
    told = [process.resources(read) for read in history.metas]
    read = [each for each in told if each is not None]
    if len(read) < len(told):
        return ()
    kinds = [
        kind
        for kind in sorted({kind for each in read for kind in each})
        if _number(read[-1], kind) - _number(read[0], kind) >= LEVELS.resources.least
    ]
    judged = []
    for kind in kinds:
        numbers = [_number(each, kind) for each in read]
        sizes = list(map(float, numbers))
        course = shape.judge(Series(history.times, sizes, sizes, COUNTED))
        if course.verdict == LEAK and course.p <= LEVELS.chances.leak:
            judged.append((kind, numbers, course))
    sure = stats.false_discovery(
        [course.p for _, _, course in judged], LEVELS.chances.false_discoveries
    )
    risen = [
        Rising(
            Change(kind, numbers[0], read[-1].get(kind, Open(0))),
            tuple(numbers),
            course.rate,
            history.unit,
            course.p,
        )
        for keep, (kind, numbers, course) in zip(sure, judged)
        if keep
    ]
    return tuple(sorted(risen, key=lambda one: (-one.rate, one.change.resource)))


def unsure(history: History) -> tuple[Change, ...]:
    """What rises to the end, by as many as what leaks, and too seldom or too evenly to be no accident: each rise of
    a process that counts no tasks is one event, however many it opens at once.
    """
    told = [process.resources(read) for read in history.metas]
    read = [each for each in told if each is not None]
    if history.lived or len(read) < max(2, len(told)):
        return ()
    return tuple(
        Change(kind, _number(read[0], kind), read[-1].get(kind, Open(0)))
        for kind in sorted({kind for each in read for kind in each})
        if _rises([_number(each, kind) for each in read], history)
    )


def _rises(numbers: Sequence[int], history: History) -> bool:
    """Whether they may well go on to rise."""
    if numbers[-1] - numbers[0] < LEVELS.resources.least or numbers[-1] <= max(numbers[:-1]):
        return False
    sizes = list(map(float, numbers))
    if len(sizes) < LEVELS.resources.snapshots:
        return True
    course = shape.judge(Series(history.times, sizes, sizes, COUNTED))
    return course.verdict == LEAK or course.open


def undecided(histories: Sequence[History], sure: Sequence[Rising]) -> tuple[Change, ...]:
    """Of several processes, beside what surely rises: each kind once, where it has risen most; the most first."""
    most: dict[Resource, Change] = {}
    certain = {one.change.resource for one in sure}
    for one in (one for history in histories for one in unsure(history)):
        kind = one.resource
        if kind not in certain and (kind not in most or one.grown > most[kind].grown):
            most[kind] = one
    return tuple(sorted(most.values(), key=lambda one: (-one.grown, one.resource)))


def _number(open_now: Mapping[Resource, Open], kind: Resource) -> int:
    return open_now[kind].number if kind in open_now else 0


def fastest(histories: Sequence[History]) -> tuple[Rising, ...]:
    """Of several processes: each kind once, where it rises fastest."""
    best: dict[Resource, Rising] = {}
    for history in histories:
        for one in rising(history):
            kind = one.change.resource
            if kind not in best or one.rate > best[kind].rate:
                best[kind] = one
    return tuple(sorted(best.values(), key=lambda one: (-one.rate, one.change.resource)))
