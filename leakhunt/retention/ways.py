"""What keeps the objects of some stacks: their ways from a root, and how the containers grew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leakhunt.model.retention import Path, Retention, Step
from leakhunt.model.snapshot import Snapshot, Stack
from leakhunt.snapshots import garbage, retention
from leakhunt.snapshots.garbage import UNKNOWN, Collector

#: The shortest way stands first where it holds so much of what is known.
GOOD_PART = 0.1


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
    """Those with names all along first, of these the shortest that holds a good part, then the most bytes."""
    objects: int
    """Blocks of the stacks in all."""
    size: int
    """Their bytes."""
    tied: int
    """Bytes of these whose holder was found, at most ``size``: estimated where the ways are."""
    whole: bool | None
    """Whether the walk came to its end; None: nobody walked."""
    problem: str | None
    """Why it did not."""
    waiting: int = 0
    """Objects of the stacks that nothing keeps: they only wait for the garbage collector."""
    collector: Collector = UNKNOWN


def why(snapshot: Snapshot, stacks: Iterable[Stack], earlier: Sequence[Snapshot] = ()) -> Why:
    """What keeps the objects of ``stacks``. ``earlier``: snapshots of the same process, oldest first."""
    chosen = [stack for stack in dict.fromkeys(stacks) if stack in snapshot.tallies]
    sums: dict[tuple[Path, int], Retention] = {}
    for stack in chosen:
        for held in snapshot.told(stack).retention:
            key = held.path, held.mark
            before = sums.get(key)
            sums[key] = held if before is None else _both(before, held)
    lengths = _lengths(earlier)
    ways = [
        Way(held, _grown(held, lengths))
        for held in sorted(sums.values(), key=lambda held: (is_unnamed(held.path), -held.size))
    ]
    ways = _shortest_first(ways)
    size = sum(snapshot.tallies[stack].size for stack in chosen)
    count = sum(snapshot.tallies[stack].count for stack in chosen)
    heap, waits = snapshot.heap, garbage.waiting(snapshot.meta)
    return Why(
        tuple(ways),
        count,
        size,
        min(size, sum(way.held.size for way in ways)),
        None if heap is None else heap.whole,
        None if heap is None else heap.why,
        min(count, sum(max(0, waits.get(stack, 0)) for stack in chosen)),
        garbage.collector(snapshot.meta),
    )


def _shortest_first(ways: list[Way]) -> list[Way]:
    """With the shortest named way first, of those that hold a good part of what is known: what a reader
    looks for is the nearest name.
    """
    total = sum(way.held.size for way in ways)
    large = [
        way for way in ways if not is_unnamed(way.held.path) and way.held.size >= GOOD_PART * total
    ]
    if not large:
        return ways
    first = min(large, key=lambda way: len(way.held.path))
    return [first, *(way for way in ways if way is not first)]


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


def _both(one: Retention, other: Retention) -> Retention:
    return one._replace(objects=one.objects + other.objects, size=one.size + other.size)


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
