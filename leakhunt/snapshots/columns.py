"""The snapshots of one process side by side: for each stack, a column of bytes and one of blocks.

What lies in a freelist of CPython's counts in the totals alone, where births tell it: nothing keeps it.

Snapshots are read one after the other and forgotten, so memory grows with the
number of distinct stacks, not with the size of the files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leakhunt.model.gcpause import uncollected
from leakhunt.model.meta import Meta
from leakhunt.model.retention import Place, TypeCount, place
from leakhunt.model.snapshot import Held, Snapshot, Stack, Tallies
from leakhunt.snapshots import retention
from leakhunt.snapshots.load import each

Sizes = Mapping[Stack, Sequence[int]]
#: What each snapshot's facts say of the holders of a stack's objects.
Holders = Sequence[Mapping[Stack, "tuple[Held, ...]"]]


@dataclass(frozen=True)
class Columns:
    """One place per snapshot in every column, oldest first; 0 where a stack held nothing."""

    metas: tuple[Meta, ...]
    totals: tuple[int, ...]
    """Traced bytes at each snapshot."""
    sizes: Sizes
    """Bytes, without what lies in a freelist."""
    counts: Sizes
    """Blocks, likewise."""
    variances: Mapping[Stack, Sequence[float]]
    """Square of the standard error of the bytes, where they are estimates."""
    samples: Sizes
    """How many live samples they are estimated from."""
    holders: Holders
    first: Snapshot = field(repr=False)
    """The oldest snapshot itself, with the blocks of each stack,"""
    newest: Snapshot = field(repr=False)
    """and the newest one; a light one with what an earlier one says of who holds what."""
    census: tuple[Mapping[str, TypeCount] | None, ...] = ()
    """The largest types of each snapshot, by name; None where its heap was not walked to the end."""
    lengths: Mapping[int, Sequence[int | None]] = field(default_factory=dict)
    """By a container's mark: its entries at each snapshot; None where it does not tell of it."""
    freed: Mapping[int, Sequence[int | None]] = field(default_factory=dict)
    """Likewise: bytes that would be freed without it."""
    growers: Mapping[Place, Stack] = field(default_factory=dict)
    """By where containers hang: the stack that makes them grow, as most snapshots tell."""
    waiting: Mapping[Stack, Sequence[float]] = field(default_factory=dict)
    """Of the bytes, those that only wait for the garbage collector, where births tell it; where a heap was not walked
    to the end, the part that those before and after tell."""


def read(paths: Sequence[Path], problems: list[str]) -> Columns | None:
    """The snapshots in those files; None where none can be read.

    Those that cannot be read are told in ``problems`` and left out.
    """
    ends = {0, len(paths) - 1}
    with uncollected():
        return of(each(paths, problems, ends.__contains__))


def of(snapshots: Iterable[Snapshot]) -> Columns | None:
    """The same of snapshots that were read; the first and the last with their blocks. None: there are none."""
    columns = _Growing()
    for snapshot in snapshots:
        columns.add(snapshot)
    return columns.full() if columns.metas else None


