"""A history as it is judged: any set of stacks as one series, with its shape.

A series is judged against all units or against the runs of one task, whichever it follows
most closely: a leak grows with the runs of the task that leaks, and a cache fills with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from leakhunt.judge.codes import Reason
from leakhunt.judge.history import SECOND, SNAPSHOT, TASK, History, ledger
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import curves, shape, stats
from leakhunt.judge.series.exact import COUNTED, is_whole
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK, Shape
from leakhunt.judge.whose import Blame, Paths
from leakhunt.model.paths import prefixes
from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Frame, Stack

#: Tasks by whose runs growth is judged: the busiest ones.
TASKS = 8

#: (Whether it is the application's, the line.)
Owner = tuple[bool, Frame]


@dataclass(frozen=True)
class Growth:
    """One judged growth of one process."""

    blame: Blame
    shape: Shape
    series: Series
    """Against all units, whatever it was judged against."""
    parts: tuple[Frame, ...]
    """Other lines that grow with it, largest first."""
    why: Reason | None = None
    """What the shape does not tell."""
    holder: tuple[Retention, int] | None = None
    """What keeps all of it, and by how many entries that grew, where the verdict rests on that."""

    @property
    def sizes(self) -> Sequence[float]:
        """Bytes at each snapshot."""
        return self.series.sizes

    @property
    def counts(self) -> Sequence[float]:
        """Blocks at each snapshot."""
        return self.series.counts

    @property
    def grown(self) -> float:
        """Bytes from end to end."""
        return self.series.rise

    def called(self, verdict: str, why: Reason | None) -> Growth:
        """The same growth, judged otherwise for a reason that its shape does not show."""
        return replace(self, shape=replace(self.shape, verdict=verdict), why=why)


class Book:
    """A history with its stacks booked to owners. Shapes are remembered, nothing else changes."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.t = history.times
        self.paths = Paths(prefixes(history.last.facts), history.spots, history.tracks)
        self.runs = _runs(history)
        self._judged: dict[tuple[Stack, ...], Shape] = {}
        self._bases: dict[int, Mapping[str | None, curves.Basis]] = {}
        self.owners: dict[Owner, list[Stack]] = {}
        for stack in history.tracks:
            if not self.paths.is_hidden(stack):
                self.owners.setdefault(self.paths.owner(stack), []).append(stack)

    @cached_property
    def tied(self) -> Mapping[int, int]:
        """Bytes of all stacks that hang from each container of the newest snapshot, by its mark."""
        sizes: Counter[int] = Counter()
        newest = self.history.newest
        for told in newest.facts.values() if newest is not None else ():
            for way in told.retention:
                sizes[way.mark] += way.size
        return sizes

    def series(self, stacks: Iterable[Stack]) -> Series:
        """Bytes and blocks of some stacks together."""
        return self.history.series(stacks)

    def growth(self, stacks: Iterable[Stack]) -> float:
        """Bytes by which stacks grew, from the first third to the last third."""
        return _grown(self.series(stacks).sizes)

    def late(self, stacks: Iterable[Stack]) -> float:
        """Bytes per unit by which stacks still grow in the last two thirds."""
        start = len(self.t) // 3
        return stats.theil_sen(self.t[start:], self.series(stacks).sizes[start:])

    def judge(self, stacks: Sequence[Stack]) -> Shape:
        """Against all units or the runs of one task, whichever the series follows most closely.

        A leak grows with the runs of the task that leaks, and a cache fills with them.
        """
        key = tuple(stacks)
        if key not in self._judged:
            self._judged[key] = self._judge(key)
        return self._judged[key]

    def _judge(self, stacks: tuple[Stack, ...]) -> Shape:
        return self.shape(self.history.referred(stacks))

    def shape(self, series: Series, at: Sequence[int] = ()) -> Shape:
        """The shape of any series by the units of this book, of all snapshots or of those ``at`` such places."""
        axis = None if at and len(at) < len(self.t) else self._axis(series) or self._whole(series)
        if axis is None:
            return shape.judge(series)
        t = self.runs[axis]
        judged = shape.judge(replace(series, t=t))
        start = judged.since if judged.verdict == LEAK else 0
        each = (t[-1] - t[start]) / (self.t[-1] - self.t[start])
        p = min(1.0, judged.p * series.errors.axes(1 + len(self.runs)))
        return replace(
            judged, p=p, axis=None if axis == SNAPSHOT else axis, rate=judged.rate * each, low=judged.low * each,
            high=judged.high * each, blocks_rate=judged.blocks_rate * each,
        )  # fmt: skip

    def _whole(self, series: Series) -> str | None:
        """The task of which each run brings whole entries, where units do not and both clocks go evenly: in snapshots at
        every thousandth task one entry a run may as well be five hundred at once.
        """
        if series.errors is not COUNTED or is_whole(series.t, series.counts):
            return None
        return next((task for task, t in self.runs.items() if is_whole(t, series.counts)), None)

    def _axis(self, series: Series) -> str | None:
        """The task by whose runs a smooth curve fits best; None: by all units together."""
        if not self.runs:
            return None
        counts = series.counts
        is_counted = series.errors.came is None and counts[-1] - counts[0] >= len(counts)
        y = counts if is_counted else series.sizes
        degree = 2 if len(y) >= 6 else 1
        misfits = {task: curves.left(curve, y) for task, curve in self._clocks(degree).items()}
        best = min(misfits, key=lambda task: misfits[task])
        if misfits[None] - misfits[best] <= series.errors.change:
            return None  # errors of sampling alone make as much of a difference
        return best if misfits[best] < LEVELS.shapes.axis * misfits[None] else None

    def _clocks(self, degree: int) -> Mapping[str | None, curves.Basis]:
        """Smooth curves by the units and by the runs of each task, the same for every series."""
        if degree not in self._bases:
            self._bases[degree] = {
                task: curves.basis(
                    [[(x / t[-1]) ** power for x in t] for power in range(1, degree + 1)]
                )
                for task, t in ((None, self.t), *self.runs.items())
            }
        return self._bases[degree]

    def present(self, stacks: Sequence[Stack]) -> bool:
        """Whether they hold memory in most snapshots."""
        sizes = self.series(stacks).sizes
        return sum(size > 0 for size in sizes) > len(sizes) / 2

    def grows(self, stacks: Sequence[Stack]) -> bool:
        judged = self.judge(stacks)
        return judged.verdict == LEAK and judged.p <= LEVELS.chances.leak

    def tells(self, stacks: Iterable[Stack]) -> bool:
        """Whether there is enough of some stacks to judge: samples, where sizes are estimates."""
        return self.history.errors(stacks).is_enough

    def grew(self, stacks: Sequence[Stack]) -> bool:
        sizes = self.series(stacks).sizes
        return max(sizes[-1] - sizes[0], _grown(sizes)) >= LEVELS.worth.floor

    def waits(self, stacks: Sequence[Stack]) -> bool:
        """Whether it is known that most of their growth only waits for the garbage collector."""
        lost = self.history.lost(stacks)
        if lost is None:
            return False
        more = lost.waiting[-1] - lost.waiting[0]
        return more > 0 and more >= LEVELS.excuses.garbage * self.rise(stacks)

    def rise(self, stacks: Sequence[Stack]) -> float:
        """Bytes from end to end."""
        return self.series(stacks).rise

    def of(self, blame: Blame) -> Growth:
        """As it is judged: a leak is what something refers to, and all else is told with what nothing does."""
        judged = self.judge(blame.stacks)
        leaks = judged.verdict == LEAK and not self.history.lived
        series = self.history.referred(blame.stacks) if leaks else self.series(blame.stacks)
        return Growth(blame, judged, series, ())

    def grown_blocks(self, stacks: Iterable[Stack]) -> dict[int, int]:
        """Blocks at the end minus blocks at the beginning, by size."""
        grown: dict[int, int] = {}
        for stack in stacks:
            for blocks, sign in (
                (self.history.last_blocks.get(stack, ()), 1),
                (self.history.first_blocks.get(stack, ()), -1),
            ):
                for _, size, count in blocks:
                    grown[size] = grown.get(size, 0) + sign * count
        return grown


