"""What is still wanted for an answer where sizes are samples: how many more, and how long that takes."""

from __future__ import annotations

from typing import NamedTuple

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Growth
from leakhunt.judge.series.shape import LEAK


class Wanted(NamedTuple):
    """Of a growth that may be a leak."""

    samples: int
    """Seen so far."""
    size: float
    """Bytes by which it must grow for as many more as are wanted."""
    units: float
    """Tasks (or seconds, or snapshots) in which it does, at its present rate."""


def wanted(history: History, growth: Growth) -> Wanted | None:
    """What is wanted to call a growth a leak or not; None where samples are not what is missing."""
    seen, interval = growth.shape.samples, sampling(history)
    if seen is None or interval is None or seen < LEVELS.samples.suspicious or growth.grown <= 0:
        return None
    if growth.shape.verdict == LEAK or not growth.shape.open:
        return None
    size = interval * (LEVELS.samples.enough - seen if seen < LEVELS.samples.enough else seen)
    return Wanted(seen, size, size / growth.grown * history.times[-1])


def suspicious(answer: Wanted | None) -> bool:
    """Whether a growth that may be a leak is told of though it is small so far: many samples rose."""
    return answer is not None and answer.samples >= LEVELS.samples.enough


def located(history: History, rate: float) -> Wanted | None:
    """What is wanted to see where a process grows that surely grows by ``rate`` bytes per unit more than is explained;
    None where that much would have shown already, or is too little to be looked at.
    """
    interval, grown = sampling(history), rate * history.times[-1]
    if interval is None or not LEVELS.resident.least <= grown < LEVELS.samples.shown * interval:
        return None
    return Wanted(0, LEVELS.samples.enough * interval, LEVELS.samples.enough * interval / rate)


def sampling(history: History) -> int | None:
    """Mean bytes between two samples in the newest snapshot; None where sizes are exact."""
    interval = history.last.facts.get("interval")
    return interval if history.is_sampled and isinstance(interval, int) and interval > 0 else None


def coarsest(history: History) -> int | None:
    """The most mean bytes between two samples that any of its snapshots had; None where sizes are exact."""
    told = (meta.facts.get("interval") for meta in history.metas)
    return max((each for each in told if isinstance(each, int) and each > 0), default=None)


def blind_below(history: History) -> float | None:
    """Bytes per unit of a leak that so few samples may not show yet; None where sizes are exact."""
    interval = sampling(history)
    spent = history.times[-1]
    return LEVELS.samples.enough * interval / spent if interval is not None and spent > 0 else None
