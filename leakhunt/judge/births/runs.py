"""In which task the survivors were born: a fact of each sample, not a correlation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS
from leakhunt.model.snapshot import Snapshot, Stack


class Brought(NamedTuple):
    """What one task has brought of a growth."""

    task: str
    share: float
    """Its part of the growth, by bytes."""


def brought(snapshot: Snapshot, stacks: Iterable[Stack], since: float) -> Brought | None:
    """The task in which most of what was born from the unit ``since`` on was asked for; of blocks that
    no freelist has handed on, where there are any.

    None where none has brought most of it: several do, or what leaks runs outside of tasks.
    """
    calendar = snapshot.calendar
    if calendar is None:
        return None
    sizes: dict[str | None, float] = {}
    surely: dict[str | None, float] = {}
    for stack in stacks:
        for birth in snapshot.told(stack).births:
            if 0 <= birth.period < calendar.periods and calendar.edges[birth.period] >= since:
                sizes[birth.task] = sizes.get(birth.task, 0.0) + birth.size
                sure = birth.size - birth.recycled
                surely[birth.task] = surely.get(birth.task, 0.0) + sure
    if (
        sum(surely.values()) > 0
    ):  # who asked for a block that was handed on did not make what is in it
        sizes = surely
    total = sum(sizes.values())
    if total <= 0:
        return None
    task = max(sizes, key=lambda name: sizes[name])
    share = sizes[task] / total
    return Brought(task, share) if task is not None and share >= LEVELS.lives.task else None