class _Growing:
    """Grows by one place per snapshot."""

    def __init__(self) -> None:
        self.metas: list[Meta] = []
        self._sizes: dict[Stack, list[int]] = {}
        self._counts: dict[Stack, list[int]] = {}
        self._totals: list[int] = []
        self._variances: dict[Stack, list[float]] = {}
        self._samples: dict[Stack, list[int]] = {}
        self._holders: list[Mapping[Stack, tuple[Held, ...]]] = []
        self._lengths: dict[int, list[int | None]] = {}
        self._freed: dict[int, list[int | None]] = {}
        self._growers: dict[Place, Counter[Stack]] = {}
        self._waiting: dict[Stack, list[float]] = {}
        self._census: list[Mapping[str, TypeCount] | None] = []
        self._ends: list[Snapshot] = []
        self._walked: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        before = len(self.metas)
        sizes, counts = self._sizes, self._counts
        for stack, size, count in _lines(snapshot):
            column = sizes.get(stack)
            if column is None:
                column = sizes[stack] = []
                counts[stack] = []
            missing = before - len(column)
            if missing < 0:  # a file may write a stack twice
                column[-1] += size
                counts[stack][-1] += count
                continue
            if missing:
                column.extend([0] * missing)
                counts[stack].extend([0] * missing)
            column.append(size)
            counts[stack].append(count)
        held = {}
        growers: set[tuple[Place, Stack]] = set()
        for stack, told in snapshot.facts.items():
            free = sum(birth.free for birth in told.births)
            left = self._without(stack, free, told.holders) if free > 0 else 1.0
            idle = sum(birth.waiting for birth in told.births)
            if idle > 0 and stack in sizes:
                _put(
                    self._waiting.setdefault(stack, []),
                    before,
                    min(1.0, idle / max(1, sizes[stack][-1])),
                )
            if told.stderr is not None:
                _put(self._variances.setdefault(stack, []), before, left * told.stderr**2)
                _put(self._samples.setdefault(stack, []), before, round(left * told.samples))
            if told.holders:
                held[stack] = told.holders
            growers.update(
                (place(part.holder.path), part.grower) for part in told.handed if part.grower
            )
        for figures, columns in (
            (retention.lengths(snapshot), self._lengths),
            (retention.freed(snapshot), self._freed),
        ):
            for mark, figure in figures.items():
                column_of = columns.setdefault(mark, [])
                column_of.extend([None] * (before - len(column_of)))
                column_of.append(figure)
        for where, grower in growers:
            self._growers.setdefault(where, Counter())[grower] += 1
        heap = snapshot.heap
        whole = heap is not None and heap.whole and heap.types
        self._census.append({each.name: each for each in heap.types} if heap and whole else None)
        self.metas.append(snapshot.meta)
        self._holders.append(held)
        self._totals.append(snapshot.totals.size)
        self._ends = [*self._ends[:1], snapshot]
        if snapshot.heap is not None:
            self._walked = snapshot

    def _without(self, stack: Stack, free: float, holders: Sequence[Held]) -> float:
        """Takes so many bytes out of the newest size of a stack; the part that is left.

        What holders keep is not free: it stays, though both are rounded estimates.
        """
        size, count = self._sizes[stack][-1], self._counts[stack][-1]
        if size <= 0:
            return 1.0
        part = max(0.0, 1 - free / size)
        kept = [held.tally for held in holders]
        left = max(round(part * size), min(size, sum(tally.size for tally in kept)))
        self._sizes[stack][-1] = left
        self._counts[stack][-1] = max(
            round(part * count), min(count, sum(tally.count for tally in kept))
        )
        return left / size

    def full(self) -> Columns:
        length = len(self.metas)
        newest = self._ends[-1]
        if self._walked is not None and newest.meta.light:
            newest = retention.carried(newest, self._walked)
        for columns in (self._sizes, self._counts, self._variances, self._samples):
            for column in columns.values():
                column.extend([0] * (length - len(column)))
        for told in (*self._lengths.values(), *self._freed.values()):
            told.extend([None] * (length - len(told)))
        walked = [at for at, types in enumerate(self._census) if types is not None]
        waiting = {
            stack: [
                size * part
                for size, part in zip(self._sizes[stack], _between(parts, walked, length))
            ]
            for stack, parts in (self._waiting.items() if walked else ())
        }
        return Columns(
            tuple(self.metas), tuple(self._totals), self._sizes, self._counts, self._variances,
            self._samples, tuple(self._holders), self._ends[0], newest, tuple(self._census),
            self._lengths, self._freed,
            {where: max(votes, key=lambda each: (votes[each], each)) for where, votes in self._growers.items()},
            waiting,
        )  # fmt: skip


def _between(parts: Sequence[float], walked: Sequence[int], length: int) -> list[float]:
    """A column of that length, whose values at the ``walked`` places count: elsewhere those between their neighbours.

    Parts that are missing at the end are 0.
    """
    told = [parts[at] if at < len(parts) else 0.0 for at in walked]
    column = []
    for at in range(length):
        after = bisect_left(walked, at)
        if after == len(walked) or after == 0:
            column.append(told[min(after, len(walked) - 1)])
            continue
        share = (at - walked[after - 1]) / (walked[after] - walked[after - 1])
        column.append(told[after - 1] + share * (told[after] - told[after - 1]))
    return column


def _put(column: list[Any], index: int, value: float) -> None:
    """At that index, after nothing where there was none."""
    column.extend([0] * (index - len(column)))
    column.append(value)


def _lines(snapshot: Snapshot) -> Iterable[tuple[Stack, int, int]]:
    """Stack, bytes and blocks; a stack may come twice."""
    tallies = snapshot.tallies
    if isinstance(tallies, Tallies):
        return zip(tallies.stacks(), tallies.sizes, tallies.counts)
    return ((stack, size, count) for stack, (size, count) in tallies.items())
