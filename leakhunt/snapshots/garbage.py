"""What only waits for the garbage collector: objects in unreachable cycles, counted in the process itself
when a snapshot is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from leakhunt.model.meta import Meta
from leakhunt.model.query import SPLIT, Query
from leakhunt.model.snapshot import Frame, Snapshot, Stack
from leakhunt.snapshots.facts import number_of
from leakhunt.snapshots.objects import Key, stacks_by_row


class Collector(NamedTuple):
    """The garbage collector of a process; None for what its file does not say."""

    enabled: bool | None
    """Whether it runs by itself."""
    frozen: int | None
    """Objects that ``gc.freeze()`` has put aside: it never looks at them."""
    uncollectable: int | None
    """Objects in ``gc.garbage``, which keeps them."""


#: Of a file that says nothing.
UNKNOWN = Collector(None, None, None)


def collector(meta: Meta) -> Collector:
    """What a file says of its process's collector."""
    told = meta.facts.get("gc")
    told = told if isinstance(told, Mapping) else {}
    enabled = told.get("enabled")
    frozen, kept = (number_of(told.get(name)) for name in ("frozen", "garbage"))
    return Collector(
        enabled if isinstance(enabled, bool) else None,
        None if frozen is None else int(frozen),
        None if kept is None else int(kept),
    )


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
    return collector(meta).enabled is not False


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
