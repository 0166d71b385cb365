"""What Python objects do not explain: the resident set against traced memory.

``RSS = traced + the tracer's tables + what allocators hold free + native memory + shared pages``.
The first two are known at each snapshot. Where the resident set keeps growing and they do not,
the growth is outside: native memory that no Python allocator hands out, or memory that
Python gave back and that the C library or pymalloc cannot return (fragmentation). The
allocators' own figures, where the snapshots carry them, tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.snapshot import Meta
from leakhunt.snapshots import facts
from leakhunt.snapshots.series import Entry

NATIVE, FRAGMENTATION = "native", "fragmentation"


@dataclass(frozen=True)
class Outside:
    """The growth of one process beyond its traced memory."""

    told: bool
    """Whether the snapshots say how large the resident set was."""
    grows_at_all: bool
    """Whether the resident set grows, explained or not."""
    grows: bool
    """Whether it keeps growing, and mostly outside."""
    keeps: bool
    """Whether it keeps growing, explained or not."""
    rss_rate: float | None
    """Bytes per unit."""
    traced_rate: float | None
    rest: float | None
    """Bytes per unit outside."""
    explained: float | None
    """Traced memory and the tracer's tables as a part of the growth; None where RSS did not grow."""
    kind: str | None
    """NATIVE, FRAGMENTATION, or None: the snapshots do not tell."""
    held: int
    """Bytes by which the resident set stays above what explains it, though it no longer grows."""
    free: int | None
    """Growth in bytes of what the allocators hold free; None where the snapshots do not say."""

    @property
    def fragmented(self) -> bool:
        """Whether the resident set stays high because of memory that is free and not returned."""
        return (
            self.free is not None
            and self.held >= LEVELS.resident.held
            and self.free >= 0.5 * self.held
        )

    def stays(self, first: int | None) -> bool:
        """Whether what nothing explains is worth a remark; ``first``: the first resident set, in bytes."""
        levels = LEVELS.resident
        return self.held >= levels.stays and self.held >= levels.stays_part * (first or 0)


UNKNOWN = Outside(False, False, False, False, None, None, None, None, None, 0, None)


def outside(history: History) -> Outside:
    """Compare the resident set with what is traced, over every snapshot of the process."""
    points = _points(history.entries)
    if len(points) < 2:
        return UNKNOWN
    t = _times(points, history.unit)
    start = 1 if len(points) >= 4 else 0  # the first trigger arms the tracer
    t, points = t[start:], points[start:]
    rss = [float(meta.rss or 0) for meta in points]
    own = [float((meta.traced or 0) + (meta.tracer or 0)) for meta in points]
    traced = [float(meta.traced or 0) for meta in points]
    rate = stats.theil_sen(t, rss)
    rise = rss[-1] - rss[0]
    traced_rate = stats.theil_sen(t, traced)
    own_rate = stats.theil_sen(t, own)
    beside = [whole - mine for whole, mine in zip(rss, own)]
    steady = _steady(t, rss) or _steady(t, beside)
    grows = (steady and not _by_peaks(points)) or _pumped(rss, own, points)
    material = rise >= max(LEVELS.resident.least, LEVELS.resident.least_part * rss[0]) and rate > 0
    rest = rate - own_rate
    explained = max(0.0, own_rate) / rate if rate > 0 else None
    mostly = explained is not None and explained < LEVELS.resident.explained
    kind = _kind(points) if mostly and material else None
    native = _native(points)
    if (
        native is not None
        and native[-1] - native[0] >= LEVELS.resident.least
        and _steady(t, native)
    ):
        native_rate = stats.theil_sen(t, native)
        if (
            native_rate >= (1 - LEVELS.resident.explained) * rate
        ):  # seen directly, under whatever else RSS does
            grows = material = mostly = True
            rest, kind = native_rate, NATIVE
    return Outside(
        told=True,
        grows_at_all=material,
        grows=material and mostly and grows,
        keeps=material and _steady(t, rss),
        rss_rate=rate,
        traced_rate=traced_rate,
        rest=rest,
        explained=explained,
        kind=kind,
        held=_held(rss, own),
        free=_grown(points[0], points[-1], facts.FREE),
    )


def _steady(t: Sequence[float], values: Sequence[float]) -> bool:
    """Whether a figure grows for good; with few snapshots, by a little less certainty."""
    if len(values) < 3:
        return False
    pages = [round(value / 4096) for value in values]
    judged = shape.judge(Series(t, values, pages, EXACT))
    few = len(values) < 8
    return judged.verdict == LEAK and judged.p <= (
        5 * LEVELS.chances.outside if few else LEVELS.chances.outside
    )