def _runs(history: History) -> dict[str, tuple[float, ...]]:
    """How often each task had run at each snapshot, since the first; the busiest of several.

    Where only seconds are known: the snapshots, as if each stood for as much work.
    """
    if history.unit == SECOND:  # a program may work in bursts, and be looked at after each
        return {SNAPSHOT: tuple(float(index) for index in range(len(history.metas)))}
    told = [ledger(meta) for meta in history.metas]
    ledgers = [runs for runs in told if runs is not None]
    if history.unit != TASK or len(ledgers) < len(told):
        return {}
    clocks = {}
    for name in ledgers[-1]:
        runs = [each.get(name, 0) for each in ledgers]
        if all(b > a for a, b in zip(runs, runs[1:])):
            clocks[name] = tuple(float(value - runs[0]) for value in runs)
    busiest = sorted(clocks, key=lambda name: (-clocks[name][-1], name))[:TASKS]
    return {name: clocks[name] for name in busiest} if len(ledgers[-1]) > 1 else {}


def _grown(sizes: Sequence[float]) -> float:
    third = max(1, len(sizes) // 3)
    return median(sizes[-third:]) - median(sizes[:third])


def likeness(a: Sequence[float], b: Sequence[float]) -> float:
    """The correlation of two series' increments, -1 to 1; 1.0 where neither varies."""
    steps_a = [y - x for x, y in zip(a, a[1:])]
    steps_b = [y - x for x, y in zip(b, b[1:])]
    mean_a, mean_b = sum(steps_a) / len(steps_a), sum(steps_b) / len(steps_b)
    spread_a = sum((x - mean_a) ** 2 for x in steps_a)
    spread_b = sum((x - mean_b) ** 2 for x in steps_b)
    if spread_a == 0 or spread_b == 0:
        return 1.0 if spread_a == spread_b else 0.0
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(steps_a, steps_b))
    return float(product / (spread_a * spread_b) ** 0.5)


