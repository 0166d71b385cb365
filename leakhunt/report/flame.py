"""What a renderer of ``top --flame`` and ``diff --flame`` gets: the table's report, and its stacks as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import NOTHING, Stack
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.sites.flame import Flame, Weight, flame, weigh
from leakhunt.snapshots.filters import selector

Table = Union[TopReport, DiffReport]

#: Frames of the tree: more than any window shows.
NODES = 20_000


@dataclass(frozen=True)
class FlameReport:
    """Stacks as boxes, each as wide as its bytes."""

    table: Table
    tree: Flame

    @property
    def compared(self) -> bool:
        """Whether a width is what changed."""
        return isinstance(self.table, DiffReport)


def drawing(table: Table) -> FlameReport:
    """The stacks that the table's query keeps."""
    return FlameReport(table, flame([_kept(table)], NODES))


def _kept(table: Table) -> Iterator[tuple[Stack, Weight]]:
    newest = table.after if isinstance(table, DiffReport) else table.snapshot
    select = selector(table.query, prefixes(newest.meta.facts))
    new = newest.tallies
    if not isinstance(table, DiffReport):
        for stack, tally in new.items():
            if select(stack) is not None:
                yield stack, weigh(None, tally.size, 0, tally.count)
        return
    old = table.before.tallies
    for stack in (*new, *(stack for stack in old if stack not in new)):
        if select(stack) is not None:
            was, now = old.get(stack, NOTHING), new.get(stack, NOTHING)
            yield stack, weigh(was.size, now.size, was.count, now.count)
