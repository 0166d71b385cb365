"""Blocks of one small size that grow alone lie in a free list of CPython's.

Every object that a program keeps is held by something that grows as well.
"""

from __future__ import annotations

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, in_step
from leakhunt.model.snapshot import Stack
from leakhunt.snapshots.objects import summed

#: A free list keeps at most so many tuples of one size (``Objects/tupleobject.c``,
#: PyTuple_MAXFREELIST); its blocks stay booked to whoever made them first.
FREE_LIST = 2000
#: Sizes in bytes of the objects that CPython keeps in free lists: float to tuple of 20, whole words.
FREE_LIST_SIZES = range(24, 209, 8)
#: A dict's first table of keys, by version (``PyDictKeysObject`` with 8 slots).
KEYS_SIZES = range(96, 201, 8)

IN_FREE_LIST, HANDED_ON = "in a free list", "handed on"


def small_blocks(book: Book, growth: Growth) -> int | None:
    """The size of the small blocks that a growth is made of, where it is of one size."""
    grown = {
        size: count for size, count in book.grown_blocks(growth.blame.stacks).items() if count > 0
    }
    if not grown:
        return None
    size = max(grown, key=lambda size: size * grown[size])
    total = sum(size * count for size, count in grown.items())
    if size not in FREE_LIST_SIZES or size * grown[size] < LEVELS.excuses.one_size * total:
        return None
    return None if _of_other_types(book.history, growth) else size


def holds(book: Book, stack: Stack) -> bool:
    """Whether most of a stack may lie in a free list: of one small size, no more than fit, and no objects.

    The walk of a capture names the type of what it reaches. A block of which no type is known, where those of
    others are, is held by nothing that Python sees.
    """
    history = book.history
    blocks = history.last_blocks.get(stack, ())
    size = max((block.size for block in blocks), default=0)
    is_small = size in FREE_LIST_SIZES and all(block.size == size for block in blocks)
    if not is_small or not history.types or _are_empty(history):
        return False
    return (
        sum(block.count for block in blocks) <= FREE_LIST
        and sum(history.types.get(stack, {}).values())
        <= LEVELS.excuses.others * history.tracks[stack].sizes[-1]
    )


def _are_empty(history: History) -> bool:
    """Whether a full collection came before every snapshot, as a check's looks have it: that empties the
    free lists (``Modules/gcmodule.c``, clear_freelists).
    """
    return all(snapshot.facts.get("collected") is True for snapshot in history.metas)


def _of_other_types(history: History, growth: Growth) -> bool:
    """Whether the snapshot names the types of most of it, and they are none that free lists serve."""
    alive = {stack: history.tracks[stack].sizes[-1] for stack in growth.blame.stacks}
    held = summed(history.types, history.recycled, alive)
    if held is None or held.recycled:
        return False
    return sum(size for _, size in held.types) > LEVELS.excuses.others * held.size


def kept(book: Book, growth: Growth, firm: list[Growth]) -> str | None:
    """IN_FREE_LIST, HANDED_ON or None, beside leaks that are not of one small size.

    Handed on is a dict's table of keys that a free list passed from the line that made it first to
    the line that leaks the dict (``Objects/dictobject.c``): it is leaked, under another line's name.
    """
    size = small_blocks(book, growth)
    if size is None:
        return None
    partners = [other for other in firm if in_step(other.counts, growth.counts)]
    if not partners:
        few = growth.counts[-1] - growth.counts[0] <= FREE_LIST
        return IN_FREE_LIST if few and not _are_empty(book.history) else None
    function = book.paths.function(growth.blame.frame)
    apart = all(book.paths.function(other.blame.frame) != function for other in partners)
    return HANDED_ON if size in KEYS_SIZES and apart else None