def in_step(a: Sequence[float], b: Sequence[float], apart: float = LEVELS.blames.in_step) -> bool:
    """Whether two series grow in step: one is a multiple of the other, but for a little.

    By the largest deviation of their paths from 0 to 1 (the distance of Kolmogorov and Smirnov
    between their increments), which must not exceed ``apart``.
    """
    mine, its = _path(a), _path(b)
    if mine is None or its is None:
        return False
    return max(abs(x - y) for x, y in zip(mine, its)) <= apart


def _path(sizes: Sequence[float]) -> list[float] | None:
    """From 0 to 1; None: it does not grow."""
    first, rise = sizes[0], sizes[-1] - sizes[0]
    return [(size - first) / rise for size in sizes] if rise > 0 else None


class Range:
    """Where the paths from 0 to 1 of several series lie: one is in step with all where it is with both of its edges."""

    def __init__(self) -> None:
        self._low: list[float] | None = None
        self._high: list[float] = []
        self._grows = True

    def add(self, sizes: Sequence[float]) -> None:
        path = _path(sizes)
        if path is None:
            self._grows = False
        elif self._low is None:
            self._low, self._high = path, list(path)
        else:
            self._low = list(map(min, self._low, path))
            self._high = list(map(max, self._high, path))

    def admits(self, sizes: Sequence[float], apart: float) -> bool:
        """Whether :func:`in_step` says so of each that was added."""
        if self._grows and self._low is None:
            return True  # of none
        path = _path(sizes)
        if path is None or not self._grows or self._low is None:
            return False
        return all(
            high - x <= apart and x - low <= apart
            for x, low, high in zip(path, self._low, self._high)
        )
