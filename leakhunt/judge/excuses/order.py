"""What grows and is no leak all the same: the framework's, CPython's and the collector's doing.

Every object that a program keeps is held by something that grows as well. So blocks of one small
size that grow alone are in a free list of CPython's. Objects in unreachable cycles, counted
in the process itself when the snapshot was taken, wait for the next full collection. And
Celery's own tables fill up to their bounds.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import Any

from leakhunt.judge import codes
from leakhunt.judge.codes import because
from leakhunt.judge.history import TASK, History
from leakhunt.judge.owners import Book, Growth, in_step
from leakhunt.judge.series.shape import NOISE, SAWTOOTH, WARM_UP
from leakhunt.model.paths import STDLIB
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.snapshots import facts
from leakhunt.snapshots.objects import summed

#: Celery's own bounded tables: they fill until about task 1,700 and take about 280 KiB in all
#: (1,000 task ids among them: ``celery/worker/state.py``, ``celery/utils/collections.py``).
FRAMEWORK_TASKS = 3000
FRAMEWORK_BYTES = 320 << 10
FRAMEWORK_PER_TASK = 320.0
FRAMEWORK = because(codes.FRAMEWORK_TABLES)

#: A free list keeps at most so many tuples of one size (``Objects/tupleobject.c``,
#: PyTuple_MAXFREELIST); its blocks stay booked to whoever made them first.
FREE_LIST = 2000
#: Sizes in bytes of the objects that CPython keeps in free lists: float to tuple of 20, whole words.
FREE_LIST_SIZES = range(24, 209, 8)
#: A dict's first table of keys, by version (``PyDictKeysObject`` with 8 slots).
KEYS_SIZES = range(96, 201, 8)
#: Objects of a type that free lists do not serve, as a part of what is alive, that rule them out.
OTHERS = 0.5

#: A growth of which so many objects are unreachable is the collector's business.
GARBAGE = 0.5

IN_FREE_LIST, HANDED_ON, WAITING = "in a free list", "handed on", "waiting"
OVERRATED = "overrated"
#: Standard errors by which an estimate must exceed what the allocators say.
BEYOND = 2.0


def fates(book: Book, growths: list[Growth]) -> list[str | None]:
    """For each leak-like growth: why it is none, or None where it is a leak.

    Overrated is an estimate that the allocators' own figures rule out. A sampled block has an
    address of its own, and what is looked up by address may keep it when it would let others go.

    Handed on is a dict's table of keys that a free list passed from the line that made it first to
    the line that leaks the dict (``Objects/dictobject.c``): it is leaked, under another line's name.
    """
    waiting = _waiting(book.history)
    firm = [growth for growth in growths if small_blocks(book, growth) is None]
    found = [_fate(book, growth, firm, waiting) for growth in growths]
    idle = [growth for growth, fate in zip(growths, found) if fate == WAITING]
    return [
        WAITING if fate is None and _waits_with(growth, idle) else fate
        for growth, fate in zip(growths, found)
    ]


def excused(book: Book, growth: Growth, fate: str) -> Growth:
    """The growth, no longer called a leak, with the reason."""
    if fate == WAITING:
        return growth.called(SAWTOOTH, because(codes.UNCOLLECTED))
    if fate == OVERRATED:
        return calmed(growth).called(
            NOISE, because(codes.OVERRATED, handed_out=_handed_out(book.history) or 0)
        )
    return growth.called(
        WARM_UP, because(codes.FREE_LIST, size=small_blocks(book, growth), most=FREE_LIST)
    )


def calmed(growth: Growth) -> Growth:
    """The growth, for which no more snapshots are wanted."""
    return replace(growth, shape=replace(growth.shape, open=False))


def is_frameworks_own(book: Book, growth: Growth) -> bool:
    """Whether the framework's bounded tables may still be filling, and explain the growth."""
    done = book.history.last.tasks_done
    if growth.blame.ours or done is None or done > FRAMEWORK_TASKS:
        return False
    if growth.grown > FRAMEWORK_BYTES:
        return False
    cut = book.history.nframe <= 2  # who called the standard library is not to be seen
    known = any(map(book.paths.is_framework, growth.blame.stacks)) or (
        cut and book.paths.kind(growth.blame.frame.file) == STDLIB
    )
    return known and (book.history.unit != TASK or growth.shape.rate <= FRAMEWORK_PER_TASK)


