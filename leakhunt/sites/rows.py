"""Groups a snapshot, or two, into rows; counts what is left out.

The law that every result obeys: Σ rows + remainder + dropped = totals, before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter, ne, or_, sub

from leakhunt.model.gcpause import uncollected
from leakhunt.model.paths import Prefixes, prefixes
from leakhunt.model.query import SPLIT, Query
from leakhunt.model.site import Change, Site
from leakhunt.model.snapshot import NOTHING, Frame, Snapshot, Stack, Tallies, Tally
from leakhunt.sites import fast
from leakhunt.sites.order import by_amount, by_growth, in_order
from leakhunt.sites.split import parts
from leakhunt.sites.sums import UNKNOWN, RowSums, booked, shared_out
from leakhunt.snapshots.filters import Select, selector


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


def _grouped(before: Snapshot | None, after: Snapshot, query: Query) -> Comparison:
    with uncollected():
        roots = prefixes(after.meta.facts)
        if before is not None and not roots.folders:
            roots = prefixes(before.meta.facts)
        if query.group_by == "package":
            roots = roots.guessed(_files(before, after))
        key_of, site_of = _keying(query.group_by, roots)
        select = selector(query, roots)
        sums: RowSums | fast.RowSums | None
        if query.group_by in SPLIT:
            sums, sure = shared_out(before, after, query, select)
        else:
            sums = fast.booked(before, after, query, roots, key_of)
            sure = _errors((before, after), select, key_of)
        if sums is None:
            sums = booked(before, after, query, select, key_of)
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
