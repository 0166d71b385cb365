"""Books two files by their columns: what is only added up never becomes a stack.

Works where a stack's row depends on its innermost frame alone, which is what reports show unless
they are filtered or blamed otherwise; :mod:`leakhunt.sites.sums` does the rest, stack by stack.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, compress, count, repeat
from operator import not_, sub
from typing import Any

from leakhunt.model.paths import Prefixes
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame, Snapshot, Stack, Tallies
from leakhunt.snapfile import native
from leakhunt.snapshots.filters import matcher


class RowSums:
    """One entry per row, at the same index of each list; a row's stack is made when it is shown."""

    def __init__(
        self,
        amounts: Sequence[Sequence[int]],
        frame_of: Callable[[int], Frame],
        stacks_of: Callable[[Sequence[int]], list[Stack]],
        dropped: list[int],
        dropped_sites: set[Any],
        by_stack: bool,
    ) -> None:
        self.amounts = amounts
        """Four columns: bytes before, blocks before, bytes after, blocks after."""
        self.dropped = dropped
        self.dropped_sites = dropped_sites
        self._frame_of = frame_of
        self._stacks_of = stacks_of
        self._by_stack = by_stack

    def frame(self, index: int) -> Frame:
        """The frame that a row stands for."""
        return self._frame_of(index)

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
    roots: Prefixes,
    key_of: Callable[[Frame], object] | None,
) -> RowSums | None:
    """Every stack of the two, in its row or among what is dropped; None: not to be had this way."""
    old, new = before.tallies if before is not None else EMPTY, after.tallies
    if not isinstance(old, Tallies) or not isinstance(new, Tallies):
        return None
    if 0 in old.depths or 0 in new.depths or query.blame != "innermost":
        return None
    if query.filters and not query.innermost:
        return None
    drops = _dropping(query, roots)
    if key_of is None:
        return _by_stack(old, new, drops)
    return _by_frame(old, new, drops, key_of)


EMPTY = Tallies([], (), (), (), ())


def _dropping(query: Query, roots: Prefixes) -> Callable[[Frame], bool]:
    """Whether a stack that ends at a frame is left out."""
    wanted = matcher(query.filters, roots) if query.filters else None
    unwanted = matcher(query.excludes, roots) if query.excludes else None
    seen: dict[str, bool] = {}

    def look(file: str) -> bool:
        if not query.show_all and roots.is_hidden(file):
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
) -> RowSums:
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

    return RowSums(
        amounts=[column[:-1] for column in sums],
        frame_of=frames.__getitem__,
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


def _by_stack(old: Tallies, new: Tallies, drops: Callable[[Frame], bool]) -> RowSums | None:
    pairs = _paired(old, new)
    if pairs is None:
        return None  # a file wrote a traceback twice
    partners, alone = pairs
    here, nothing = len(partners), [0] * len(alone)
    amounts: list[list[int]] = [
        *(
            [*map([*column, 0].__getitem__, partners), *map(column.__getitem__, alone)]
            for column in (old.sizes, old.counts)
        ),
        *([*column, *nothing] for column in (new.sizes, new.counts)),
    ]
    new_ends, old_ends = _ends(new), _ends(old)
    last_new, last_old = _innermost(new, new_ends), _innermost(old, old_ends)

    def stack(row: int) -> Stack:
        if row < here:
            return _stack(new, new_ends, row)
        return _stack(old, old_ends, alone[row - here])

    def frame(row: int) -> Frame:
        if row < here:
            return new.frames[last_new[row]]
        return old.frames[last_old[alone[row - here]]]

    out = [
        *_dropped(new, last_new, drops),
        *_dropped(old, list(map(last_old.__getitem__, alone)), drops),
    ]
    chosen: Sequence[int] = range(len(out))
    dropped, sites = [0, 0, 0, 0], set()
    if any(out):
        dropped = [sum(compress(column, out)) for column in amounts]
        sites = set(compress(chosen, out))
        kept = list(map(not_, out))
        chosen = list(compress(chosen, kept))
        amounts = [list(compress(column, kept)) for column in amounts]
    return RowSums(
        amounts=amounts,
        frame_of=lambda index: frame(chosen[index]),
        stacks_of=lambda indexes: [stack(chosen[index]) for index in indexes],
        dropped=dropped,
        dropped_sites=sites,
        by_stack=True,
    )


def _dropped(tallies: Tallies, last: list[int], drops: Callable[[Frame], bool]) -> Iterable[bool]:
    """For each stack, by the index of its innermost frame, whether it is left out."""
    hidden = {index for index in set(last) if drops(tallies.frames[index])}
    return map(hidden.__contains__, last) if hidden else repeat(False, len(last))


def _paired(old: Tallies, new: Tallies) -> tuple[Sequence[int], Sequence[int]] | None:
    """For each newer stack the line of the same older one, or how many of these there are; and
    the lines of the older stacks that are no newer one. None: a stack is there twice.
    """
    number_of: dict[Frame, int] = {frame: number for number, frame in enumerate(new.frames)}
    if native.native is None or len(number_of) < len(new.frames):  # it names a frame twice
        return _paired_by_keys(old, new, number_of)
    numbers = [number_of.setdefault(frame, len(number_of)) for frame in old.frames]
    four = map(_buffer, (new.steps, new.depths, old.steps, old.depths))
    pairs = native.native.pairs(*four, array("I", numbers))
    if pairs is None:
        return None
    partners, alone = (memoryview(column).cast("I") for column in pairs)
    return partners, alone


def _paired_by_keys(
    old: Tallies, new: Tallies, number_of: dict[Frame, int]
) -> tuple[Sequence[int], Sequence[int]] | None:
    new_keys, old_keys = _keys(new, number_of), _keys(old, number_of)
    at = dict(zip(old_keys, count()))
    wanted = set(new_keys)
    if len(at) < len(old_keys) or len(wanted) < len(new_keys):
        return None
    partners = list(map(at.get, new_keys, repeat(len(old_keys))))
    return partners, [line for line, key in enumerate(old_keys) if key not in wanted]


def _keys(tallies: Tallies, number_of: dict[Frame, int]) -> list[bytes]:
    """Each stack as bytes that are the same in both files."""
    numbers = [number_of.setdefault(frame, len(number_of)) for frame in tallies.frames]
    every = _buffer(tallies.steps)
    if numbers != list(range(len(numbers))):
        every = array("I", map(numbers.__getitem__, tallies.steps))
    raw, width = every.tobytes(), every.itemsize
    stops = [end * width for end in _ends(tallies)]
    return list(map(raw.__getitem__, map(slice, chain((0,), stops), stops)))


def _buffer(numbers: Sequence[int]) -> memoryview | array[int]:
    """Numbers of 4 bytes, as they are where they come from a file."""
    return numbers if isinstance(numbers, memoryview) else array("I", numbers)
