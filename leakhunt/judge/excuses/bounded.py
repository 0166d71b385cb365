"""What is kept in a container with a bound cannot grow for good: it fills, then it turns over.

Who keeps what is told by the walk of the capture's child (:mod:`leakhunt.model.retention`). Only a bound
that the container itself enforces counts: ``deque(maxlen=)``, ``lru_cache(maxsize=)``. That the length of
another container stands still says nothing: its entries may grow.
"""

from __future__ import annotations

from leakhunt.judge import codes
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.owners import Book, Growth
from leakhunt.model.retention import Retention

#: So much of what is tied of a growth must be held alike.
MOST = 0.6


def kept_by(book: Book, growth: Growth) -> tuple[Retention, ...]:
    """How the newest snapshot holds the growth's objects, the most first; (): it does not say."""
    snapshot = book.history.newest
    if snapshot is None:
        return ()
    ways = [way for stack in growth.blame.stacks for way in snapshot.told(stack).retention]
    return tuple(sorted(ways, key=lambda way: -way.size))


def bound(book: Book, growth: Growth) -> Reason | None:
    """The bound that ends the growth, with how full the container is; None: there is none."""
    ways = kept_by(book, growth)
    total = sum(way.size for way in ways)
    bounded = [way for way in ways if way.bound is not None]
    if total <= 0 or sum(way.size for way in bounded) < MOST * total:
        return None
    first = bounded[0]
    return because(codes.BOUNDED, length=first.length, bound=first.bound)
