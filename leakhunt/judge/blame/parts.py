"""One leak, one finding: puts the parts of a leaked object graph together.

Parts are put together by where they are (:func:`leakhunt.judge.blame.caller.together`), by who holds
them, and, where no line of the application stands on the stack, by growing in step with
the line that keeps what the library allocated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from leakhunt.judge.blame.caller import together
from leakhunt.judge.excuses import bounded
from leakhunt.judge.excuses.framework import is_frameworks_own
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, Range, in_step, likeness
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.whose import Blame
from leakhunt.model.snapshot import Frame, Stack

#: A block of a deque in bytes, and its entries (``BLOCKLEN`` of ``Modules/_collectionsmodule.c``, and two links),
#: with and without the header of a debugging allocator.
DEQUE_BLOCKS, DEQUE_ITEMS = range(520, 537), 64


def merged(book: Book, growths: list[Growth]) -> list[Growth]:
    few = len(book.t)
    kept = [bounded.container(book, growth) for growth in growths]

    def alike(a: int, b: int) -> bool:
        if None not in (kept[a], kept[b]) and kept[a] != kept[b]:
            return False  # two leaks, however well they go in step
        by_chance = _by_chance(book, growths[a], growths[b])
        if by_chance is not None:
            return in_step(growths[a].sizes, growths[b].sizes, LEVELS.blames.in_step + by_chance)
        if _has_blocks(growths[a], few) and _has_blocks(growths[b], few):
            return in_step(growths[a].counts, growths[b].counts)
        return in_step(growths[a].sizes, growths[b].sizes, LEVELS.blames.in_step_tables)

    blames = [growth.blame for growth in growths]
    groups = together(
        blames,
        book.paths,
        alike,
        lambda index: _holds(book, growths[index]),
        lambda: _Company(growths, kept, few),
    )
    groups = _by_container(groups, kept)
    return [_combined(book, [growths[index] for index in group]) for group in groups]


class _Company:
    """Exact growths of a group: whether one more is ``alike`` to each, by the range in which their courses lie.

    Nothing is further from all of several numbers than from the least and the largest of them.
    """

    def __init__(self, growths: Sequence[Growth], kept: Sequence[int | None], few: int) -> None:
        self._growths, self._kept, self._few = growths, kept, few
        self._marks: set[int] = set()
        self._counts, self._tables, self._sizes = Range(), Range(), Range()
        self._is_exact = True

    def add(self, index: int) -> None:
        growth, mark = self._growths[index], self._kept[index]
        self._is_exact &= not isinstance(growth.series.errors, Estimates)
        if mark is not None:
            self._marks.add(mark)
        self._sizes.add(growth.sizes)
        if _has_blocks(growth, self._few):
            self._counts.add(growth.counts)
        else:
            self._tables.add(growth.sizes)

    def admits(self, index: int) -> bool:
        growth, mark = self._growths[index], self._kept[index]
        if not self._is_exact or isinstance(growth.series.errors, Estimates):
            return False
        if len(self._marks | ({mark} - {None})) > 1:
            return False
        tables = LEVELS.blames.in_step_tables
        if _has_blocks(growth, self._few):
            return self._counts.admits(growth.counts, LEVELS.blames.in_step) and (
                self._tables.admits(growth.sizes, tables)
            )
        return self._sizes.admits(growth.sizes, tables)


def _has_blocks(growth: Growth, few: int) -> bool:
    """Whether its blocks tell its course; a table alone grows in jumps."""
    return growth.counts[-1] - growth.counts[0] >= few


def _by_container(groups: Sequence[list[int]], kept: Sequence[int | None]) -> list[list[int]]:
    """Groups that one container keeps are one leak, whoever allocates what is in it: a freelist may have
    handed it on.
    """
    joined: list[list[int]] = []
    homes: dict[int, list[int]] = {}
    for group in groups:
        marks = {kept[index] for index in group}
        (mark,) = marks if len(marks) == 1 else (None,)
        if mark is not None and mark in homes:
            homes[mark] += group
            continue
        joined.append(list(group))
        if mark is not None:
            homes[mark] = joined[-1]
    return joined


def _by_chance(book: Book, one: Growth, other: Growth) -> float | None:
    """How far two growths in step may lie apart by chance; None where sizes are exact."""
    mine, its = one.series.errors, other.series.errors
    if isinstance(mine, Estimates) and isinstance(its, Estimates):
        return mine.apart(its)
    return None


def _combined(book: Book, parts: list[Growth], site: Frame | None = None) -> Growth:
    """One growth of several, blamed on the line that allocates most of it."""
    parts = sorted(parts, key=lambda part: (-part.shape.rate, part.blame.frame))
    if len(parts) == 1:
        return parts[0]
    frame = site or responsible(book, parts)
    stacks = tuple(dict.fromkeys(chain.from_iterable(part.blame.stacks for part in parts)))
    growth = book.of(Blame(frame, any(part.blame.ours for part in parts), stacks))
    judged = growth.shape
    if judged.verdict != LEAK:  # a part's table hides it: the parts are sure
        total = sum(part.shape.rate for part in parts)
        reach = sum((part.shape.high - part.shape.low) ** 2 for part in parts) ** 0.5 / 2
        judged = replace(
            parts[0].shape, rate=total, low=total - reach, high=total + reach,
            blocks_rate=sum(part.shape.blocks_rate for part in parts),
        )  # fmt: skip
    else:
        judged = replace(judged, p=min(judged.p, *(part.shape.p for part in parts)))
    others = dict.fromkeys(part.blame.frame for part in parts if part.blame.frame != frame)
    return replace(growth, shape=judged, parts=tuple(others))


def responsible(book: Book, parts: list[Growth]) -> Frame:
    """The line with most of the growth; where none has, the innermost line that calls all."""
    named = [part for part in parts if part.blame.frame.file[:1] != "<"]
    parts = [part for part in parts if part.blame.ours] or named or parts
    total = sum(part.shape.rate for part in parts)
    if parts[0].shape.rate >= LEVELS.blames.leads * total:
        return parts[0].blame.frame
    frames = [part.blame.frame for part in parts]
    stacks = [stack for part in parts for stack in part.blame.stacks]
    paths = [book.paths.app(stack) for stack in stacks]
    shared = [frame for frame in max(paths, key=len) if all(frame in path for path in paths)]
    inner = [frame for frame in shared if frame in frames]
    return inner[-1] if inner else parts[0].blame.frame


def _holds(book: Book, growth: Growth) -> bool:
    """Whether the line holds a table that grew with its items, and puts things into it."""
    if growth.blame.frame in book.paths.spots and not book.paths.keeps(growth.blame.frame):
        return False
    return _table(book, growth.blame.stacks, max(LEVELS.blames.entries, min(growth.counts[-1] - growth.counts[0], book.t[-1])))  # fmt: skip


def _table(book: Book, stacks: Iterable[Stack], items: float) -> bool:
    """Whether one block is now there that can hold so many items, and was not at first.

    A list takes 8 bytes an item, a dict and a set more; a deque takes
    a block of 528 bytes for 64 of them (``Modules/_collectionsmodule.c``).
    """
    for stack in stacks:
        before = {(size, count) for _, size, count in book.history.first_blocks.get(stack, ())}
        for _, size, count in book.history.last_blocks.get(stack, ()):
            if (size, count) in before:
                continue
            if count <= 2 and size >= max(LEVELS.blames.table, LEVELS.blames.per_entry * items):
                return True
            if size in DEQUE_BLOCKS and count >= items / (2 * DEQUE_ITEMS):
                return True
    return False


def adopted(book: Book, ours: list[Growth], rest: list[Growth]) -> list[Growth]:
    """Leaks, with those that no line of the application stands for given to the one that fits.

    A stack that nframe cuts ends in a library; what it allocates grows in step with
    the line of the application that keeps it.
    """
    own: list[Growth] = []
    free: list[Growth] = []
    given: dict[int, list[Growth]] = {}
    for growth in rest:
        if is_frameworks_own(book, growth):  # its tables fill in step with everything
            own.append(growth)
            continue
        fitting = _fitting(book, growth, ours)
        if fitting:
            best = max(fitting, key=lambda index: likeness(ours[index].counts, growth.counts))
            given.setdefault(best, []).append(growth)
        else:
            free.append(growth)
    joined = [
        _combined(book, [growth, *given[index]], growth.blame.frame) if index in given else growth
        for index, growth in enumerate(ours)
    ]
    holder = _holder(book, free) if free and not ours else None
    if holder is not None:
        blame = Blame(holder, True, tuple(book.owners[True, holder]))
        return [_combined(book, [*free, book.of(blame)], holder), *joined, *own]
    return [*joined, *_by_package(book, free), *own]


def _fitting(book: Book, growth: Growth, ours: list[Growth]) -> list[int]:
    """Which of the application's lines may keep what a library allocated."""
    near = []
    for index, other in enumerate(ours):
        apart = (LEVELS.blames.in_step_cut if _cut(book, growth) else LEVELS.blames.in_step) + (
            _by_chance(book, other, growth) or 0.0
        )
        if in_step(other.counts, growth.counts, apart) or in_step(other.sizes, growth.sizes, apart):
            near.append(index)
    if not _cut(book, growth):
        return near
    same = [index for index, other in enumerate(ours) if other.shape.axis == growth.shape.axis]
    return near or (same if len(same) == 1 and growth.shape.axis is not None else [])


