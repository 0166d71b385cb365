"""What a file tells of its stacks, gathered: one value for each."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from types import MappingProxyType

from leakhunt.model.snapshot import UNTOLD, Facts, Stack
from leakhunt.snapfile.read import Raw
from leakhunt.snapshots import calendar, facts, handed, retention


def by_stack(raw: Raw) -> dict[Stack, Facts]:
    """What a file tells of its stacks: of those that it tells something of."""
    recorded, tallies = raw.facts, raw.tallies
    sure = facts.estimates(recorded.get("estimates"), tallies)
    sizes = facts.types(recorded.get("types"), tallies)
    handed_on = facts.recycled(recorded.get("recycled"), sizes, tallies)
    held = facts.holders(recorded.get("holders"), tallies)
    born = calendar.births(recorded.get("births"), recorded.get("calendar"), tallies)
    died = calendar.gone(recorded.get("gone"), recorded.get("calendar"), tallies)
    together: dict[Stack, Facts] = {}
    for stack in dict.fromkeys(chain(sure, sizes, handed_on, held, born, died, raw.blocks)):
        stderr, samples = sure.get(stack, (None, 0))
        together[stack] = Facts(
            stderr,
            samples,
            MappingProxyType(sizes.get(stack, {})),
            handed_on.get(stack, 0),
            held.get(stack, ()),
            raw.blocks.get(stack, ()),
            born.get(stack, ()),
            gone=died.get(stack),
        )
    for stack, ways in retention.by_stack(raw.facts, raw.tallies).items():
        together[stack] = replace(together.get(stack, UNTOLD), retention=ways)
    for stack, one in retention.counted(raw.facts.get("counted"), raw.tallies).items():
        together[stack] = replace(together.get(stack, UNTOLD), counted=one)
    for stack, several in handed.by_stack(raw.facts, together, raw.tallies).items():
        together[stack] = replace(together[stack], handed=several)
    return together