def small_blocks(book: Book, growth: Growth) -> int | None:
    """The size of the small blocks that a growth is made of, where it is of one size."""
    grown = {
        size: count for size, count in book.grown_blocks(growth.blame.stacks).items() if count > 0
    }
    if not grown:
        return None
    size = max(grown, key=lambda size: size * grown[size])
    total = sum(size * count for size, count in grown.items())
    if size not in FREE_LIST_SIZES or size * grown[size] < 0.95 * total:
        return None
    return None if _of_other_types(book.history, growth) else size


def _of_other_types(history: History, growth: Growth) -> bool:
    """Whether the snapshot names the types of most of it, and they are none that free lists serve."""
    alive = {stack: history.tracks[stack].sizes[-1] for stack in growth.blame.stacks}
    held = summed(history.types, history.recycled, alive)
    if held is None or held.recycled:
        return False
    return sum(size for _, size in held.types) > OTHERS * held.size


def _fate(book: Book, growth: Growth, firm: list[Growth], waiting: dict[Stack, int]) -> str | None:
    if _only_waits(book, growth, waiting):
        return WAITING
    if overrated(book, growth):
        return OVERRATED
    size = small_blocks(book, growth)
    if size is None:
        return None
    partners = [other for other in firm if in_step(other.counts, growth.counts)]
    if not partners:
        return IN_FREE_LIST if growth.counts[-1] - growth.counts[0] <= FREE_LIST else None
    function = book.paths.function(growth.blame.frame)
    apart = all(book.paths.function(other.blame.frame) != function for other in partners)
    return HANDED_ON if size in KEYS_SIZES and apart else None


def _only_waits(book: Book, growth: Growth, waiting: dict[Stack, int]) -> bool:
    """Whether what grew is unreachable, and the collector is on: the next full collection frees it.

    An object may have several blocks, of different sizes: garbage is compared with the
    blocks of the size that grew most often.
    """
    stacks = [stack for stack in growth.blame.stacks if waiting.get(stack)]
    more = sum(waiting[stack] for stack in stacks)
    objects = sum(
        max(book.grown_blocks([stack]).values(), default=0) for stack in growth.blame.stacks
    )
    return more > 0 and more >= GARBAGE * objects


def overrated(book: Book, growth: Growth) -> bool:
    """Whether a sampled growth is surely more than all that malloc and pymalloc handed out meanwhile."""
    handed_out = _handed_out(book.history)
    if not book.history.is_sampled or handed_out is None:
        return False
    return bool(growth.grown - BEYOND * growth.series.errors.change**0.5 > handed_out)


def _handed_out(history: History) -> int | None:
    """Bytes by which malloc's and pymalloc's used memory rose at most from a snapshot to a later one.

    None where that is not known. What else lives for a while may make the last figure small.
    """
    used = [facts.figure(known, facts.USED) for known in history.metas]
    known = [each for each in used if each is not None]
    if len(known) < len(used):
        return None
    return max(after - before for after, before in zip(known, accumulate(known, min)))


def _waits_with(growth: Growth, idle: list[Growth]) -> bool:
    """Whether a library's growth goes in step with garbage, as the rest of the same graph does."""
    return not growth.blame.ours and any(
        in_step(other.counts, growth.counts) for other in idle if not other.blame.ours
    )


def _waiting(history: History) -> dict[Stack, int]:
    """By how many the objects that wait for the collector grew, by the stack that made them."""
    collector = history.last.facts.get("gc")
    if isinstance(collector, dict) and collector.get("enabled") is False:
        return {}  # nobody will collect them
    more: dict[Stack, int] = {}
    for known, sign in ((history.last, 1), (history.first, -1)):
        garbage = known.facts.get("garbage")
        stacks = garbage.get("stacks") if isinstance(garbage, dict) else None
        for entry in stacks if isinstance(stacks, list) else ():
            stack, number = _traceback(entry)
            more[stack] = more.get(stack, 0) + sign * number
    return more


def _traceback(entry: Any) -> tuple[Stack, int]:
    """A stack, most recent call last, with its number; an empty one for what is none."""
    try:
        frames, number = entry
        stack = tuple(Frame(str(file), int(line)) for file, line in reversed(frames))
        return stack, int(number)
    except (TypeError, ValueError):
        return (), 0
