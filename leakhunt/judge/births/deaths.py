"""What died tells a container that replaces its entries from one that only gains some.

The ages of what is alive cannot tell a leak from a list of the last thousand, of a reservoir, of a table of
records that is cut to its best: entries may be as old as the process. What was there and has gone since can.
A leak of r bytes per unit has r bytes more than a unit ago. A container that replaces has as many as before,
for something has died for each that came. Ageing populations are counted in the same way: births,
deaths and those alive add up (the balancing equation of demography: Preston, Heuveline and
Guillot, Demography, 2001, section 1.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import NamedTuple

from leakhunt.judge.births.ages import LEAK, TURNOVER, WARM_UP, Ages, Births
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


def weighed(
    ages: Ages, births: Births, gone: Gone, unordered: bool = False
) -> tuple[Ages, Turned | None]:
    """The answer of the ages, corrected by the deaths; with what refutes a leak, where something does.

    Since an earlier moment a leak has gained what it keeps of what came, a cache that fills all of it, and what
    turns over, replaces, or is emptied now and then nothing. How near the gain is to each, in standard errors,
    is a likelihood (normal), by which the belief in each is multiplied.

    A container may replace entries of any age, as a reservoir does: to ages that looks like a leak. It does so
    since it is full, and when that was is not known: its likelihood is the mean over the moments at which it
    may have become full (each likelihood ratio is 1 on average where it is a leak, and so is their mean: asking at
    many moments makes no false answer likelier). ``unordered``: its entries are in no order, as those are that were replaced
    where they are, or sorted, and as what is only appended hardly ever is.
    """
    at = _earlier(ages, births, gone)
    if at is None or ages.belief <= 0:
        return ages, None
    odds = _odds(at, ages, births, gone)
    if odds is None:
        return ages, None
    there = alive(births, gone)
    moments = _moments(ages, births)
    full = [_level(since, births.edges, there) for since in moments]
    likelier = [(_odds(each, ages, births, gone) or odds)[TURNOVER] for each in full]
    lately = _mean(likelier, moments, births.edges)
    replaced = LEVELS.lives.replaced * ages.beliefs[LEAK]
    if unordered:
        replaced /= LEVELS.lives.unordered
    turning = _believed(
        ages,
        {
            LEAK: ages.beliefs[LEAK],
            WARM_UP: ages.beliefs[WARM_UP] * odds[WARM_UP],
            TURNOVER: (ages.beliefs[TURNOVER] + replaced / 2) * odds[TURNOVER]
            + replaced / 2 * lately,
        },
    )
    if ages.kind != LEAK or turning.kind != TURNOVER:
        return turning, None
    told = [
        (odd, Turned(sum(births.sizes[each:]), gone.sizes[each]))
        for odd, each in zip((odds[TURNOVER], *likelier), (at, *full))
    ]
    return turning, max(told, key=lambda one: (one[0], -abs(one[1].came - one[1].went)))[1]


def _odds(at: int, ages: Ages, births: Births, gone: Gone) -> dict[str, float] | None:
    """How much likelier each kind makes the gain since that column than a leak does; None: nothing is known."""
    came, went = sum(births.sizes[at:]), gone.sizes[at]
    error = (sum(births.squares[at:]) + gone.squares[at]) ** 0.5
    if error <= 0:
        return None
    gains = {LEAK: ages.part * came, WARM_UP: came, TURNOVER: 0.0}
    misses = {kind: ((came - went - gain) / error) ** 2 / 2 for kind, gain in gains.items()}
    most = LEVELS.lives.surest
    return {
        kind: math.exp(min(max(misses[LEAK] - miss, -most), most)) for kind, miss in misses.items()
    }


def _moments(ages: Ages, births: Births) -> list[int]:
    """Columns at which a container may have become full: from the leak's onset on, and as long ago that the
    deaths since are told of.
    """
    t = births.edges
    since = ages.since if ages.kind == LEAK else t[0]
    latest = t[-1] - LEVELS.lives.told * (t[-1] - t[0])
    return [at for at in range(1, len(t) - 1) if since < t[at] <= latest]


def _mean(values: Sequence[float], moments: Sequence[int], t: Sequence[float]) -> float:
    """The mean of what holds at some columns, each for the time since the one before; 0 where there are none."""
    widths = [t[at] - t[at - 1] for at in moments]
    return sum(map(mul, values, widths)) / sum(widths) if widths else 0.0


def _level(since: int, t: Sequence[float], there: Sequence[float]) -> int:
    """The column with the median of what was alive in the first half of the time since then."""
    middle = (t[since] + t[-1]) / 2
    among = [at for at in range(since, len(t) - 1) if at == since or t[at] <= middle]
    return sorted(among, key=there.__getitem__)[len(among) // 2]


def _earlier(ages: Ages, births: Births, gone: Gone) -> int | None:
    """The column to compare with: of those up to the middle of the leak (of the life, where it is none) the
    one with the upper quartile of what was alive. So the trough of a wave is not taken for its beginning,
    nor a single peak for its size.

    None where nothing could be concluded: of what lives for a short while no death is told.
    """
    t, came = births.edges, sum(births.sizes)
    middle = ((ages.since if ages.kind == LEAK else t[0]) + t[-1]) / 2
    last = min(range(len(t) - 1), key=lambda at: abs(t[at] - middle), default=0)
    least = LEVELS.lives.told * (t[-1] - t[0])
    if came <= 0 or t[-1] - t[last] < least:
        return None
    age = sum(size * (t[-1] - (a + b) / 2) for size, a, b in zip(births.sizes, t, t[1:])) / came
    if 2 * age < least:
        return None
    there = alive(births, gone)
    wide = [t[at + 1] - t[at] for at in range(last + 1)]
    beyond = 0.0
    for at in sorted(range(last + 1), key=there.__getitem__, reverse=True):
        beyond += wide[at]
        if beyond >= LEVELS.lives.quartile * sum(wide):
            return at
    return last


def alive(births: Births, gone: Gone) -> list[float]:
    """What was there at each edge: born by then, and alive now or dead since."""
    return [a + b for a, b in zip(accumulate(births.sizes, initial=0.0), (*gone.sizes, 0.0))]


class Grown(NamedTuple):
    """A block that was made larger again and again, as a list's table or a buffer is."""

    start: int
    """The column at which it was there first."""
    first: float
    """Its bytes then."""
    size: float
    """Bytes that it gained since."""


