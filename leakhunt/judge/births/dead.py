"""Births without garbage: what nothing refers to any more has died, though its memory is not free yet.

Unreachable cycles stay until the collector comes, and what they hold stays with them. To the ages of survivors they are
a queue of the newest, and beside a leak they make its rate too high. The walk of a capture's child knows
them (the nodes that no root leads to), so they count among the dead: alive when they were born, and gone now.

Where garbage is most of what a line has, that is what its growth is, and what is said of it
(:mod:`leakhunt.judge.excuses.garbage`): such a line stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from leakhunt.judge.levels import LEVELS
from leakhunt.model.snapshot import Birth, Gone, Snapshot
from leakhunt.snapshots.garbage import is_collected


def without_garbage(snapshot: Snapshot) -> Snapshot:
    """The snapshot, in whose births nothing waits for the collector but of lines that consist of such; itself where
    nothing does, or nobody will collect it.
    """
    if snapshot.calendar is None or not is_collected(snapshot.meta):
        return snapshot
    facts = dict(snapshot.facts)
    for stack, told in snapshot.facts.items():
        waiting = sum(birth.waiting for birth in told.births)
        whole = sum(birth.size for birth in told.births)
        if not 0 < waiting < LEVELS.excuses.garbage * whole:
            continue
        dead = [_part(birth, birth.waiting) for birth in told.births if birth.waiting > 0]
        facts[stack] = replace(
            told,
            births=tuple(
                _part(birth, birth.size - birth.waiting)
                for birth in told.births
                if birth.size > birth.waiting
            ),
            gone=_buried(told.gone, dead, snapshot.calendar.periods),
        )
    return replace(snapshot, facts=MappingProxyType(facts))


def _part(birth: Birth, size: float) -> Birth:
    """So many bytes of it, as if garbage were spread evenly over its units."""
    part = size / birth.size
    samples = max(1, round(birth.samples * part))
    runs = min(birth.runs, samples)
    return birth._replace(
        runs=runs,
        samples=samples,
        size=size,
        squares=max(birth.squares * part, size**2 / runs),
        blocks=birth.blocks * part,
        recycled=min(birth.recycled, size),
        waiting=0.0,
    )


def _buried(gone: Gone | None, dead: Sequence[Birth], periods: int) -> Gone:
    """Those that have died, with these: alive at the end of the period in which they were born, and ever since."""
    sizes, squares = (
        list(each) for each in (gone or Gone((0.0,) * (periods - 1), (0.0,) * (periods - 1)))
    )
    for birth in dead:
        for at in range(max(0, birth.period), periods - 1):
            sizes[at] += birth.size
            squares[at] += birth.squares
    return Gone(tuple(sizes), tuple(squares))
