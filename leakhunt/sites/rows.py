"""Groups a snapshot, or two, into rows; counts what is left out.

The law that every result obeys: Σ rows + remainder + dropped = totals, before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import add, itemgetter, ne, or_, sub
from typing import Any

from leakhunt.model.gcpause import uncollected
from leakhunt.model.paths import Prefixes, prefixes
from leakhunt.model.query import SPLIT, Query
from leakhunt.model.snapshot import NOTHING, Change, Frame, Site, Snapshot, Stack, Tallies, Tally
from leakhunt.sites import fast
from leakhunt.sites.order import by_amount, by_growth, in_order
from leakhunt.sites.split import parts
from leakhunt.snapshots.filters import Select, selector

#: Stands for a stack without frames.
UNKNOWN = Frame("<unknown>", 0)


@dataclass(frozen=True)
class Amount:
    """Live memory before and after."""

    before: Tally = NOTHING
    after: Tally = NOTHING

    @property
    def diff(self) -> Tally:
        return self.after.minus(self.before)

    def plus(self, other: Amount) -> Amount:
        return Amount(self.before.plus(other.before), self.after.plus(other.after))

    def minus(self, other: Amount) -> Amount:
        return Amount(self.before.minus(other.before), self.after.minus(other.after))


@dataclass(frozen=True)
class Row:
    """A ranked site with the stack that carries most of it, and where it is blamed there."""

    rank: int
    change: Change
    depth: int
    """Index into ``change.stack`` of the frame that the row stands for."""
    stderr: float | None = None
    """Standard error in bytes of the sizes' estimate; None where they are exact."""


@dataclass(frozen=True)
class Comparison:
    """Everything a report of top or diff shows."""

    rows: tuple[Row, ...]
    totals: Amount
    dropped: Amount
    """What filters left out, and what is hidden by default."""
    dropped_sites: int
    remainder: Amount
    remainder_sites: int
    hidden: Amount = Amount()
    """Of ``dropped``, what is hidden by default."""
    hidden_sites: int = 0


def group(snapshot: Snapshot, query: Query) -> Comparison:
    """What is alive, ranked: a comparison with nothing."""
    return _grouped(None, snapshot, query)


def diff(before: Snapshot, after: Snapshot, query: Query) -> Comparison:
    """What changed, growth first."""
    return _grouped(before, after, query)


@dataclass
class _RowSums:
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


def _grouped(before: Snapshot | None, after: Snapshot, query: Query) -> Comparison:
    with uncollected():
        roots = prefixes(after.meta.facts)
        if before is not None and not roots.folders:
            roots = prefixes(before.meta.facts)
        if query.group_by == "package":
            roots = roots.guessed(_files(before, after))
        key_of, site_of = _keying(query.group_by, roots)
        select = selector(query, roots)
        sums: _RowSums | fast.RowSums | None
        if query.group_by in SPLIT:
            sums, sure = _shared_out(before, after, query, select)
        else:
            sums = fast.booked(before, after, query, roots, key_of)
            sure = _errors((before, after), select, key_of)
        if sums is None:
            sums = _booked(before, after, query, select, key_of)
        amounts = sums.amounts
        hidden, hidden_sites = _amount(sums.dropped), len(sums.dropped_sites)
        if query.show_all or query.filters or query.excludes:
            hidden, hidden_sites = _hidden(before, after, query, roots, key_of)
        keys, limit = _ranking(amounts, query, before is not None)

        def numbers(index: int) -> tuple[int, ...]:
            return tuple(column[index] for column in amounts)

        def exact(index: int) -> tuple[object, ...]:
            place = _place(site_of(sums.frame(index)))
            return (*_tied(numbers(index), query.sort), *place, *sums.order(index))

        shown = in_order(keys, exact, limit)

        def row(rank: int, index: int, stack: Stack, depth: int) -> Row:
            frame = sums.frame(index)
            error = (
                None if sure is None else sure.get(stack if key_of is None else key_of(frame), 0.0)
            )
            return Row(rank, _change(site_of(frame), stack, numbers(index)), depth, error)

        return Comparison(
            rows=tuple(
                row(rank, index, stack, depth)
                for rank, (index, (stack, depth)) in enumerate(zip(shown, sums.leads(shown)), 1)
            ),
            totals=Amount(before.totals if before is not None else NOTHING, after.totals),
            dropped=_amount(sums.dropped),
            dropped_sites=len(sums.dropped_sites),
            hidden=hidden,
            hidden_sites=hidden_sites,
            remainder=_amount(
                [sum(column) - sum(map(column.__getitem__, shown)) for column in amounts]
            ),
            remainder_sites=len(keys) - len(shown),
        )


def _hidden(
    before: Snapshot | None,
    after: Snapshot,
    query: Query,
    roots: Prefixes,
    key_of: Callable[[Frame], object] | None,
) -> tuple[Amount, int]:
    """What is left out by default, whatever filters say, and at how many sites."""
    if query.show_all:
        return Amount(), 0
    files: dict[str, bool] = {}
    keys: set[object] = set()

    def is_hidden(stack: Stack) -> bool:
        frame = stack[-1] if stack else UNKNOWN
        if frame.file not in files:
            files[frame.file] = roots.is_hidden(frame.file)
        if files[frame.file]:
            if query.group_by in SPLIT:
                keys.update(*(parts(each, stack, query.group_by) for each in (before, after)))
            else:
                keys.add(stack if key_of is None else key_of(frame))
        return files[frame.file]

    def of(snapshot: Snapshot | None) -> Tally:
        tallies = snapshot.tallies if snapshot is not None else {}
        sums = [tally for stack, tally in tallies.items() if is_hidden(stack)]
        return Tally(sum(map(itemgetter(0), sums)), sum(map(itemgetter(1), sums)))

    amount = Amount(of(before), of(after))
    return amount, len(keys)


