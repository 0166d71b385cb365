"""Objects in unreachable cycles wait for the next full collection.

They are counted in the process itself when the snapshot is taken.
"""

from __future__ import annotations

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, in_step
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.snapshot import Stack
from leakhunt.snapshots import garbage


def waiting(history: History) -> dict[Stack, int]:
    """By how many the objects that wait for the collector grew, by the stack that made them."""
    if not garbage.is_collected(history.last):
        return {}  # nobody will collect them
    more = garbage.waiting(history.last)
    for stack, number in garbage.waiting(history.first).items():
        more[stack] = more.get(stack, 0) - number
    return more


def only_waits(book: Book, growth: Growth, waiting: dict[Stack, int]) -> bool:
    """Whether what grew is unreachable, and the collector is on: the next full collection frees it.

    Where births tell what waits, a leak has been judged without it. Else an object may have several blocks, of
    different sizes: garbage is compared with the blocks of the size that grew most often.
    """
    told = (book.history.dead.get(stack) for stack in growth.blame.stacks)
    if any(each is not None and each.waiting[-1] > 0 for each in told):
        return growth.shape.verdict != LEAK and book.waits(growth.blame.stacks)
    stacks = [stack for stack in growth.blame.stacks if waiting.get(stack)]
    more = sum(waiting[stack] for stack in stacks)
    objects = sum(
        max(book.grown_blocks([stack]).values(), default=0) for stack in growth.blame.stacks
    )
    return more > 0 and more >= LEVELS.excuses.garbage * objects


def waits_with(growth: Growth, idle: list[Growth]) -> bool:
    """Whether a library's growth goes in step with garbage, as the rest of the same graph does."""
    return not growth.blame.ours and any(
        in_step(other.counts, growth.counts) for other in idle if not other.blame.ours
    )
