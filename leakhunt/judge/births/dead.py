"""Births without the dead: what nothing refers to any more has died, though its memory is not free yet.

Unreachable cycles stay until the collector comes, and what they hold stays with them. To the ages of survivors they are
a queue of the newest, and beside a leak they make its rate too high. The walk of a capture's child knows
them: the nodes that no root leads to. And blocks that CPython has put into a free list, up to 2,000
tuples of each length (``Objects/tupleobject.c``), are taken from there and put back for the whole life: those
at its bottom are as old as any entry of a leak. Their objects' types and counts of references tell.

Both count among the dead: alive when they were born, and gone now. A line still has grown by them: only what is
concluded from births does without.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import add

from leakhunt.judge.births.ages import Births
from leakhunt.judge.births.deaths import Gone
from leakhunt.judge.history import Dead
from leakhunt.model.snapshot import Birth


def dead(births: Sequence[Birth], columns: int, collected: bool) -> Dead | None:
    """What has died of a stack's births, by the periods of a life; what was born before the fork counts as of the first.
    None: nothing has.

    ``collected``: whether somebody will collect what waits; else it stays.
    """
    sums = [[0.0] * columns for _ in Dead._fields]
    for birth in births:
        part = lost_of(birth, collected)
        if part > 0:
            size = birth.size * part
            waiting = min(size, birth.waiting if collected else 0.0)
            told = (size, birth.squares * part, birth.blocks * part, waiting)
            at = max(0, min(birth.period, columns - 1))
            for row, value in zip(sums, told):
                row[at] += value
    return Dead(*(list(accumulate(row)) for row in sums)) if any(sums[0]) else None


def lost_of(birth: Birth, collected: bool) -> float:
    """The part of a birth that has died."""
    size = birth.free + (birth.waiting if collected else 0.0)
    return min(1.0, size / birth.size) if birth.size > 0 else 0.0


def without(births: Births, lost: Dead | None) -> Births:
    """What remains of births when what has died is taken out."""
    if lost is None:
        return births
    sizes, squares, blocks = (
        tuple(max(0.0, had - (b - a)) for had, a, b in zip(column, row, row[1:]))
        for column, row in zip((births.sizes, births.squares, births.blocks), lost)
    )
    return births._replace(sizes=sizes, squares=squares, blocks=blocks)


def buried(gone: Gone | None, lost: Dead | None) -> Gone | None:
    """What has been given back, with those: at each column but the last. None: deaths are not known."""
    if gone is None or lost is None:
        return gone
    return Gone(
        tuple(map(add, gone.sizes, lost.sizes)), tuple(map(add, gone.squares, lost.squares))
    )
