"""Groups a snapshot, or two, into rows; counts what is left out.

The law that every result obeys: Σ rows + remainder + dropped = totals, before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leakhunt.filters import selector
from leakhunt.frames import Prefixes, prefixes
from leakhunt.model import NOTHING, Change, Frame, Site, Snapshot, Stack, Tally
from leakhunt.query import Query


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


@dataclass(frozen=True)
class Row:
    """A ranked site with the stack that carries most of it, and where it is blamed there."""

    rank: int
    change: Change
    depth: int
    """Index into ``change.stack`` of the frame that the row stands for."""


@dataclass(frozen=True)
class Comparison:
    """Everything a report of top or diff shows."""

    rows: tuple[Row, ...]
    totals: Amount
    dropped: Amount
    dropped_sites: int
    remainder: Amount
    remainder_sites: int


def group(snapshot: Snapshot, query: Query) -> Comparison:
    """What is alive, ranked: a comparison with nothing."""
    return _compare(None, snapshot, query)


def diff(before: Snapshot, after: Snapshot, query: Query) -> Comparison:
    """What changed, growth first."""
    return _compare(before, after, query)


def _compare(before: Snapshot | None, after: Snapshot, query: Query) -> Comparison:
    known = prefixes(after.meta.facts)
    if before is not None and not known.folders:
        known = prefixes(before.meta.facts)
    select = selector(query, known)
    key_of = _key(query.group_by, known)
    amounts: dict[object, list[int]] = {}
    sites: dict[object, Site] = {}
    leading: dict[object, tuple[int, Stack, int]] = {}
    dropped = [0, 0, 0, 0]
    dropped_sites = set()
    left: dict[Stack, Tally] = dict(before.tallies) if before is not None else {}
    pairs = [(stack, left.pop(stack, NOTHING), tally) for stack, tally in after.tallies.items()]
    pairs.extend((stack, tally, NOTHING) for stack, tally in left.items())
    for stack, was, now in pairs:
        depth = select(stack)
        if depth is None:
            _add(dropped, was, now)
            dropped_sites.add(key_of(stack, len(stack) - 1)[0])
            continue
        key, site = key_of(stack, depth)
        amount = amounts.get(key)
        if amount is None:
            amount = amounts[key] = [0, 0, 0, 0]
            sites[key] = site
        _add(amount, was, now)
        weight = abs(now.size - was.size) if before is not None else now.size
        held = leading.get(key)
        if held is None or (weight, stack) > (held[0], held[1]):
            leading[key] = (weight, stack, depth)
    changes = [
        (
            Change(sites[key], leading[key][1], Tally(*amount[:2]), Tally(*amount[2:])),
            leading[key][2],
        )
        for key, amount in amounts.items()
    ]
    changes.sort(key=lambda item: _order(item[0], query.sort, before is not None))
    shown = changes
    if query.limit:
        if before is not None:
            changed = sum(change.before != change.after for change, _ in changes)
            shown = changes[: min(query.limit, changed)]
        else:
            shown = changes[: query.limit]
    remainder = [0, 0, 0, 0]
    for change, _ in changes[len(shown) :]:
        _add(remainder, change.before, change.after)
    return Comparison(
        rows=tuple(Row(rank, change, depth) for rank, (change, depth) in enumerate(shown, 1)),
        totals=Amount(before.totals if before is not None else NOTHING, after.totals),
        dropped=_amount(dropped),
        dropped_sites=len(dropped_sites),
        remainder=_amount(remainder),
        remainder_sites=len(changes) - len(shown),
    )


def _add(amount: list[int], was: Tally, now: Tally) -> None:
    amount[0] += was.size
    amount[1] += was.count
    amount[2] += now.size
    amount[3] += now.count


def _amount(numbers: list[int]) -> Amount:
    return Amount(Tally(numbers[0], numbers[1]), Tally(numbers[2], numbers[3]))


def _order(change: Change, sort: str, signed: bool) -> tuple[object, ...]:
    """Growth first, then shrinkage, then what stayed; ties by place, never by chance."""
    size, count = change.diff
    first, second = (size, count) if sort == "size" else (count, size)
    class_ = 0
    if signed:
        class_ = 0 if (first, second) > (0, 0) else 1 if (first, second) < (0, 0) else 2
    live = change.after
    return (class_, -abs(first), -abs(second), -live.size, -live.count, _place(change))


def _place(change: Change) -> tuple[object, ...]:
    site = change.site
    return (site.file or "", site.line or 0, site.package or "", change.stack)


def _key(group_by: str, known: Prefixes) -> Callable[[Stack, int], tuple[object, Site]]:
    """For a stack ranked at a depth: what its row is keyed by, and the site it stands for."""
    unknown = Frame("<unknown>", 0)

    def lineno(stack: Stack, depth: int) -> tuple[object, Site]:
        frame = stack[depth] if stack else unknown
        return frame, Site(frame.file, frame.line)

    def filename(stack: Stack, depth: int) -> tuple[object, Site]:
        file = (stack[depth] if stack else unknown).file
        return file, Site(file)

    def traceback(stack: Stack, depth: int) -> tuple[object, Site]:
        frame = stack[depth] if stack else unknown
        return stack, Site(frame.file, frame.line)

    packages: dict[str, str] = {}

    def package(stack: Stack, depth: int) -> tuple[object, Site]:
        file = (stack[depth] if stack else unknown).file
        if file not in packages:
            packages[file] = known.package(file)
        return packages[file], Site(None, None, packages[file])

    return {"lineno": lineno, "filename": filename, "traceback": traceback, "package": package}[
        group_by
    ]
