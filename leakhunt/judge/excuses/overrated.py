"""An estimate that the allocators' own figures rule out.

A sampled block has an address of its own, and what is looked up by address may keep it when it would
let others go.
"""

from __future__ import annotations

from itertools import accumulate

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth
from leakhunt.snapshots import facts


def overrated(book: Book, growth: Growth) -> bool:
    """Whether a sampled growth is surely more than all that malloc and pymalloc handed out meanwhile."""
    most = handed_out(book.history)
    if not book.history.is_sampled or most is None:
        return False
    return bool(growth.grown - LEVELS.excuses.overrated * growth.series.errors.change**0.5 > most)


def handed_out(history: History) -> int | None:
    """Bytes by which malloc's and pymalloc's used memory rose at most from a snapshot to a later one.

    None where that is not known. What else lives for a while may make the last figure small.
    """
    used = [facts.figure(told, facts.USED) for told in history.metas]
    told = [each for each in used if each is not None]
    if len(told) < len(used):
        return None
    return max(after - before for after, before in zip(told, accumulate(told, min)))
