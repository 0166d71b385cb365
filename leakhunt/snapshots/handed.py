"""What a file tells of births that freelists may have handed on, checked: parts are never more than the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leakhunt.model.snapshot import Birth, Facts, Handed, Stack, Tally
from leakhunt.snapfile import records
from leakhunt.snapshots import calendar, facts, retention

#: What is left of a stack's births of one period and task: samples, bytes, recycled bytes, blocks.
_Left = list[float]


def by_stack(
    attributes: Mapping[str, Any], told: Mapping[Stack, Facts], tallies: Mapping[Stack, Tally]
) -> dict[Stack, tuple[Handed, ...]]:
    """What of the births of each stack containers keep; a record that is more than is left of them is left out."""
    made = calendar.calendar({"calendar": attributes.get("calendar")})
    holders = retention.holders(attributes.get("heap"))
    if made is None or not holders:
        return {}
    parts: dict[Stack, tuple[Handed, ...]] = {}
    left: dict[Stack, dict[tuple[int, str | None], _Left]] = {}
    for stack, said in facts.known_records(records.Handed, attributes.get("handed"), tallies):
        at = retention.numbered(holders, said.holder)
        born = calendar.births_of(said.births, attributes["calendar"], made.periods)
        if at is None or not at.mark or not born or stack not in told:
            continue
        of_stack = left.setdefault(stack, _whole(told[stack].births))
        born = tuple(birth._replace(recycled=birth.size) for birth in calendar.together(born))
        if _taken(of_stack, born):
            grower = facts.stack_of(said.grower)
            where = grower if grower in tallies else None
            parts[stack] = (*parts.get(stack, ()), Handed(at, where, born))
    return parts


def _whole(births: Sequence[Birth]) -> dict[tuple[int, str | None], _Left]:
    return {(birth.period, birth.task): _amounts(birth) for birth in births}


def _amounts(birth: Birth) -> _Left:
    return [birth.samples, birth.size, birth.recycled, birth.blocks]


def _taken(left: dict[tuple[int, str | None], _Left], births: Sequence[Birth]) -> bool:
    """Whether there is so much left; then it is taken."""
    for birth in births:
        have = left.get((birth.period, birth.task))
        if have is None or any(a > b for a, b in zip(_amounts(birth), have)):
            return False
    for birth in births:
        have = left[birth.period, birth.task]
        left[birth.period, birth.task] = [b - a for a, b in zip(_amounts(birth), have)]
    return True
