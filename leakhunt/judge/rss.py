"""What Python objects do not explain: the resident set against traced memory.

``RSS = traced + the tracer's tables + what allocators hold free + native memory + shared pages``.
The first two are known at each snapshot. Where the resident set keeps growing and they do not,
the growth is outside: native memory that no Python allocator hands out, or memory that
Python gave back and that the C library or pymalloc cannot return (fragmentation). The
allocators' own figures, where the snapshots carry them, tell which.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from leakhunt.judge import allocators
from leakhunt.judge.allocators import NATIVE
from leakhunt.judge.births.life import held
from leakhunt.judge.history import TASK, History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import figure, stats
from leakhunt.model.meta import OFF, Meta
from leakhunt.model.snapshot import Resident
from leakhunt.snapshots import facts
from leakhunt.snapshots.series import Entry


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
    first: int | None = None
    """The resident set at first, in bytes."""
    stands: bool | None = None
    """Whether ``held`` grows no more; None: too few moments tell."""
    private: int | None = None
    """So much of ``held`` is of no file; None where the snapshots do not say."""

    @property
    def fragmented(self) -> bool:
        """Whether the resident set stays high because of memory that is free and not returned."""
        return (
            self.free is not None
            and self.held >= LEVELS.resident.held
            and self.free >= LEVELS.resident.explained * self.held
        )

    def stays(self, first: int | None) -> bool:
        """Whether what nothing explains is worth a remark; ``first``: the first resident set, in bytes."""
        levels = LEVELS.resident
        if self.held >= levels.stays and self.held >= levels.stays_part * (first or 0):
            return True
        private = min(self.private or 0, self.held)
        enough = private >= levels.private and private >= levels.private_part * (first or 0)
        return self.stands is True and enough and private >= LEVELS.resident.explained * self.held


UNKNOWN = Outside(False, False, False, False, None, None, None, None, None, 0, None)


class _Course(NamedTuple):
    """A process over its work: what is compared, moment by moment."""

    t: list[float]
    """Units."""
    rss: list[float]
    """Bytes, as the others."""
    traced: list[float]
    own: list[float]
    """Traced memory and the tracer's tables."""
    error: float
    """Standard error of the growth of traced memory."""


def outside(history: History) -> Outside:
    """Compare the resident set with what is traced, over every snapshot of the process; of the life that one
    snapshot tells of, over the moments that the process has taken note of.
    """
    return _of_life(history) if history.lived else _of_series(history)


def _of_series(history: History) -> Outside:
    points = _points(history.entries)
    if len(points) < 2:
        return UNKNOWN
    t = _times(points, history.unit)
    # Where the first trigger has armed the tracer, its tables take memory afterwards.
    start = 1 if len(points) >= 4 and points[0].baseline is not False else 0
    t, points = t[start:], points[start:]
    course = _Course(
        t,
        [float(meta.rss or 0) for meta in points],
        [float(meta.traced or 0) for meta in points],
        [float((meta.traced or 0) + (meta.tracer or 0)) for meta in points],
        0.0,
    )
    if len(points) < LEVELS.resident.moments:
        course = _noted(history, points, course) or course
    rate = stats.theil_sen(course.t, course.rss)
    rises = (_rises(course) and not allocators.by_peaks(points)) or _pumped(
        course.rss, course.own, points
    )
    compared = _compared(course, rises, allocators.kind(points))
    native = allocators.native(points)
    if (
        native is not None
        and native[-1] - native[0] >= LEVELS.resident.least
        and figure.steady(t, native)
    ):
        native_rate = stats.theil_sen(t, native)
        if (
            native_rate >= (1 - LEVELS.resident.explained) * rate
        ):  # seen directly, under whatever else RSS does
            compared = replace(
                compared, grows_at_all=True, grows=True, rest=native_rate, kind=NATIVE
            )
    return replace(
        compared,
        free=allocators.grown(points[0], points[-1], facts.FREE),
        private=allocators.private(points),
    )


def _noted(history: History, points: Sequence[Meta], course: _Course) -> _Course | None:
    """The same between few snapshots, by the moments that the process has taken note of: what was traced
    then lies on a line between two snapshots. None: too few moments.
    """
    done = [float(meta.tasks_done) for meta in points if meta.tasks_done is not None]
    if history.newest is None or history.unit != TASK or len(done) < len(points):
        return None
    if any(after <= before for before, after in zip(done, done[1:])):
        return None
    told = {float(each.tasks): float(each.rss) for each in history.newest.resident}
    sizes = {**told, **dict(zip(done, course.rss))}
    t = sorted(each for each in sizes if done[0] <= each <= done[-1])
    if len(t) < LEVELS.resident.moments:
        return None
    traced, own = (
        [_between(done, values, each) for each in t] for values in (course.traced, course.own)
    )
    return _Course(t, [sizes[each] for each in t], traced, own, 0.0)


def _of_life(history: History) -> Outside:
    course = _lived(history)
    if course is None:
        return UNKNOWN
    compared = _compared(course, _rises(course), None)
    if not compared.grows:
        return compared
    beyond = (compared.rest or 0.0) * (course.t[-1] - course.t[0])
    free = facts.figure(history.last, facts.FREE)
    # What is free now is all that can have become free; where that is less than half of it, the rest is in use.
    return replace(
        compared,
        kind=NATIVE if free is not None and free < LEVELS.resident.explained * beyond else None,
    )


