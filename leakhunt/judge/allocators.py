"""What the allocators' own figures say of growth beyond traced memory: native code's, free, or of no file.

Where the snapshots do not carry a figure, nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt.judge.levels import LEVELS
from leakhunt.model.meta import Meta
from leakhunt.snapshots import facts

NATIVE, FRAGMENTATION = "native", "fragmentation"


def kind(points: Sequence[Meta]) -> str | None:
    """What the allocators say of the growth: in use by native code, or free and not returned.

    What malloc and pymalloc have handed out is traced memory, the tracer's tables, and
    native code's. Memory that native code maps by itself is in neither figure.
    """
    first, last = points[0], points[-1]
    used, free = grown(first, last, facts.USED), grown(first, last, facts.FREE)
    if used is None or free is None:
        return None
    own = (last.traced or 0) - (first.traced or 0) + (last.tracer or 0) - (first.tracer or 0)
    rest = used - own
    rise = (last.rss or 0) - (first.rss or 0)
    if max(rest, free) < LEVELS.resident.accounted * (rise - max(0, own)):
        return NATIVE  # mapped outside both allocators
    return NATIVE if rest > free else FRAGMENTATION


def grown(first: Meta, last: Meta, names: Sequence[str]) -> int | None:
    """By how much the named figures of the allocators grew together; None where one is missing."""
    before, after = facts.figure(first, names), facts.figure(last, names)
    return None if before is None or after is None else after - before


def native(points: Sequence[Meta]) -> list[float] | None:
    """What native code has of malloc at each snapshot: handed out, and neither traced nor the tracer's."""
    rest = []
    for meta in points:
        used = facts.figure(meta, facts.USED)
        if used is None:
            return None
        rest.append(float(used - (meta.traced or 0) - (meta.tracer or 0)))
    return rest


def private(points: Sequence[Meta]) -> int | None:
    """By how much memory of no file has grown beyond what is traced, and the tracer's tables."""
    first, last = points[0], points[-1]
    before, after = (facts.number_of(meta.facts.get("anonymous")) for meta in (first, last))
    if before is None or after is None:
        return None
    own = (last.traced or 0) - (first.traced or 0) + (last.tracer or 0) - (first.tracer or 0)
    return max(0, round(after - before - max(0, own)))


def by_peaks(points: Sequence[Meta]) -> bool:
    """Whether ever higher peaks of traced memory explain most of the growth of the resident set.

    What a peak took stays resident for a while: garbage that piles up between two
    collections, batches of growing size.
    """
    peaks = [meta.traced_peak for meta in points if meta.traced_peak is not None]
    if len(peaks) < len(points):
        return False
    rise = (points[-1].rss or 0) - (points[0].rss or 0)
    return (peaks[-1] - peaks[0]) * with_tracer(points) >= LEVELS.resident.explained * rise


def with_tracer(points: Sequence[Meta]) -> float:
    """Traced memory with the tables that the tracer needs for it, as a multiple of it."""
    most = max(points, key=lambda meta: meta.traced or 0)
    return 1 + (most.tracer or 0) / most.traced if most.traced else 1.0