def _cut(book: Book, growth: Growth) -> bool:
    return all(len(stack) >= book.history.nframe for stack in growth.blame.stacks)


def _holder(book: Book, free: list[Growth]) -> Frame | None:
    """The line of the application that most likely keeps what strangers leak.

    Its table grew meanwhile, or its blocks did, in step, if not surely enough alone.
    """
    largest = max(free, key=lambda growth: growth.shape.rate)
    items = largest.counts[-1] - largest.counts[0]
    tables = []
    for (is_ours, frame), stacks in book.owners.items():
        rise = book.rise(stacks)
        if not is_ours or rise < LEVELS.worth.floor:
            continue
        in_time = in_step(book.series(stacks).counts, largest.counts, LEVELS.blames.in_step_holder)
        if in_time or _table(book, stacks, min(items, book.t[-1]) / 4):
            tables.append((in_time, rise, frame))
    return max(tables)[2] if tables else None


def _by_package(book: Book, free: list[Growth]) -> list[Growth]:
    """One growth per package of the innermost frame, where they grow in step."""
    groups: list[list[Growth]] = []
    for growth in sorted(free, key=lambda growth: -growth.shape.rate):
        package = book.paths.package(growth.blame.frame.file)
        home = next(
            (
                group
                for group in groups
                if book.paths.package(group[0].blame.frame.file) == package
                and in_step(group[0].counts, growth.counts)
            ),
            None,
        )
        if home is None:
            groups.append([growth])
        else:
            home.append(growth)
    return [_combined(book, group, _named(group)) for group in groups]


def _named(group: list[Growth]) -> Frame:
    """The line with most of the growth, in a file rather than in generated code."""
    frames = [growth.blame.frame for growth in group]
    return next((frame for frame in frames if frame.file[:1] != "<"), frames[0])