def _lived(history: History) -> _Course | None:
    """The moments of a process's life since tracking began, with what was traced then; None: too few.

    What was alive at a moment is what was born by then and lives, and what has died since: between two
    edges of the calendar, as if it had come evenly.
    """
    snapshot = history.newest
    if snapshot is None or snapshot.calendar is None or history.unit != TASK:
        return None
    armed = snapshot.calendar.edges[0]
    done, rss = snapshot.meta.tasks_done, snapshot.meta.rss
    points = [each for each in snapshot.resident if each.tasks >= armed]
    if done is not None and rss is not None and (not points or points[-1].tasks < done):
        points.append(Resident(done, rss))
    if len(points) < LEVELS.resident.moments:
        return None
    edges = [float(edge) for edge in snapshot.calendar.edges]
    alive = [0.0, *held(history, tuple(history.tracks)).sizes]
    traced = [_between(edges, alive, each.tasks) for each in points]
    tables = float(snapshot.meta.tracer or 0) / alive[-1] if alive[-1] > 0 else 0.0
    # What was there by the first edge, as imports are, is no growth, and one sample of it may stand for a megabyte.
    errors = sum(column[-1] - column[0] for column in history.variances.values())
    part = (points[-1].tasks - edges[1]) / (points[-1].tasks - points[0].tasks)
    if part <= 0:
        return None
    return _Course(
        [float(each.tasks) for each in points],
        [float(each.rss) for each in points],
        traced,
        [(1 + tables) * size for size in traced],
        errors**0.5 / part,
    )


def _between(edges: Sequence[float], values: Sequence[float], at: float) -> float:
    """The value there, by a line between the two edges beside."""
    index = min(max(bisect_right(edges, at), 1), len(edges) - 1)
    before, after = edges[index - 1], edges[index]
    part = min(max((at - before) / (after - before), 0.0), 1.0)
    return values[index - 1] + part * (values[index] - values[index - 1])


def _compared(course: _Course, rises: bool, kind: str | None) -> Outside:
    """``rises``: whether it goes on by its shape; ``kind``: of what is outside, where that is known."""
    t, rss = course.t, course.rss
    rate = stats.theil_sen(t, rss)
    own_rate = stats.theil_sen(t, course.own)
    doubt = LEVELS.lives.beyond * course.error / (t[-1] - t[0])
    # A jump, and a trickle beside it: what the trickle is made of says nothing of the jump.
    least = figure.least_growth(rss)
    material = rss[-1] - rss[0] >= least and rate * (t[-1] - t[0]) >= least
    explained = max(0.0, own_rate) / rate if rate > 0 else None
    mostly = explained is not None and (own_rate + doubt) / rate < LEVELS.resident.explained
    return Outside(
        told=True,
        grows_at_all=material,
        grows=material and mostly and rises,
        keeps=material and figure.steady(t, rss),
        rss_rate=rate,
        traced_rate=stats.theil_sen(t, course.traced),
        rest=rate - own_rate,
        explained=explained,
        kind=kind if mostly and material else None,
        held=_held(rss, course.own),
        free=None,
        first=round(rss[0]),
        stands=_still(rss, course.own),
    )


def _rises(course: _Course) -> bool:
    """Whether the resident set, or what nothing explains of it, grows for good."""
    beside = [whole - mine for whole, mine in zip(course.rss, course.own)]
    return (
        figure.steady(course.t, course.rss)
        or figure.steady(course.t, beside)
        or figure.steady_between(course.t, course.rss)
        or figure.climbs(course.t, course.rss)
    )


def _points(entries: Sequence[Entry]) -> list[Meta]:
    return [
        entry.meta
        for entry in entries
        if entry.meta.rss is not None
        and entry.meta.traced is not None
        and entry.meta.engine != OFF  # nothing was traced: it explains nothing, and refutes nothing
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


def _still(rss: Sequence[float], own: Sequence[float]) -> bool | None:
    """Whether what nothing explains has ceased to grow; None: too few moments."""
    if len(rss) < LEVELS.resident.still_moments:
        return None
    beside = [whole - mine for whole, mine in zip(rss, own)]
    third = len(beside) // 3
    late = _third(beside, True) - median(beside[third:-third])
    return late <= LEVELS.resident.still * _held(rss, own)


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
    peak = max(0, max(peaks[-third:]) - max(peaks[:third])) * allocators.with_tracer(points)
    rising = stats.mann_kendall(rss) <= LEVELS.chances.outside
    late = _third(rss, True) - median(rss[len(rss) // 3 : -max(1, len(rss) // 3)] or rss)
    grown = _third(rss, True) - _third(rss, False)
    # One jump is one event, whatever third it lies in: without it the rest has to rise as well.
    jump = max(after - before for before, after in zip(rss, rss[1:]))
    return (
        rising
        and held - peak >= max(LEVELS.resident.pumped, LEVELS.resident.pumped_part * rss[0])
        and min(late, rss[-1] - rss[0] - jump) >= LEVELS.resident.still * grown
    )
