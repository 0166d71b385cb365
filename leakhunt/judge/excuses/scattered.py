"""A leak piles up somewhere; what a hundred holders keep a little of is no pile.

Blocks that a freelist hands on end up wherever anybody keeps a dict, a tuple or a float: in tables of
the framework, caches of libraries, the work at hand. The line that first asked for them leaks nothing, if their
births are ever so even. Who holds what is told by the walk of the capture's child. An object graph that leaks
hangs from one place, whatever containers it has below that.
"""

from __future__ import annotations

from collections import Counter

from leakhunt.judge.excuses.bounded import kept_by
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.model.retention import Retention


def is_scattered(book: Book, growth: Growth) -> bool:
    """Whether the holders of most of it are known, and none of these places holds a good part."""
    ways = kept_by(book, growth)
    held = sum(way.size for way in ways)
    if held < LEVELS.excuses.tied * growth.sizes[-1] or growth.sizes[-1] <= 0:
        return False
    places: Counter[object] = Counter()
    for way in ways:
        places[_place(way)] += way.size
    return max(places.values(), default=0) < LEVELS.excuses.scattered * held


def _place(way: Retention) -> object:
    """Where it hangs: a name in a module, in a class, in a call; None: from what has no name."""
    return tuple((step.kind, step.name) for step in way.path[:2]) or None
