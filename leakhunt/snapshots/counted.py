"""A snapshot whose figures are put right by what the walk has counted, before its births and ways are looked at.

Samples say how much a stack holds with an error of one part in the root of their number: with twelve samples a third.
The walk counts all objects that are held like those (:mod:`leakhunt.engine.retention`), and says so nearly exactly. *When* they
were born only the samples know. So births are scaled to what was counted, and what remains of their error is
that of their shape over time. Where nobody walked, everything stays as it was estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Birth, Facts, Snapshot, Stack, Tally


def put_right(snapshot: Snapshot) -> Snapshot:
    """With tallies, births and holders as counted; itself where nothing was."""
    if all(told.counted is None for told in snapshot.facts.values()):
        return snapshot
    facts, tallies = dict(snapshot.facts), dict(snapshot.tallies)
    for stack, told in snapshot.facts.items():
        tally = snapshot.tallies.get(stack)
        if told.counted is not None and tally is not None and tally.size > 0:
            by = told.counted.size / tally.size
            counted = told.counted._replace(scale=by)
            facts[stack] = replace(_scaled(told, by), counted=counted)
            tallies[stack] = Tally(told.counted.size, round(tally.count * by))
    return replace(snapshot, facts=MappingProxyType(facts), tallies=MappingProxyType(tallies))


def left(snapshot: Snapshot | None, stacks: Iterable[Stack]) -> float:
    """Which part of the variance of some stacks' size is left: 1 where nothing was counted."""
    chosen = tuple(stacks)
    before = sum(_stderr(snapshot, stack) ** 2 for stack in chosen)
    return unknown(snapshot, chosen) / before if before > 0 else 1.0


def unknown(snapshot: Snapshot | None, stacks: Iterable[Stack]) -> float:
    """The variance of some stacks' size, less where it was counted: bytes squared."""
    variance = 0.0
    for stack in stacks:
        estimated = _stderr(snapshot, stack) ** 2
        told = None if snapshot is None else snapshot.facts.get(stack)
        counted = None if told is None else told.counted
        variance += estimated if counted is None else min(estimated, counted.variance)
    return variance


def _stderr(snapshot: Snapshot | None, stack: Stack) -> float:
    told = None if snapshot is None else snapshot.facts.get(stack)
    return 0.0 if told is None or told.stderr is None else told.stderr


def scale(snapshot: Snapshot | None, stacks: Iterable[Stack]) -> float:
    """What was counted of some stacks over what samples said of them; 1 where nothing was counted.

    For a snapshot that was put right: so much less, or more, each sample stands for.
    """
    if snapshot is None:
        return 1.0
    estimate = size = 0.0
    for stack in stacks:
        told, tally = snapshot.facts.get(stack), snapshot.tallies.get(stack)
        if tally is not None:
            size += tally.size
            of = told.counted.scale if told is not None and told.counted is not None else 1.0
            estimate += tally.size / of if of > 0 else 0.0
    return size / estimate if size > 0 and estimate > 0 else 1.0


def _scaled(told: Facts, scale: float) -> Facts:
    """What a container keeps of births is put right by what was counted there."""
    right = tuple(as_counted(way) for way in told.retention)
    sampled, counted = _by_mark(told.retention), _by_mark(right)
    handed = []
    for part in told.handed:
        before, mark = sampled.get(part.holder.mark, 0), part.holder.mark
        by = counted[mark] / before if before > 0 else scale
        handed.append(part._replace(births=tuple(_birth(birth, by) for birth in part.births)))
    return replace(
        told,
        births=tuple(_birth(birth, scale) for birth in told.births),
        retention=right,
        handed=tuple(handed),
        recycled=round(told.recycled * scale),
    )


def _by_mark(ways: Iterable[Retention]) -> Counter[int]:
    """Bytes by container."""
    sizes: Counter[int] = Counter()
    for way in ways:
        if way.mark:
            sizes[way.mark] += way.size
    return sizes


def _birth(birth: Birth, scale: float) -> Birth:
    return birth._replace(
        size=birth.size * scale,
        squares=birth.squares * scale**2,
        blocks=birth.blocks * scale,
        recycled=birth.recycled * scale,
        waiting=birth.waiting * scale,
        free=birth.free * scale,
    )


def as_counted(way: Retention) -> Retention:
    """A way with what was counted of it, where that was done."""
    if way.counted is None:
        return way
    objects, size = way.counted
    return way._replace(objects=objects, size=size, counted=None)