def _native(points: Sequence[Meta]) -> list[float] | None:
    """What native code has of malloc at each snapshot: handed out, and neither traced nor the tracer's."""
    rest = []
    for meta in points:
        used = facts.figure(meta, facts.USED)
        if used is None:
            return None
        rest.append(float(used - (meta.traced or 0) - (meta.tracer or 0)))
    return rest


def _points(entries: Sequence[Entry]) -> list[Meta]:
    return [
        entry.meta
        for entry in entries
        if entry.meta.rss is not None and entry.meta.traced is not None
    ]


def _times(points: Sequence[Meta], unit: str) -> list[float]:
    values: list[float] = []
    for index, meta in enumerate(points):
        value = {"task": meta.tasks_done, "second": meta.since(points[0])}.get(unit, index)
        after = values[-1] if values else -1.0
        values.append(float(value) if value is not None and value > after else after + 1e-6)
    return values


def _third(values: Sequence[float], last: bool) -> float:
    third = max(1, len(values) // 3)
    return median(values[-third:] if last else values[:third])


def _held(rss: Sequence[float], own: Sequence[float]) -> int:
    """By how much more the resident set grew than what explains it, first to last third."""
    grown = _third(rss, True) - _third(rss, False)
    explained = _third(own, True) - _third(own, False)
    return max(0, round(grown - max(0.0, explained)))


def _by_peaks(points: Sequence[Meta]) -> bool:
    """Whether ever higher peaks of traced memory explain most of the growth of the resident set.

    What a peak took stays resident for a while: garbage that piles up between two
    collections, batches of growing size.
    """
    peaks = [meta.traced_peak for meta in points if meta.traced_peak is not None]
    if len(peaks) < len(points):
        return False
    rise = (points[-1].rss or 0) - (points[0].rss or 0)
    return (peaks[-1] - peaks[0]) * _with_tracer(points) >= LEVELS.resident.explained * rise


def _with_tracer(points: Sequence[Meta]) -> float:
    """Traced memory with the tables that the tracer needs for it, as a multiple of it."""
    most = max(points, key=lambda meta: meta.traced or 0)
    return 1 + (most.tracer or 0) / most.traced if most.traced else 1.0


def _pumped(rss: Sequence[float], own: Sequence[float], points: Sequence[Meta]) -> bool:
    """Whether the resident set rose, in jumps perhaps, far above any peak of traced memory.

    A large batch leaves a high-water mark: its peak explains it. Fragmentation goes
    beyond: each round finds the holes of the last one too small.
    """
    if len(rss) < 5:
        return False
    held = _held(rss, own)
    peaks = [meta.traced_peak or meta.traced or 0 for meta in points]
    third = max(1, len(peaks) // 3)
    peak = max(0, max(peaks[-third:]) - max(peaks[:third])) * _with_tracer(points)
    rising = stats.mann_kendall(rss) <= LEVELS.chances.outside
    late = _third(rss, True) - median(rss[len(rss) // 3 : -max(1, len(rss) // 3)] or rss)
    grown = _third(rss, True) - _third(rss, False)
    return (
        rising
        and held - peak >= max(4 * LEVELS.resident.least, 0.1 * rss[0])
        and late >= 0.2 * grown
    )


def _kind(points: Sequence[Meta]) -> str | None:
    """What the allocators say of the growth: in use by native code, or free and not returned.

    What malloc and pymalloc have handed out is traced memory, the tracer's tables, and
    native code's. Memory that native code maps by itself is in neither figure.
    """
    first, last = points[0], points[-1]
    used, free = _grown(first, last, facts.USED), _grown(first, last, facts.FREE)
    if used is None or free is None:
        return None
    own = (last.traced or 0) - (first.traced or 0) + (last.tracer or 0) - (first.tracer or 0)
    native = used - own
    rise = (last.rss or 0) - (first.rss or 0)
    if max(native, free) < 0.3 * (rise - max(0, own)):
        return NATIVE  # mapped outside both allocators
    return NATIVE if native > free else FRAGMENTATION


def _grown(first: Meta, last: Meta, names: Sequence[str]) -> int | None:
    """By how much the named figures of the allocators grew together; None where one is missing."""
    before, after = facts.figure(first, names), facts.figure(last, names)
    return None if before is None or after is None else after - before
