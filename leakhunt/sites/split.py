"""A stack's memory shared out among what its objects are, or who asked for them.

A line may make objects of many types and for many tasks, so these groupings split stacks, where all others
put stacks together. The parts of a stack add up to it, bytes and blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt.model.query import TASK, TYPE
from leakhunt.model.snapshot import NOTHING, Snapshot, Stack, Tally

#: What nothing is known of, and what no task has asked for.
UNKNOWN, NO_TASK = "(not known)", "(no task)"


def parts(snapshot: Snapshot | None, stack: Stack, group_by: str) -> dict[str, Tally]:
    """The tally of a stack by type or task: at least one part, unless it is not there."""
    tally = snapshot.tallies.get(stack, NOTHING) if snapshot is not None else NOTHING
    if snapshot is None or tally == NOTHING:
        return {}
    told = snapshot.told(stack)
    sizes: dict[str, float] = {}
    counts: dict[str, float] = {}
    if group_by == TYPE:
        sizes = dict(told.types)
        counts = {name: tally.count * size / max(1, tally.size) for name, size in sizes.items()}
    for birth in told.births if group_by == TASK else ():
        name = birth.task or NO_TASK
        sizes[name] = sizes.get(name, 0.0) + birth.size
        counts[name] = counts.get(name, 0.0) + birth.blocks
    names = [*sizes, UNKNOWN]
    shared = zip(_whole([*sizes.values()], tally.size), _whole([*counts.values()], tally.count))
    tallies = {name: Tally(*each) for name, each in zip(names, shared)}
    return {name: each for name, each in tallies.items() if each != NOTHING}


def _whole(values: Sequence[float], total: int) -> list[int]:
    """Whole numbers that add up to the total, the rest last; scaled where they are more than that."""
    scale = min(1.0, total / sum(values)) if sum(values) > 0 else 0.0
    wholes: list[int] = []
    before = 0.0
    for value in values:
        before += value * scale
        wholes.append(min(total, round(before)) - sum(wholes))
    return [*wholes, total - sum(wholes)]