def _ranking(
    amounts: Sequence[Sequence[int]], query: Query, compared: bool
) -> tuple[list[int], int | None]:
    """A number for each row by which they are ranked, and how many are listed (None: all)."""
    limit = query.limit or None
    if not compared:
        return list(map(by_amount(query.sort), zip(*amounts))), limit
    measure = 0 if query.sort == "size" else 1
    shrunk = list(map(sub, amounts[measure], amounts[2 + measure]))
    if limit and sum(map((0).__gt__, shrunk)) >= limit:
        return shrunk, limit  # more rows grew than are listed: the order of the others is open
    if limit:  # what did not change is counted, not listed
        was_size, was_count, size, count = amounts
        limit = min(limit, sum(map(or_, map(ne, was_size, size), map(ne, was_count, count))))
    return list(map(by_growth(query.sort), zip(*amounts))), limit


def _errors(
    snapshots: Iterable[Snapshot | None],
    select: Select,
    key_of: Callable[[Frame], object] | None,
) -> dict[object, float] | None:
    """The standard error of each row, by its key; None where no size is an estimate.

    Samples are independent: the variances of a row's stacks, before and after, add up.
    """
    variances: dict[object, float] = {}
    estimated = False
    for snapshot in filter(None, snapshots):
        for stack, told in snapshot.facts.items():
            if told.stderr is None:
                continue
            estimated = True
            depth = select(stack)
            if depth is not None:
                key = stack if key_of is None else key_of(stack[depth] if stack else UNKNOWN)
                variances[key] = variances.get(key, 0.0) + told.stderr**2
    if not estimated:
        return None
    return {key: variance**0.5 for key, variance in variances.items()}


def _files(*snapshots: Snapshot | None) -> Iterator[str]:
    """Every file in the stacks, once per snapshot; nothing is looked at until asked for."""
    for snapshot in snapshots:
        if snapshot is not None:
            tallies = snapshot.tallies
            every = tallies.frames if isinstance(tallies, Tallies) else chain.from_iterable(tallies)
            yield from {frame.file for frame in set(every)}


def _booked(
    before: Snapshot | None,
    after: Snapshot,
    query: Query,
    select: Select,
    key_of: Callable[[Frame], object] | None,
) -> _RowSums:
    """Every stack of the two, in its row or among what is dropped."""
    new, old = after.tallies, before.tallies if before is not None else {}
    stacks = [*new, *(stack for stack in old if stack not in new)]
    # A tally is a tuple: the sum of two is the four numbers of a row.
    numbers = map(add, map(old.get, stacks, repeat(NOTHING)), chain(new.values(), repeat(NOTHING)))
    depths = list(map(select, stacks))
    if key_of is None and None not in depths:
        return _RowSums(list(numbers), stacks, depths)  # type: ignore[arg-type]  # just looked

    def key(stack: Stack, depth: int) -> object:
        if key_of is None:
            return stack
        return key_of(stack[depth] if stack else UNKNOWN)

    sums = _RowSums()
    for stack, depth, four in zip(stacks, depths, numbers):
        if depth is None:
            sums.drop(key(stack, len(stack) - 1), four)
        else:
            sums.enter(key(stack, depth), four, stack, depth)
    return sums


class _Named(_RowSums):
    """Rows that stand for a type or a task."""

    def frame(self, index: int) -> Frame:
        return Frame(str(self.keys[index]), 0)


def _shared_out(
    before: Snapshot | None, after: Snapshot, query: Query, select: Select
) -> tuple[_Named, dict[object, float] | None]:
    """Every stack of the two in parts, each in its row or among what is dropped; and the standard error
    of each row, None where no size is an estimate. A part's variance is that part of its stack's.
    """
    sums = _Named()
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


def _amount(numbers: Sequence[int]) -> Amount:
    return Amount(Tally(numbers[0], numbers[1]), Tally(numbers[2], numbers[3]))


def _change(site: Site, stack: Stack, numbers: Sequence[int]) -> Change:
    amount = _amount(numbers)
    return Change(site, stack, amount.before, amount.after)


def _tied(numbers: Sequence[int], sort: str) -> tuple[int, int, int]:
    """What tells rows with the same growth apart: the other measure, then what is alive."""
    was_size, was_count, size, count = numbers
    other = count - was_count if sort == "size" else size - was_size
    return (-abs(other), -size, -count)


def _place(site: Site) -> tuple[str, int, str]:
    return (site.file or "", site.line or 0, site.package or site.name or "")


def _keying(
    group_by: str, roots: Prefixes
) -> tuple[Callable[[Frame], object] | None, Callable[[Frame], Site]]:
    """For the frame that a stack is ranked at: what its row is keyed by (None: its whole stack),
    and the site it stands for.
    """
    packages: dict[str, str] = {}

    def package(frame: Frame) -> str:
        if frame.file not in packages:
            packages[frame.file] = roots.package(frame.file)
        return packages[frame.file]

    def site(frame: Frame) -> Site:
        return Site(*frame)

    if group_by == "lineno":
        return (lambda frame: frame), site
    if group_by == "traceback":
        return None, site
    if group_by == "filename":
        return (lambda frame: frame.file), (lambda frame: Site(frame.file))
    if group_by in SPLIT:
        return (lambda frame: frame.file), (lambda frame: Site(None, name=frame.file))
    return package, (lambda frame: Site(None, None, package(frame)))
