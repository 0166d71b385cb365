"""Adds up stacks into rows, one by one; what no row has is counted.

:mod:`leakhunt.sites.fast` does the same by whole columns where a row depends on the innermost frame alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import add
from typing import Any

from leakhunt.model.query import Query
from leakhunt.model.snapshot import NOTHING, Frame, Snapshot, Stack
from leakhunt.sites.split import parts
from leakhunt.snapshots.filters import Select

#: Stands for a stack without frames.
UNKNOWN = Frame("<unknown>", 0)


@dataclass
class RowSums:
    """One entry per row, at the same index of each list: 10^5 rows without an object each."""

    rows: list[Sequence[int]] = field(default_factory=list)
    """Bytes and blocks before, bytes and blocks after."""
    stacks: list[Stack] = field(default_factory=list)
    """The stack that carries most of the row."""
    depths: list[int] = field(default_factory=list)
    """Index into it of the frame that the row stands for."""
    dropped: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    dropped_sites: set[object] = field(default_factory=set)
    _index_of: dict[object, int] = field(default_factory=dict)
    """Where the row of each key is."""
    keys: list[object] = field(default_factory=list)
    """What each row is keyed by."""
    _weights: list[int] = field(default_factory=list)
    """By how much the stack changed that carries most of each row."""

    def enter(self, key: object, four: Sequence[int], stack: Stack, depth: int) -> None:
        """Add a stack, or a part of one, to the row of that key."""
        weights = self._weights
        weight = abs(four[2] - four[0])
        index = self._index_of.setdefault(key, len(weights))
        if index == len(weights):
            self.rows.append(list(four))
            self.stacks.append(stack)
            self.depths.append(depth)
            self.keys.append(key)
            weights.append(weight)
            return
        _add(self.rows[index], four)
        if weight >= weights[index] and (weight, stack) > (weights[index], self.stacks[index]):
            weights[index], self.stacks[index], self.depths[index] = weight, stack, depth

    def drop(self, key: object, four: Sequence[int]) -> None:
        """Leave it out."""
        _add(self.dropped, four)
        self.dropped_sites.add(key)

    @property
    def amounts(self) -> Sequence[Sequence[int]]:
        """The four numbers of the rows, as columns."""
        return list(zip(*self.rows)) if self.rows else [(), (), (), ()]

    def frame(self, index: int) -> Frame:
        """The frame that a row stands for."""
        stack = self.stacks[index]
        return stack[self.depths[index]] if stack else UNKNOWN

    def order(self, index: int) -> tuple[object, ...]:
        """What tells rows of the same place apart."""
        return (self.stacks[index],)

    def leads(self, indexes: Sequence[int]) -> list[tuple[Stack, int]]:
        """The stacks and depths of rows."""
        return [(self.stacks[index], self.depths[index]) for index in indexes]


def booked(
    before: Snapshot | None,
    after: Snapshot,
    query: Query,
    select: Select,
    key_of: Callable[[Frame], object] | None,
) -> RowSums:
    """Every stack of the two, in its row or among what is dropped."""
    new, old = after.tallies, before.tallies if before is not None else {}
    stacks = [*new, *(stack for stack in old if stack not in new)]
    # A tally is a tuple: the sum of two is the four numbers of a row.
    numbers = map(add, map(old.get, stacks, repeat(NOTHING)), chain(new.values(), repeat(NOTHING)))
    depths = list(map(select, stacks))
    if key_of is None and None not in depths:
        return RowSums(list(numbers), stacks, depths)  # type: ignore[arg-type]  # just looked

    def key(stack: Stack, depth: int) -> object:
        if key_of is None:
            return stack
        return key_of(stack[depth] if stack else UNKNOWN)

    sums = RowSums()
    for stack, depth, four in zip(stacks, depths, numbers):
        if depth is None:
            sums.drop(key(stack, len(stack) - 1), four)
        else:
            sums.enter(key(stack, depth), four, stack, depth)
    return sums


class NamedSums(RowSums):
    """Rows that stand for a type or a task."""

    def frame(self, index: int) -> Frame:
        return Frame(str(self.keys[index]), 0)


def shared_out(
    before: Snapshot | None, after: Snapshot, query: Query, select: Select
) -> tuple[NamedSums, dict[object, float] | None]:
    """Every stack of the two in parts, each in its row or among what is dropped; and the standard error
    of each row, None where no size is an estimate. A part's variance is that part of its stack's.
    """
    sums = NamedSums()
    variances: dict[object, float] = {}
    estimated = False
    old = before.tallies if before is not None else {}
    for stack in [*after.tallies, *(stack for stack in old if stack not in after.tallies)]:
        was, now = parts(before, stack, query.group_by), parts(after, stack, query.group_by)
        depth = select(stack)
        for name in dict.fromkeys((*now, *was)):
            four = was.get(name, NOTHING) + now.get(name, NOTHING)
            if depth is None:
                sums.drop(name, four)
            else:
                sums.enter(name, four, stack, depth)
        for snapshot, each in ((before, was), (after, now)):
            error = snapshot.told(stack).stderr if snapshot is not None and each else None
            if snapshot is None or error is None:
                continue
            estimated = True
            for name, part in each.items() if depth is not None else ():
                share = part.size / max(1, snapshot.tallies[stack].size)
                variances[name] = variances.get(name, 0.0) + error**2 * share
    errors = {name: variance**0.5 for name, variance in variances.items()}
    return sums, errors if estimated else None


def _add(amounts: Any, numbers: Sequence[int]) -> None:
    amounts[0] += numbers[0]
    amounts[1] += numbers[1]
    amounts[2] += numbers[2]
    amounts[3] += numbers[3]
