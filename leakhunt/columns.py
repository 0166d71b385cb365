"""Books two files by their columns: what is only added up never becomes a stack.

Works where a stack's row depends on its innermost frame alone, which is what reports show unless
they are filtered or blamed otherwise; compare does the rest, stack by stack.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, compress, count, repeat
from operator import add, not_, sub
from typing import Any

from leakhunt.filters import matcher
from leakhunt.frames import Prefixes
from leakhunt.model import Frame, Snapshot, Stack, Tallies
from leakhunt.query import Query


class Ledger:
    """One entry per row, at the same index of each list; a row's stack is made when it is shown."""

    def __init__(
        self,
        amounts: Sequence[Sequence[int]],
        frames: Sequence[Frame],
        stacks_of: Callable[[Sequence[int]], list[Stack]],
        dropped: list[int],
        dropped_sites: set[Any],
        by_stack: bool,
    ) -> None:
        self.amounts = amounts
        """Bytes and blocks before, bytes and blocks after."""
        self.dropped = dropped
        self.dropped_sites = dropped_sites
        self._frames = frames
        self._stacks_of = stacks_of
        self._by_stack = by_stack

    def frame(self, index: int) -> Frame:
        """The frame that a row stands for."""
        return self._frames[index]

    def order(self, index: int) -> tuple[object, ...]:
        """What tells rows of the same place apart."""
        return tuple(self._stacks_of([index])) if self._by_stack else ()

    def leads(self, indexes: Sequence[int]) -> list[tuple[Stack, int]]:
        """The stacks and depths of rows."""
        return [(stack, len(stack) - 1) for stack in self._stacks_of(indexes)]


def booked(
    before: Snapshot | None,
    after: Snapshot,
    query: Query,
    known: Prefixes,
    key_of: Callable[[Frame], object] | None,
) -> Ledger | None:
    """Every stack of the two, in its row or among what is dropped; None: not to be had this way."""
    old, new = before.tallies if before is not None else EMPTY, after.tallies
    if not isinstance(old, Tallies) or not isinstance(new, Tallies):
        return None
    if 0 in old.depths or 0 in new.depths or query.blame != "innermost":
        return None
    if query.filters and not query.innermost:
        return None
    drops = _dropping(query, known)
    if key_of is None:
        return _by_stack(old, new, drops)
    return _by_frame(old, new, drops, key_of)


EMPTY = Tallies([], (), (), (), ())


def _dropping(query: Query, known: Prefixes) -> Callable[[Frame], bool]:
    """Whether a stack that ends at a frame is left out."""
    wanted = matcher(query.filters, known) if query.filters else None
    unwanted = matcher(query.excludes, known) if query.excludes else None
    seen: dict[str, bool] = {}

    def look(file: str) -> bool:
        if not query.show_all and known.is_hidden(file):
            return True
        if unwanted is not None and unwanted(file):
            return True
        return wanted is not None and not wanted(file)

    def drops(frame: Frame) -> bool:
        if frame.file not in seen:
            seen[frame.file] = look(frame.file)
        return seen[frame.file]

    return drops


def _ends(tallies: Tallies) -> list[int]:
    """Where the steps of each stack end."""
    return list(accumulate(tallies.depths))


def _innermost(tallies: Tallies, ends: list[int]) -> list[int]:
    """The index of each stack's innermost frame."""
    return list(map(tallies.steps.__getitem__, map(sub, ends, repeat(1))))


def _stack(tallies: Tallies, ends: list[int], line: int) -> Stack:
    end = ends[line]
    steps = tallies.steps[end - tallies.depths[line] : end]
    return tuple(map(tallies.frames.__getitem__, steps))


# -- rows that are places -------------------------------------------------------------


