"""When the survivors were born: live samples by stack, period of the process's life, and task.

A sample carries the units of work that were done when its block was asked for. Some thirty
periods from the start of tracking to now, finer at the end, sort them. Within a period, what
one unit left behind is added up before it is squared: blocks that a task makes together are
one draw, not many, so the sum of the squares is the variance of a compound Poisson sum
(D. R. Cox and P. A. W. Lewis, The Statistical Analysis of Series of Events, 1966).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from math import hypot, sqrt
from typing import NamedTuple

from leakhunt.engine.holders import Sample
from leakhunt.engine.interface import Life, Mark
from leakhunt.snapfile.records import Birth, Births, Calendar, Gone
from leakhunt.snapfile.write import RawFrames

#: Units of work where there are tasks, and where there are none.
TASK, SECOND = "task", "second"
#: Of a process that has lived longer than this many units: so many equal periods, the newest two
#: of which are split, the last one again and again in two.
UNSPLIT, EQUAL, HALVINGS = 32, 24, 6
#: With more births than this, those of the smallest stacks are summed.
MOST = 4000

#: What has died is told of so many stacks, those of which most has.
MOST_GONE = 400

_CLOCK = struct.Struct("=IIIII")
#: The C struct of ``_tables.h``.
_GRAVE = struct.Struct("=dIIIIII")


class Clock(NamedTuple):
    """See ``_sampler.read()``."""

    done: int
    """Units of work that the process has done."""
    lived: int
    """Seconds that it has lived."""
    life: int
    """Its number."""
    armed_done: int
    """Units of work that were done when tracking began."""
    armed_lived: int


def clock(raw: bytes) -> Clock:
    """From a copy of the engine's tables."""
    return Clock(*_CLOCK.unpack(raw))


class Periods:
    """The life of a process, cut into periods."""

    def __init__(self, now: Clock) -> None:
        self.unit = TASK if now.done else SECOND
        self.armed, self.last = (
            (now.armed_done, now.done) if now.done else (now.armed_lived, now.lived)
        )
        self.armed = min(self.armed, self.last)
        self.edges = edges(self.armed, self.last + 1)
        self.own = now.life
        """Number of the process; samples with another one were born before the fork."""
        self._of: dict[int, int] = {}

    def of(self, sample: Sample) -> tuple[int, tuple[int, int]]:
        """The period of a sample (-1: before the fork), and its unit, told from all others."""
        unit = sample.born if self.unit == TASK else sample.when
        if sample.life != self.own:
            return -1, (sample.life, unit)
        unit = min(max(unit, self.armed), self.last)
        return self.ended(unit), (self.own, unit)

    def ended(self, unit: int) -> int:
        """How many periods have ended by then: the number of the one that it lies in."""
        period = self._of.get(unit)
        if period is None:
            within = min(max(unit, self.armed), self.last)
            period = self._of[unit] = bisect_right(self.edges, within) - 1
        return period

    def calendar(self, samples: Iterable[Sample], life: Life) -> Calendar:
        """With the moments at the edges, and the intervals that the samples were drawn under."""
        spans = [[0.0, 0.0] for _ in self.edges[1:]]
        for sample in samples:
            period, _ = self.of(sample)
            if period >= 0 and sample.interval > 0.0:
                size = sample.size / sample.chance
                spans[period][0] += size
                spans[period][1] += size / sample.interval
        return Calendar(
            self.unit,
            tuple(self.edges),
            tuple(self._moments(life.marks)),
            tuple(size / points if points else None for size, points in spans),
            self.armed,
            life.tasks,
        )

    def _moments(self, marks: Sequence[Mark]) -> list[float | None]:
        if not marks:
            return [None] * len(self.edges)
        now = marks[-1]
        if self.unit == SECOND:
            return [min(now.wall, now.wall - self.last + edge) for edge in self.edges]
        return [_moment(marks, edge) for edge in self.edges]


def edges(first: int, end: int) -> list[int]:
    """From ``first`` to ``end``, which is greater: at most 32 periods."""
    length = end - first
    if length <= UNSPLIT:
        return list(range(first, end + 1))
    cuts = [part / EQUAL for part in range(EQUAL - 1)]
    cuts += [1 - 1.5 / EQUAL, *(1 - 1 / EQUAL / 2**halving for halving in range(HALVINGS + 1)), 1]
    return sorted({first + round(length * cut) for cut in cuts})


def _moment(marks: Sequence[Mark], units: int) -> float | None:
    """The wall clock when so many units were done; None: before the first mark."""
    at = bisect_right([mark.units for mark in marks], units)
    if at == 0:
        return None
    if at == len(marks):
        return marks[-1].wall
    before, after = marks[at - 1], marks[at]
    part = (units - before.units) / (after.units - before.units)
    return before.wall + part * (after.wall - before.wall)