def grown(births: Births, gone: Gone) -> Grown | None:
    """The growth of what is one block, or hardly more; None where it is not steady.

    A block that is reallocated is born again, so that the births of what lives say nothing of it: all of it was
    born a moment ago. With the deaths of its former selves its size is a staircase over the life. CPython's
    lists and byte arrays grow by an eighth at a time (``list_resize`` in ``Objects/listobject.c``): so far may a
    steady growth lie from its chord, and a little more for the period in which it began.
    """
    t = births.edges
    there = alive(births, gone)
    start = next((at for at, size in enumerate(there) if size > 0), len(there) - 1)
    pairs = list(zip(there[start:], there[start + 1 :]))
    steps = sum(after > before for before, after in pairs)
    size, life = there[-1] - there[start], t[-1] - t[start]
    if steps < LEVELS.lives.steps or any(after < before for before, after in pairs):
        return None
    apart = max(
        abs((each - there[start]) / size - (at - t[start]) / life)
        for each, at in zip(there[start:], t[start:])
    )
    return Grown(start, there[start], size) if apart <= LEVELS.lives.stair else None


def _believed(ages: Ages, weights: Mapping[str, float]) -> Ages:
    """With beliefs in proportion to these weights of the kinds."""
    total = sum(weights.values())
    beliefs = {kind: weight / total for kind, weight in weights.items()}
    kind = max(beliefs, key=lambda each: beliefs[each])
    return ages._replace(kind=kind, belief=beliefs[kind], beliefs=beliefs)