def _by_frame(
    old: Tallies, new: Tallies, drops: Callable[[Frame], bool], key_of: Callable[[Frame], object]
) -> Ledger:
    row_of: dict[object, int] = {}
    frames: list[Frame] = []
    dropped_sites: set[object] = set()
    sides = []
    for tallies in (old, new):
        ends = _ends(tallies)
        last = _innermost(tallies, ends)
        rows_of_frames = [-1] * len(tallies.frames)
        for at in set(last):
            frame = tallies.frames[at]
            key = key_of(frame)
            if drops(frame):
                dropped_sites.add(key)
                continue
            row = rows_of_frames[at] = row_of.setdefault(key, len(frames))
            if row == len(frames):
                frames.append(frame)
        sides.append((tallies, ends, list(map(rows_of_frames.__getitem__, last))))
    sums = [column for tallies, _, rows in sides for column in _sums(tallies, rows, len(frames))]

    def stacks_of(indexes: Sequence[int]) -> list[Stack]:
        """Of each row the stack whose size changed most, of equal ones the last in order."""
        changes: dict[int, dict[Stack, int]] = {index: {} for index in indexes}
        for sign, (tallies, ends, rows) in zip((-1, 1), sides):
            for line in compress(count(), map(changes.__contains__, rows)):
                stack, sizes = _stack(tallies, ends, line), changes[rows[line]]
                sizes[stack] = sizes.get(stack, 0) + sign * tallies.sizes[line]
        return [
            max((abs(size), stack) for stack, size in changes[index].items())[1]
            for index in indexes
        ]

    return Ledger(
        amounts=list(zip(*(column[:-1] for column in sums))),
        frames=frames,
        stacks_of=stacks_of,
        dropped=[column[-1] for column in sums],
        dropped_sites=dropped_sites,
        by_stack=False,
    )


def _sums(tallies: Tallies, rows: list[int], number: int) -> tuple[list[int], list[int]]:
    """Bytes and blocks per row, what is dropped (row -1) last."""
    sizes, counts = [0] * (number + 1), [0] * (number + 1)
    for row, size, blocks in zip(rows, tallies.sizes, tallies.counts):
        sizes[row] += size
        counts[row] += blocks
    return sizes, counts


# -- rows that are stacks -------------------------------------------------------------


def _by_stack(old: Tallies, new: Tallies, drops: Callable[[Frame], bool]) -> Ledger | None:
    number_of: dict[Frame, int] = {frame: number for number, frame in enumerate(new.frames)}
    new_keys, new_ends = _keys(new, number_of)
    old_keys, old_ends = _keys(old, number_of)
    numbers_old = dict(zip(old_keys, zip(old.sizes, old.counts)))
    at = dict(zip(new_keys, range(len(new_keys))))
    if len(numbers_old) < len(old_keys) or len(at) < len(new_keys):
        return None  # a file wrote a traceback twice
    only_old = [line for line, key in enumerate(old_keys) if key not in at]
    keys = [*new_keys, *map(old_keys.__getitem__, only_old)]
    lines = [*range(len(new_keys)), *only_old]
    here = len(new_keys)
    nothing = repeat((0, 0))
    amounts: list[tuple[int, ...]] = list(
        map(add, map(numbers_old.get, keys, nothing), chain(zip(new.sizes, new.counts), nothing))
    )
    innermost = [new.frames[last] for last in _innermost(new, new_ends)]
    last_old = _innermost(old, old_ends)
    innermost += [old.frames[last_old[line]] for line in only_old]

    def stack(index: int) -> Stack:
        if index < here:
            return _stack(new, new_ends, lines[index])
        return _stack(old, old_ends, lines[index])

    hidden = {frame for frame in set(innermost) if drops(frame)}
    chosen: Sequence[int] = range(len(amounts))
    dropped, sites = [0, 0, 0, 0], set()
    if hidden:
        out = list(map(hidden.__contains__, innermost))
        gone = list(compress(amounts, out))
        dropped = [sum(numbers[position] for numbers in gone) for position in range(4)]
        sites = set(compress(range(len(amounts)), out))
        chosen = list(compress(range(len(amounts)), map(not_, out)))
        amounts = list(map(amounts.__getitem__, chosen))
        innermost = list(map(innermost.__getitem__, chosen))
    return Ledger(
        amounts=amounts,
        frames=innermost,
        stacks_of=lambda indexes: [stack(chosen[index]) for index in indexes],
        dropped=dropped,
        dropped_sites=sites,
        by_stack=True,
    )


def _keys(tallies: Tallies, number_of: dict[Frame, int]) -> tuple[list[bytes], list[int]]:
    """Each stack as bytes that are the same in both files, and where its steps end."""
    numbers = [number_of.setdefault(frame, len(number_of)) for frame in tallies.frames]
    steps: Iterable[int] = tallies.steps
    if numbers != list(range(len(numbers))):
        steps = map(numbers.__getitem__, steps)
    every = array("I", steps)
    raw, width = every.tobytes(), every.itemsize
    ends = _ends(tallies)
    stops = [end * width for end in ends]
    return list(map(raw.__getitem__, map(slice, chain((0,), stops), stops))), ends
