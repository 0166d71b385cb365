"""What is kept in a container with a bound cannot grow for good: it fills, then it turns over.

Who keeps what is told by the walk of the capture's child (:mod:`leakhunt.model.retention`). Only a bound
that the container itself enforces counts: ``deque(maxlen=)``, ``lru_cache(maxsize=)``. That the length of
another container stands still says nothing: its entries may grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from leakhunt.judge import codes
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.containers import emptied, ends, is_known, is_one
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Stack


def kept_by(book: Book, growth: Growth) -> tuple[Retention, ...]:
    """How the newest snapshot holds the growth's objects, the most first; (): it does not say."""
    return _ways(book, growth.blame.stacks)


def _ways(book: Book, stacks: Iterable[Stack]) -> tuple[Retention, ...]:
    snapshot = book.history.newest
    if snapshot is None:
        return ()
    ways = [way for stack in stacks for way in snapshot.told(stack).retention]
    return tuple(sorted(ways, key=lambda way: -way.size))


def holds(book: Book, stack: Stack) -> bool:
    """Whether containers with a bound hold most of what is tied of a stack."""
    snapshot = book.history.newest
    return snapshot is not None and bool(_ended(book, snapshot.told(stack).retention))


def told(book: Book, stacks: Iterable[Stack], turns_over: bool) -> tuple[int, int]:
    """Bytes of some stacks of which the newest snapshot knows who holds them, and those of them that a bound ends.

    ``turns_over``: these stacks give back what they take. Then so does what lies deeper in the entries of a full
    container: they are replaced. Of stacks that only take, entries that grow where they are may lie there as well.
    """
    ways = _ways(book, stacks)
    ended = (
        way.size
        for way in ways
        if ends(way.path, way.bound) or (turns_over and is_below_a_full_one(way))
    )
    return sum(way.size for way in ways), sum(ended)


def is_below_a_full_one(way: Retention) -> bool:
    """Whether a single container with a bound stands on the way, and has as many entries as it can have."""
    return any(
        step.bound is not None
        and step.length is not None
        and step.length >= step.bound
        and not is_known(before, step)
        for before, step in zip(way.path, way.path[1:])
    )


def _ended(book: Book, ways: Sequence[Retention]) -> list[Retention]:
    """Those that a bound ends, where they are most of what is tied; else none."""
    ended = [way for way in ways if ends(way.path, way.bound)]
    most = LEVELS.excuses.bounded * sum(way.size for way in ways)
    return ended if sum(way.size * _own(book, way) for way in ended) >= most > 0 else []


def _own(book: Book, way: Retention) -> float:
    """The part of what hangs from a container with a bound that nothing else keeps: the rest stays when it is dropped.

    A pattern that ``re`` has in its cache may be in the filters of ``warnings`` as well. 1: it is not known, or more
    than this one container belongs to the cache.
    """
    tied = book.tied.get(way.mark, 0)
    if way.retained is None or tied <= 0 or not is_one(way.path, way.container_type):
        return 1.0
    return min(1.0, way.retained / tied)


def is_below_a_bound(way: Retention) -> bool:
    """Whether a container with a bound keeps it, or stands on the way to what does."""
    return ends(way.path, way.bound) or any(
        step.bound is not None and step.length is not None and not is_known(before, step)
        for before, step in zip(way.path, way.path[1:])
    )


def container(book: Book, growth: Growth) -> int | None:
    """The mark of the container that holds most of what is tied of the growth; None: there is none.

    What turns over below a container with a bound is not counted, where there is anything else.
    """
    return container_of(book, growth.blame.stacks)


def container_of(book: Book, stacks: Iterable[Stack]) -> int | None:
    """The same of some stacks."""
    every = _ways(book, stacks)
    sizes: dict[int, int] = {}
    ways = [way for way in every if not is_below_a_bound(way)] or every
    for way in ways:
        sizes[way.mark] = sizes.get(way.mark, 0) + way.size
    total = sum(sizes.values())
    return next(
        (
            mark
            for mark, size in sizes.items()
            if mark and size >= LEVELS.excuses.bounded * total > 0
        ),
        None,
    )


class Below(NamedTuple):
    """Most of a growth is kept in several containers, each with the same bound."""

    bound: int
    """Entries that each can have at most."""
    grows: bool | None
    """Whether there are more and more of them; None: one snapshot does not say."""


def below(book: Book, growth: Growth) -> Below | None:
    """What is kept in containers with a bound each grows for good by their number only: None where it does not
    lie there, most of it.

    How many there are is what the container that keeps them has of entries: a window of the last readings per
    sensor is full once, and ends; one per request does not.
    """
    ways = kept_by(book, growth)
    each = [(way, entries) for way in ways if (entries := _each(way)) is not None]
    if not each or sum(way.size for way, _ in each) < LEVELS.excuses.bounded * sum(
        way.size for way in ways
    ):
        return None
    largest, entries = max(each, key=lambda one: one[0].size)
    ends_of = book.history.ends_of(largest.mark)
    return Below(entries, None if ends_of is None else ends_of[1] > ends_of[0])


def _each(way: Retention) -> int | None:
    """The bound that each of several containers has through which objects are held; None: there are none."""
    pairs = zip(way.path, way.path[1:-1])
    return next(
        (
            step.bound
            for before, step in pairs
            if step.bound is not None and step.length is None and not is_known(before, step)
        ),
        None,
    )


def bound(book: Book, growth: Growth) -> Reason | None:
    """The bound that ends the growth, with how full the container is; None: there is none."""
    ended = _ended(book, kept_by(book, growth))
    if not ended:
        return None
    for way in ended:
        entries = emptied(way.path) if way.bound is None else way.bound
        if entries is not None:
            return because(codes.BOUNDED, length=way.length, bound=entries)
    return because(codes.FRAMEWORK_TABLES)
