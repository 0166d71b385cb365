"""What the blocks of a row are, where a snapshot knows: types, and what a freelist may have handed on.

CPython makes dicts, tuples, floats and lists from freed ones that it keeps. Such an object is
charged to the line that made it first, and another line may keep it: no engine that watches the
allocator can see that. Who holds such objects is looked up when the snapshot is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Optional

from leakhunt.model.paths import APP, Prefixes, prefixes
from leakhunt.model.query import SPLIT, Query
from leakhunt.model.site import Site
from leakhunt.model.snapshot import Frame, Snapshot, Stack
from leakhunt.snapshots.facts import RECYCLED
from leakhunt.snapshots.filters import selector

#: Memory is recycled, as a whole, when more than this part of it is.
MOSTLY = 0.5
#: So many types are told.
TYPES = 5


class Holder(NamedTuple):
    """What keeps objects that a freelist may have handed on."""

    kind: str
    """Its type."""
    frame: Frame | None
    """The line that made room in it last, the application's where there is one; None: not known."""
    size: int
    """Bytes that it keeps."""


class Kinds(NamedTuple):
    """Of some stacks together."""

    types: tuple[tuple[str, int], ...]
    """Names and bytes, the largest first; not all blocks are objects of a known type."""
    recycled: int
    """Bytes of objects that a freelist may have handed on."""
    size: int
    """Bytes of the stacks in all."""
    holders: tuple[Holder, ...] = ()
    """Who keeps these objects, as far as is known, the largest first."""

    @property
    def is_recycled(self) -> bool:
        return self.recycled > MOSTLY * self.size > 0

    @property
    def holder(self) -> Holder | None:
        """The one that keeps more than all others and what nobody is known to keep."""
        largest = self.holders[0] if self.holders else None
        return largest if largest and largest.size > MOSTLY * self.recycled else None


#: What a row is known by: its stack, where stacks are not put together, else its site.
Key = Optional[object]


def kinds(snapshot: Snapshot, stacks: Iterable[Stack]) -> Kinds | None:
    """Of some stacks; None where the snapshot does not know."""
    return _kinds(snapshot, stacks) if _knows(snapshot) else None


def _knows(snapshot: Snapshot) -> bool:
    return any(told.types or told.recycled for told in snapshot.facts.values())


def _kinds(snapshot: Snapshot, stacks: Iterable[Stack]) -> Kinds:
    told = {stack: snapshot.told(stack) for stack in stacks if stack in snapshot.tallies}
    sums = added(
        ((each.types, each.recycled) for each in told.values()),
        sum(snapshot.tallies[stack].size for stack in told),
    )
    if not any(each.holders for each in told.values()):
        return sums
    roots = prefixes(snapshot.meta.facts)
    return sums._replace(
        holders=joined(
            Holder(held.kind, _line(held.grower, roots), held.tally.size)
            for each in told.values()
            for held in each.holders
        )
    )


def joined(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """Those of one type that grow at one line as one; the largest first."""
    sizes: dict[tuple[str, Frame | None], int] = {}
    for kind, frame, size in holders:
        sizes[kind, frame] = sizes.get((kind, frame), 0) + size
    several = [Holder(kind, frame, size) for (kind, frame), size in sizes.items()]
    return tuple(sorted(several, key=lambda each: (-each.size, each.kind, each.frame or ())))


def _line(stack: Stack | None, roots: Prefixes) -> Frame | None:
    """The innermost line of the application, where there is one."""
    if not stack:
        return None
    return next((frame for frame in reversed(stack) if roots.kind(frame.file) == APP), stack[-1])


def summed(
    types: Mapping[Stack, Mapping[str, int]],
    recycled: Mapping[Stack, int],
    sizes: Mapping[Stack, int],
) -> Kinds | None:
    """Of stacks with their bytes; None where nothing is known of types."""
    if not types and not recycled:
        return None
    told = ((types.get(stack, {}), recycled.get(stack, 0)) for stack in sizes)
    return added(told, sum(sizes.values()))


def added(told: Iterable[tuple[Mapping[str, int], int]], size: int) -> Kinds:
    """Of stacks of that size together: the bytes of their types, and those that may be recycled."""
    sizes: dict[str, int] = {}
    total = 0
    for types, recycled in told:
        total += recycled
        for name, part in types.items():
            sizes[name] = sizes.get(name, 0) + part
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return Kinds(tuple(largest[:TYPES]), total, size)


def types_left(types: Mapping[str, int], size: int) -> Mapping[str, int]:
    """Types by bytes, less so many of what freelists hand on: booked elsewhere, these are here no more."""
    left = dict(types)
    for name in sorted(RECYCLED & left.keys(), key=lambda name: (-left[name], name)):
        part = min(size, left[name])
        left[name], size = left[name] - part, size - part
    return {name: number for name, number in left.items() if number > 0}


def by_row(snapshot: Snapshot, query: Query) -> Mapping[Key, Kinds]:
    """For each row that the query makes of the snapshot, by its key; empty where nothing is known."""
    if not _knows(snapshot) or query.group_by in SPLIT:
        return {}
    rows = stacks_by_row(snapshot, query)
    return {key: _kinds(snapshot, stacks) for key, stacks in rows.items()}


def stacks_by_row(snapshot: Snapshot, query: Query) -> Mapping[Key, Sequence[Stack]]:
    """The stacks of each row that the query makes of the snapshot, by the row's key."""
    roots, select = prefixes(snapshot.meta.facts), selector(query, prefixes(snapshot.meta.facts))
    rows: dict[Key, list[Stack]] = {}
    for stack in snapshot.tallies:
        depth = select(stack)
        if depth is not None and stack:
            rows.setdefault(_key(stack, stack[depth], query, roots), []).append(stack)
    return rows


def key_of(site: Site, stack: Stack, query: Query) -> Key:
    """The key of a row."""
    return stack if query.group_by == "traceback" else site


def _key(stack: Stack, frame: Frame, query: Query, roots: Prefixes) -> Key:
    if query.group_by == "filename":
        return Site(frame.file)
    if query.group_by == "package":
        return Site(None, None, roots.package(frame.file))
    return key_of(Site(*frame), stack, query)
