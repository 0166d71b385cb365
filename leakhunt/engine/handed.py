"""Births whose objects a freelist may have handed on, by the container that keeps them now.

The stack that asked for such a block is not always the one that keeps what is in it. A walk ties
blocks to containers (:mod:`leakhunt.engine.retention`), and so the births of a stack have parts: what
of them each container keeps. A container's own table, where that is a sample that no freelist serves, tells
where it grew last: whoever asked for it made room for one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import hypot

from leakhunt.engine.births import Periods
from leakhunt.engine.holders import Sample
from leakhunt.engine.retention import BESIDE, ITS_OWN
from leakhunt.snapfile.records import Birth, Births, Handed
from leakhunt.snapfile.write import RawFrames

#: So many pairs of a stack and a container are told, the largest, with so many births in all.
PAIRS = 400
MOST = 2000

#: Period and task.
Age = tuple[int, int]


class _Part:
    """What one container has of the births of a stack in one period by one task."""

    def __init__(self) -> None:
        self.samples = 0
        self.blocks = 0.0
        self.sizes: dict[tuple[int, int], float] = {}

    def add(self, sample: Sample, unit: tuple[int, int]) -> None:
        self.samples += 1
        self.blocks += 1 / sample.chance
        self.sizes[unit] = self.sizes.get(unit, 0.0) + sample.size / sample.chance


class _Whole:
    """The same of all containers and none: what parts are parts of."""

    def __init__(self) -> None:
        self.recycled = self.blocks = 0.0
        self.told = [0.0, 0.0]
        """Of both, what has been given to parts."""


def handed(
    samples: Sequence[Sample],
    ties: Iterable[tuple[int, ...]],
    periods: Periods,
    stacks: Sequence[RawFrames],
    told: Sequence[Births],
) -> list[Handed]:
    """The parts of the births ``told`` that containers keep and a freelist may have handed on.

    ``ties``: one for each sample. Parts are scaled as the births are, and rounded from sum to sum, so that
    in each period, and of each task, they are never more than what is recycled there.
    """
    wholes: dict[tuple[RawFrames, Age], _Whole] = {}
    parts: dict[tuple[RawFrames, int], dict[Age, _Part]] = {}
    growers: dict[int, tuple[tuple[bool, int, int], int]] = {}
    own = periods.own
    for sample, (shape, holder, _, state, _) in zip(samples, ties):
        period, unit = periods.of(sample)
        age = (period, sample.task if period >= 0 else 0)
        frames = stacks[sample.stack]
        whole = wholes.setdefault((frames, age), _Whole())
        whole.blocks += 1 / sample.chance
        if sample.recycled:
            whole.recycled += sample.size / sample.chance
            if shape and holder:
                of_pair = parts.setdefault((frames, holder), {})
                of_pair.setdefault(age, _Part()).add(sample, unit)
        elif holder and sample.stack and state & BESIDE and state & ITS_OWN:
            born = (sample.life == own, sample.born, sample.when)
            growers[holder] = max(growers.get(holder, (born, sample.stack)), (born, sample.stack))
    births = {one.frames: {(each.period, each.task): each for each in one.births} for one in told}
    pairs = []
    for (frames, holder), of_pair in parts.items():
        several = tuple(_rounded(of_pair, frames, wholes, births[frames]))
        if several:
            grower = growers.get(holder)
            where = None if grower is None else stacks[grower[1]]
            pairs.append(Handed(frames, where, holder, several))
    return _largest(pairs)


def _rounded(
    parts: Mapping[Age, _Part],
    frames: RawFrames,
    wholes: Mapping[tuple[RawFrames, Age], _Whole],
    births: Mapping[Age, Birth],
) -> Iterator[Birth]:
    for age, part in sorted(parts.items()):
        birth, whole = births[age], wholes[frames, age]
        scale = birth.recycled / whole.recycled
        size, blocks = (
            _step(whole.told, at, value, limit)
            for at, value, limit in (
                (0, scale * sum(part.sizes.values()), birth.recycled),
                (1, birth.blocks / whole.blocks * part.blocks, birth.blocks),
            )
        )
        if size:
            root = min(size, birth.root, round(scale * hypot(*part.sizes.values())))
            runs = len(part.sizes)
            yield Birth(age[0], age[1], runs, part.samples, size, root, blocks, size)


def _step(told: list[float], at: int, value: float, limit: int) -> int:
    """The whole number by which a sum of parts grows, rounded, and never beyond its limit."""
    before = min(limit, round(told[at]))
    told[at] += value
    return min(limit, round(told[at])) - before


def _largest(pairs: list[Handed]) -> list[Handed]:
    pairs.sort(key=lambda pair: -sum(birth.size for birth in pair.births))
    number, kept = 0, []
    for pair in pairs[:PAIRS]:
        number += len(pair.births)
        if number > MOST:
            break
        kept.append(pair)
    return kept
