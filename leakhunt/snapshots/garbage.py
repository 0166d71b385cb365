"""What only waits for the garbage collector: objects in unreachable cycles, counted in the process itself
when a snapshot is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leakhunt.model.query import SPLIT, Query
from leakhunt.model.snapshot import Frame, Meta, Snapshot, Stack
from leakhunt.snapshots.objects import Key, stacks_by_row


def waiting(meta: Meta) -> dict[Stack, int]:
    """How many objects wait, by the stack that made them; what is malformed is left out."""
    garbage = meta.facts.get("garbage")
    stacks = garbage.get("stacks") if isinstance(garbage, Mapping) else None
    numbers: dict[Stack, int] = {}
    for entry in stacks if isinstance(stacks, list) else ():
        stack, number = _traceback(entry)
        numbers[stack] = numbers.get(stack, 0) + number
    return numbers


def is_collected(meta: Meta) -> bool:
    """Whether somebody will collect them: the collector is on, as far as the file says."""
    collector = meta.facts.get("gc")
    return not (isinstance(collector, Mapping) and collector.get("enabled") is False)


def by_row(snapshot: Snapshot, query: Query, before: Snapshot | None = None) -> Mapping[Key, int]:
    """For each row that the query makes of the snapshot, by its key, how many of its objects wait; with
    ``before`` how many more do. Rows of which none does are left out.
    """
    numbers = waiting(snapshot.meta)
    if not numbers or query.group_by in SPLIT:
        return {}
    earlier = waiting(before.meta) if before is not None else {}
    rows = {
        key: sum(numbers.get(stack, 0) - earlier.get(stack, 0) for stack in stacks)
        for key, stacks in stacks_by_row(snapshot, query).items()
    }
    return {key: number for key, number in rows.items() if number > 0}


def _traceback(entry: Any) -> tuple[Stack, int]:
    """A stack, most recent call last, with its number; an empty one for what is none."""
    try:
        frames, number = entry
        stack = tuple(Frame(str(file), int(line)) for file, line in reversed(frames))
        return stack, int(number)
    except (TypeError, ValueError):
        return (), 0
