"""What keeps the objects of some stacks: their ways from a root, and how the containers grew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leakhunt.model.retention import Path, Retention, Step, Undone, by_way
from leakhunt.model.snapshot import Snapshot, Stack
from leakhunt.snapshots import garbage, retention
from leakhunt.snapshots.counted import as_counted, put_right
from leakhunt.snapshots.garbage import UNKNOWN, Collector

#: The shortest way stands first where its container holds so much of what is known, or of what it gained.
GOOD_PART = 0.1
#: A way without what differs between snapshots, and its container's mark.
Key = tuple[tuple[tuple[object, ...], ...], int]


@dataclass(frozen=True)
class Way:
    """Objects that are held alike, of all stacks in question together."""

    held: Retention
    grew: tuple[int, int] | None
    """Entries of the container in the first snapshot that tells of it, and in the last; None: there
    is no such container, or one snapshot alone."""


@dataclass(frozen=True)
class Branch:
    """One step of some ways, with all that is held through it."""

    step: Step
    objects: int
    size: int
    """Bytes."""
    holding: tuple[Way, ...]
    """Those ways whose container with most entries this step leads to."""
    below: tuple[Branch, ...]


@dataclass(frozen=True)
class Why:
    """What keeps the objects of some stacks."""

    ways: tuple[Way, ...]
    """The shortest whose container holds a good part first, of what was gained where earlier snapshots tell;
    then those with names all along, the most bytes first."""
    objects: int
    """Blocks of the stacks in all."""
    size: int
    """Their bytes."""
    tied: int
    """Bytes of these whose holder was found, at most ``size``: estimated where the ways are."""
    whole: bool | None
    """Whether the walk came to its end; None: nobody walked."""
    undone: Undone | None
    """Why it did not."""
    waiting: int = 0
    """Objects of the stacks that nothing keeps: they only wait for the garbage collector."""
    collector: Collector = UNKNOWN


def why(snapshot: Snapshot, stacks: Iterable[Stack], earlier: Sequence[Snapshot] = ()) -> Why:
    """What keeps the objects of ``stacks``. ``earlier``: snapshots of the same process, oldest first."""
    chosen = [stack for stack in dict.fromkeys(stacks) if stack in snapshot.tallies]
    snapshot = put_right(snapshot)
    sums = by_way(held for stack in chosen for held in snapshot.told(stack).retention)
    lengths = _lengths(earlier)
    ways = [
        Way(held, _grown(held, lengths))
        for held in sorted(sums.values(), key=lambda held: (is_unnamed(held.path), -held.size))
    ]
    ways = _shortest_first(ways, _gained(ways, chosen, earlier))
    tied = sum(way.held.size for way in ways)
    # Of a container what it keeps is counted, the stacks are estimated: what is kept is there.
    size = max(tied, sum(snapshot.tallies[stack].size for stack in chosen))
    count = sum(snapshot.tallies[stack].count for stack in chosen)
    heap, waits = snapshot.heap, garbage.waiting(snapshot.meta)
    return Why(
        tuple(ways),
        count,
        size,
        tied,
        None if heap is None else heap.whole,
        None if heap is None else heap.why,
        min(count, sum(max(0, waits.get(stack, 0)) for stack in chosen)),
        garbage.collector(snapshot.meta),
    )


def _shortest_first(ways: list[Way], gained: list[int]) -> list[Way]:
    """With the shortest named way first, of those whose container gained a good part: what a reader looks for
    is the nearest name. What a bound ends comes after what has none, and a name somewhere on the way
    is better than none at all.
    """
    weights = gained if any(gained) else [way.held.size for way in ways]
    together: dict[object, int] = {}
    for way, weight in zip(ways, weights):
        together[_pile(way)] = together.get(_pile(way), 0) + weight
    least = GOOD_PART * sum(weights)
    large = [way for way in ways if together[_pile(way)] >= least > 0]
    for is_meant in (_is_named_and_unbounded, _is_named, _has_a_name):
        meant = [way for way in large if is_meant(way)]
        if meant:
            first = min(meant, key=lambda way: len(way.held.path))
            return [first, *(way for way in ways if way is not first)]
    return ways


def _pile(way: Way) -> object:
    return way.held.mark or _key(way.held)


def _is_named_and_unbounded(way: Way) -> bool:
    """Of many containers with a bound there may be ever more."""
    return (
        _is_named(way)
        and way.held.bound is None
        and not any(step.bound is not None and step.length is not None for step in way.held.path)
    )


def _is_named(way: Way) -> bool:
    return not is_unnamed(way.held.path)


def _has_a_name(way: Way) -> bool:
    return any(step.name for step in way.held.path[1:])


def _gained(ways: list[Way], stacks: Sequence[Stack], earlier: Sequence[Snapshot]) -> list[int]:
    """The bytes that each way has gained since the middle one of the earlier snapshots that tell of the stacks;
    all 0 where none does. A walk that did not come to its end does not tell what was not there.

    What the first calls of a line have made once (imports, caches of a library) was there by then.
    """
    telling = [
        snapshot
        for snapshot in earlier
        if snapshot.heap is not None
        and snapshot.heap.whole
        and any(snapshot.told(stack).retention for stack in stacks)
    ]
    if not telling:
        return [0] * len(ways)
    before = telling[(len(telling) - 1) // 2]
    sizes: dict[Key, int] = {}
    for stack in stacks:
        for held in map(as_counted, before.told(stack).retention):
            sizes[_key(held)] = sizes.get(_key(held), 0) + held.size
    return [max(0, way.held.size - sizes.get(_key(way.held), 0)) for way in ways]


def _key(held: Retention) -> Key:
    return tuple((step.kind, step.name, step.type, step.again) for step in held.path), held.mark


def tree(ways: Sequence[Way]) -> tuple[Branch, ...]:
    """The ways as trees, in their order: what begins alike is one branch, with the sum of what is held."""
    return _branches([(way.held.path, way) for way in ways if way.held.path], 0)


def _branches(ways: Sequence[tuple[Path, Way]], depth: int) -> tuple[Branch, ...]:
    groups: dict[Step, list[tuple[Path, Way]]] = {}
    for path, way in ways:
        if len(path) > depth:
            groups.setdefault(path[depth], []).append((path, way))
    return tuple(
        Branch(
            step,
            sum(way.held.objects for _, way in group),
            sum(way.held.size for _, way in group),
            tuple(
                way
                for path, way in group
                if way.held.mark and way.held.container_path == path[: depth + 1]
            ),
            _branches(group, depth + 1),
        )
        for step, group in groups.items()
    )


def is_unnamed(path: Path) -> bool:
    """Whether a way begins where no code has a name: only C code is known to hold it."""
    return not path or path[0].kind == "native"


def _lengths(snapshots: Sequence[Snapshot]) -> dict[int, int]:
    """The entries of each container where it is first told of, by its mark."""
    lengths: dict[int, int] = {}
    for snapshot in snapshots:
        for mark, length in retention.lengths(snapshot).items():
            lengths.setdefault(mark, length)
    return lengths


def _grown(held: Retention, lengths: dict[int, int]) -> tuple[int, int] | None:
    if not held.mark or held.length is None or held.mark not in lengths:
        return None
    return lengths[held.mark], held.length
