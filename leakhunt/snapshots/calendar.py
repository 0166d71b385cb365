"""The calendar of a snapshot, and what was born and has died by it, checked: what is malformed counts as not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leakhunt.model.snapshot import Birth, Calendar, Gone, Stack, Tally
from leakhunt.snapfile import records
from leakhunt.snapshots.facts import (
    LONGEST_NAME,
    MOST_PERIODS,
    is_row,
    known_records,
    number_of,
    numbers_of,
)

#: What a calendar may count.
UNITS = ("task", "second")


def calendar(recorded: Mapping[str, Any]) -> Calendar | None:
    """The periods of the births; None where the file tells none, or wrong ones."""
    said = recorded.get("calendar")
    if not isinstance(said, dict) or said.get("unit") not in UNITS:
        return None
    edges, moments, intervals = (
        numbers_of(said.get(name) or ()) if is_row(said.get(name)) else []
        for name in ("edges", "moments", "intervals")
    )
    armed = number_of(said.get("armed"))
    whole = [int(edge) for edge in edges if edge is not None]
    if armed is None or not 1 < len(whole) == len(edges) == len(moments) <= MOST_PERIODS:
        return None
    if len(intervals) != len(whole) - 1 or any(b <= a for a, b in zip(whole, whole[1:])):
        return None
    made = Calendar(said["unit"], tuple(whole), tuple(moments), tuple(intervals), int(armed))
    return replace(
        made,
        deaths=isinstance(recorded.get("gone"), (tuple, list)),
        rest=births_of(_rest(recorded.get("births")), said, made.periods),
    )


def _rest(recorded: Any) -> Any:
    for said in records.read(records.Births, recorded):
        if said.frames in ((), []):
            return said.births
    return ()


def births(
    recorded: Any, said: Any, tallies: Mapping[Stack, Tally]
) -> dict[Stack, tuple[Birth, ...]]:
    """When and in which task each stack's blocks were asked for; never more than the stack has."""
    made = calendar({"calendar": said})
    if made is None:
        return {}
    of_stack: dict[Stack, tuple[Birth, ...]] = {}
    for stack, told in known_records(records.Births, recorded, tallies):
        born = together(of_stack.get(stack, ()) + births_of(told.births, said, made.periods))
        size, blocks = sum(birth.size for birth in born), sum(birth.blocks for birth in born)
        if born and size <= tallies[stack].size and blocks <= tallies[stack].count:
            of_stack[stack] = born
    return of_stack


def gone(recorded: Any, said: Any, tallies: Mapping[Stack, Tally]) -> dict[Stack, Gone]:
    """What has died of each stack, by period; a malformed record tells nothing."""
    made = calendar({"calendar": said})
    of_stack: dict[Stack, Gone] = {}
    if made is None:
        return of_stack
    for stack, told in known_records(records.Gone, recorded, tallies):
        if not (is_row(told.sizes) and is_row(told.roots)):
            continue
        sizes, roots = map(numbers_of, (told.sizes, told.roots))
        if not len(sizes) == len(roots) == made.periods - 1 or None in (*sizes, *roots):
            continue
        before = of_stack.get(stack, Gone((0.0,) * len(sizes), (0.0,) * len(sizes)))
        of_stack[stack] = Gone(
            tuple(a + float(size or 0) for a, size in zip(before.sizes, sizes)),
            tuple(a + float(root or 0) ** 2 for a, root in zip(before.squares, roots)),
        )
    return of_stack


def births_of(recorded: Any, said: Mapping[str, Any], periods: int) -> tuple[Birth, ...]:
    """The births of a record; none at all where one is malformed."""
    names = said.get("tasks")
    named = names if isinstance(names, (tuple, list)) else ()
    told = list(records.read(records.Birth, recorded))
    if not isinstance(recorded, (tuple, list)) or len(told) != len(recorded):
        return ()
    several = []
    for birth in told:
        numbers = numbers_of(birth[1:])
        if None in numbers or isinstance(birth.period, bool) or not isinstance(birth.period, int):
            return ()
        task, runs, samples, size, root, blocks, *parts = (number or 0 for number in numbers)
        name = named[int(task) - 1] if 0 < task <= len(named) else None
        if not (-1 <= birth.period < periods and 1 <= runs <= samples):
            return ()
        if size < max(root, *parts):
            return ()
        if task and not isinstance(name, str):
            return ()
        squares = max(float(root) ** 2, float(size) ** 2 / runs)
        several.append(
            Birth(
                birth.period,
                None if name is None else name[:LONGEST_NAME],
                int(runs),
                int(samples),
                float(size),
                squares,
                float(blocks),
                *map(float, parts),
            )
        )
    return tuple(several)


def _both(one: Birth, other: Birth) -> Birth:
    """As if no unit were the same."""
    return Birth(
        one.period,
        one.task,
        one.runs + other.runs,
        one.samples + other.samples,
        one.size + other.size,
        one.squares + other.squares,
        one.blocks + other.blocks,
        one.recycled + other.recycled,
        one.waiting + other.waiting,
        one.free + other.free,
    )


def together(births: tuple[Birth, ...]) -> tuple[Birth, ...]:
    """One for each period and task, in order: a file may tell of a stack twice."""
    by_age: dict[tuple[int, str], Birth] = {}
    for birth in births:
        key = (birth.period, birth.task or "")
        by_age[key] = _both(by_age[key], birth) if key in by_age else birth
    return tuple(by_age[key] for key in sorted(by_age))
