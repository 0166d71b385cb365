"""What died tells a container that replaces its entries from one that only gains some.

The ages of what is alive cannot tell a leak from a list of the last thousand, of a reservoir, of a table of
records that is cut to its best: entries may be as old as the process. What was there and has gone since can.
A leak of r bytes per unit has r bytes more than a unit ago. A container that replaces has as many as before,
for something has died for each that came. Ageing populations are counted in the same way: births,
deaths and those alive add up (the balancing equation of demography: Preston, Heuveline and
Guillot, Demography, 2001, section 1.1).
"""

from __future__ import annotations

from typing import NamedTuple

from leakhunt.judge.births.ages import LEAK, TURNOVER, Ages, Births
from leakhunt.judge.levels import LEVELS


class Gone(NamedTuple):
    """What was alive at each edge of the births but the last, and has died since."""

    sizes: tuple[float, ...]
    """Bytes."""
    squares: tuple[float, ...]
    """Their variances."""


class Turned(NamedTuple):
    """Why a leak is none: bytes that came since some moment, and bytes that went."""

    came: float
    went: float


def weighed(ages: Ages, births: Births, gone: Gone) -> tuple[Ages, Turned | None]:
    """The answer of the ages, corrected by the deaths; with what refutes a leak, where something does.

    A kind that the deaths refute is believed in as little as may be (:data:`LEVELS`).
    """
    if ages.kind == LEAK:
        turned = _replaced(ages, births, gone) or _emptied(ages, births, gone)
        return (ages, None) if turned is None else (_without(ages, LEAK, TURNOVER), turned)
    if ages.kind == TURNOVER and _nothing_went(births, gone):
        return _without(ages, TURNOVER, None), None
    return ages, None


def _replaced(ages: Ages, births: Births, gone: Gone) -> Turned | None:
    """Since the middle of the leak less than half of what it would have added was added.

    Objects that live so shortly that their deaths are not told prove nothing: the time looked at is
    several times as long.
    """
    t = births.edges
    start = _column(births, ages.since)
    middle = (t[start] + t[-1]) / 2
    at = min(range(start, len(t) - 1), key=lambda i: abs(t[i] - middle), default=0)
    if t[-1] - t[at] < LEVELS.lives.told * (t[-1] - t[0]):
        return None
    came, went = sum(births.sizes[at:]), gone.sizes[at]
    error = (sum(births.squares[at:]) + gone.squares[at]) ** 0.5
    wanted = LEVELS.lives.stays * ages.part * came
    return Turned(came, went) if came - went + LEVELS.lives.beyond * error < wanted else None


def _emptied(ages: Ages, births: Births, gone: Gone) -> Turned | None:
    """Before a leak that began suddenly there was as much already, and it has gone."""
    start = _column(births, ages.since)
    if not ages.sudden or start < 1:
        return None
    came = sum(births.sizes[start:])
    before = max(range(start), key=gone.sizes.__getitem__)
    went = gone.sizes[before]
    sure = went - LEVELS.lives.beyond * gone.squares[before] ** 0.5
    return Turned(came, went) if sure > LEVELS.lives.stays * came > 0 else None


def _nothing_went(births: Births, gone: Gone) -> bool:
    """Whether what is young has come to stay: hardly anything has ever gone. Of what lives shortly, no death
    is told.
    """
    t, came = births.edges, sum(births.sizes)
    if came <= 0:
        return False
    age = sum(size * (t[-1] - (a + b) / 2) for size, a, b in zip(births.sizes, t, t[1:])) / came
    if 2 * age < LEVELS.lives.told * (t[-1] - t[0]):
        return False
    most = max(range(len(gone.sizes)), key=gone.sizes.__getitem__)
    error = (gone.squares[most] + sum(births.squares)) ** 0.5
    return bool(gone.sizes[most] + LEVELS.lives.beyond * error < LEVELS.lives.stays * came)


def _column(births: Births, since: float) -> int:
    return next((i for i, t in enumerate(births.edges) if t >= since - 1e-9), 0)


def _without(ages: Ages, refuted: str, instead: str | None) -> Ages:
    """Where one kind is refuted, what was believed of it goes to another, or to those that are left."""
    beliefs = dict(ages.beliefs)
    freed = beliefs[refuted]
    beliefs[refuted] = LEVELS.lives.least * freed
    if instead is not None:
        beliefs[instead] += freed - beliefs[refuted]
    total = sum(beliefs.values())
    beliefs = {kind: belief / total for kind, belief in beliefs.items()}
    kind = max(beliefs, key=lambda each: beliefs[each])
    return ages._replace(kind=kind, belief=beliefs[kind], beliefs=beliefs)