class _Cell:
    """The survivors of one stack, period and task."""

    def __init__(self) -> None:
        self.samples = 0
        self.blocks = self.recycled = self.waiting = self.free = 0.0
        self.sizes: dict[tuple[int, int], float] = {}

    def add(self, sample: Sample, unit: tuple[int, int], waits: bool) -> None:
        self.samples += 1
        self.blocks += 1 / sample.chance
        size = sample.size / sample.chance
        self.sizes[unit] = self.sizes.get(unit, 0.0) + size
        self.recycled += size if sample.recycled else 0.0
        self.waiting += size if waits else 0.0
        self.free += size if sample.free else 0.0


def by_stack(
    samples: Iterable[Sample], periods: Periods, totals: Mapping[RawFrames, tuple[int, int]],
    stacks: Sequence[RawFrames], waiting: Iterable[bool] = (),
) -> list[Births]:  # fmt: skip
    """The births of each stack, made to add up to its ``totals``: bytes and blocks.

    ``waiting``: whether a sample's object only waits for the garbage collector, one for each; (): nobody looked.
    """
    cells: dict[RawFrames, dict[tuple[int, int], _Cell]] = {}
    for sample, waits in zip(samples, chain(waiting, repeat(False))):
        period, unit = periods.of(sample)
        key = (period, sample.task if period >= 0 else 0)
        cell = cells.setdefault(stacks[sample.stack], {}).setdefault(key, _Cell())
        cell.add(sample, unit, waits)
    return [
        Births(frames, tuple(_rounded(sorted(of_stack.items()), *totals[frames])))
        for frames, of_stack in cells.items()
    ]


def gone(raw: bytes, periods: Periods, stacks: Sequence[RawFrames]) -> list[Gone]:
    """What has died, by stack: what was alive at the end of each period but the last, and is not now.

    ``raw`` is a copy of the engine's graves, which do not know of what died young (``graves.inc``).
    """
    number = len(periods.edges) - 2
    sums: dict[RawFrames, tuple[list[float], list[float]]] = {}
    for size, stack, born, died, when, ended, before in _GRAVE.iter_unpack(raw):
        begin, end = (born, died) if periods.unit == TASK else (when, ended)
        first, last = 0 if before else periods.ended(begin), periods.ended(end)
        if first >= last:
            continue
        sizes, squares = sums.setdefault(stacks[stack], ([0.0] * number, [0.0] * number))
        for at in range(first, last):
            sizes[at] += size
            squares[at] += size * size
    told = [
        Gone(frames, tuple(map(round, sizes)), tuple(round(sqrt(square)) for square in squares))
        for frames, (sizes, squares) in sums.items()
    ]
    return sorted(told, key=lambda one: -max(one.sizes))[:MOST_GONE]


def _rounded(
    cells: Sequence[tuple[tuple[int, int], _Cell]], size: int, blocks: int
) -> Iterable[Birth]:
    """Whole bytes and blocks that add up to these, each off by less than one."""
    sizes = [sum(cell.sizes.values()) for _, cell in cells]
    scale = size / sum(sizes)
    parts = zip(_whole(sizes, size), _whole([cell.blocks for _, cell in cells], blocks))
    for ((period, task), cell), (bytes_born, number) in zip(cells, parts):
        root = min(bytes_born, round(scale * hypot(*cell.sizes.values())))
        runs = len(cell.sizes)
        parts_of_it = (
            min(bytes_born, round(scale * part))
            for part in (cell.recycled, cell.waiting, cell.free)
        )
        yield Birth(period, task, runs, cell.samples, bytes_born, root, number, *parts_of_it)


def _whole(parts: Sequence[float], total: int) -> list[int]:
    """The parts, scaled to that total and rounded so that their sum stays."""
    scale, before, done = total / sum(parts), 0.0, 0
    wholes = []
    for part in parts[:-1]:
        before += part * scale
        up_to = min(total, round(before))
        wholes.append(up_to - done)
        done = up_to
    return [*wholes, total - done]


def trimmed(births: Sequence[Births], most: int = MOST) -> list[Births]:
    """Those of the largest stacks, and the others as those of one without frames."""
    kept: list[Births] = []
    rest: dict[tuple[int, int], Birth] = {}
    number = 0
    for one in sorted(births, key=lambda each: -sum(birth.size for birth in each.births)):
        number += len(one.births)
        if number <= most:
            kept.append(one)
            continue
        for birth in one.births:
            key = (birth.period, birth.task)
            rest[key] = _both(rest[key], birth) if key in rest else birth
    if rest:
        kept.append(Births((), tuple(rest[key] for key in sorted(rest))))
    return kept


def _both(one: Birth, other: Birth) -> Birth:
    return Birth(
        one.period,
        one.task,
        one.runs + other.runs,
        one.samples + other.samples,
        one.size + other.size,
        round(hypot(one.root, other.root)),
        one.blocks + other.blocks,
        one.recycled + other.recycled,
        one.waiting + other.waiting,
        one.free + other.free,
    )
