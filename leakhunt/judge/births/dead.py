"""Births without garbage: what nothing refers to any more has died, though its memory is not free yet.

Unreachable cycles stay until the collector comes, and what they hold stays with them. To the ages of survivors they are
a queue of the newest, and beside a leak they make its rate too high. The walk of a capture's child knows
them (the nodes that no root leads to), so they count among the dead: alive when they were born, and gone now.
A line still has grown by them: only what is concluded from births does without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import add

from leakhunt.judge.births.ages import Births
from leakhunt.judge.births.deaths import Gone
from leakhunt.judge.history import Waiting
from leakhunt.model.snapshot import Birth, Stack


def waiting(births: Sequence[Birth], columns: int) -> Waiting | None:
    """What waits of a stack's births, by the periods of a life; what was born before the fork counts as of the first.
    None: nothing does.
    """
    sums = [[0.0] * columns for _ in Waiting._fields]
    for birth in births:
        if birth.waiting > 0:
            part = birth.waiting / birth.size
            told = (birth.waiting, birth.squares * part, birth.blocks * part)
            at = max(0, min(birth.period, columns - 1))
            for row, value in zip(sums, told):
                row[at] += value
    return Waiting(*(list(accumulate(row)) for row in sums)) if any(sums[0]) else None


def together(every: Mapping[Stack, Waiting], stacks: Iterable[Stack]) -> Waiting | None:
    """What waits of some stacks; None: nothing does."""
    rows = [every[stack] for stack in stacks if stack in every]
    return Waiting(*(list(map(sum, zip(*column))) for column in zip(*rows))) if rows else None


def without(births: Births, idle: Waiting | None) -> Births:
    """What remains of births when what waits is taken out."""
    if idle is None:
        return births
    sizes, squares, blocks = (
        tuple(max(0.0, had - (b - a)) for had, a, b in zip(column, row, row[1:]))
        for column, row in zip((births.sizes, births.squares, births.blocks), idle)
    )
    return births._replace(sizes=sizes, squares=squares, blocks=blocks)


def buried(gone: Gone | None, idle: Waiting | None) -> Gone | None:
    """Those that have died, with what waits: at each column but the last. None: deaths are not known."""
    if gone is None or idle is None:
        return gone
    return Gone(
        tuple(map(add, gone.sizes, idle.sizes)), tuple(map(add, gone.squares, idle.squares))
    )
