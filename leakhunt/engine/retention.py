"""Blocks that were tied to what holds them, by the stack that asked for them.

A walk over the heap (:mod:`leakhunt.hook.capture.walk`) knows objects, and finds the object in a block;
the engine knows who asked for the block, and how many like it it stands for.

The walk also counts all objects that are held like those, way by way, so that what samples say can be
put right (:class:`_Amended`): of a list with 3,722 entries, samples may say that it has 6,000.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

from leakhunt.snapfile.records import Counted, RawFrames, Retention

#: The C struct of ``weights.inc``: shape, holder (from 1), type, state, bytes of the block.
TIE = struct.Struct("=IIIIQ")
#: That of ``counts.inc``: shape, holder, objects, bytes.
COUNT = struct.Struct("=IIQQ")
#: Of ``places.inc``: the place among the holder's entries, from 1; 0: not known.
PLACE = struct.Struct("=I")

#: Shape and holder.
Key = tuple[int, int]

#: So many standard errors an estimate may be away from what was counted. Farther away there is something else:
#: objects that were there before anything was sampled.
FARTHEST = 3.0
#: Of a way whose count is believed so many samples are expected at least, by what was counted: 95 of 100 such ways have
#: one. Of what is smaller only those are seen that chance has drawn, and each of these stands for others: put
#: right, all of them together would be too few. How many are expected is known badly where the interval has changed
#: much, one sample of a coarse one outweighs all others: then so many samples are as good, which of a hundred ways
#: where one is expected not one has.
EXPECTED, ENOUGH = 3.0, 5

#: Of a tie's state, whose the object is: of these the first that holds,
WHOSE, GARBAGE = 3, 1
#: and whether the block is not an object itself, but a table or buffer of one,
BESIDE = 4
#: and it is of the very container that holds.
ITS_OWN = 8

#: So many stacks are told, the largest, and of each so many ways; of the smaller ones as many, in which several holders
#: of one way are not told apart: what a window of the newest reports keeps hangs in dozens of ways, and all of it there.
STACKS = 400
WAYS = 6
#: Of one stack and way, so many holders are told apart; more are none in particular.
HOLDERS = 4


class _Part:
    """What samples say of one way, of one stack or of all."""

    __slots__ = ("number", "objects", "size", "variance")

    def __init__(self) -> None:
        self.number = 0
        self.objects = self.size = self.variance = 0.0

    def add(self, size: int, chance: float, is_object: bool) -> None:
        self.number += 1
        self.objects += 1 / chance if is_object else 0.0
        self.size += size / chance
        self.variance += size * size * (1 - chance) / (chance * chance)

    def join(self, other: _Part) -> None:
        self.number += other.number
        self.objects += other.objects
        self.size += other.size
        self.variance += other.variance


class _Amended(NamedTuple):
    """An estimate put right by what was counted: the regression estimator of survey sampling (W. Cochran, Sampling
    Techniques, 1977, chapter 7), whose auxiliary variable is the sum over all stacks.

    Of x, a part of z whose truth is Z: x - (z - Z) var(x) / var(z), where samples are independent. What is left of
    the variance is var(x) (1 - var(x) / var(z)); and that of the share of stacks of which no sample was drawn,
    a binomial one (Jeffreys' prior: L. Brown, T. Cai, A. DasGupta, Statistical Science 16, 2001).
    """

    objects: float
    size: float
    variance: float


def _amended(part: _Part, every: _Part, count: int | None, coarsest: float) -> _Amended:
    """Of a stack's part of a way, of which all stacks together have so many bytes; None: they were not counted.

    ``coarsest``: bytes that a sample stands for where the fewest are drawn. What samples miss may have come there:
    of so many bytes few samples are expected, or none, and those that there are say nothing of that error.
    """
    as_told = _Amended(part.objects, part.size, part.variance)
    if count is None or part.size <= 0 or every.variance <= 0:
        return as_told
    excess = every.size - count
    if every.number < ENOUGH and every.number * count < EXPECTED * every.size:
        return as_told
    unsure = every.variance + max(0.0, -excess) * coarsest
    if excess * excess > FARTHEST * FARTHEST * unsure:
        return as_told
    share = part.variance / every.variance
    size = min(max(part.size - excess * share, 0.0), float(count))
    others = every.number + 1.0
    unseen = 0.5 * (every.number + 0.5) / (others * others * (others + 1.0))
    return _Amended(
        part.objects * size / part.size,
        size,
        min(part.variance, part.variance * (1 - share) + unseen * size * size),
    )


class Walked:
    """What a walk has found, and how much of it could be tied; in the child for a moment."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self._shapes: Sequence[tuple[Any, ...]] = answer.get("shapes") or ()
        self._own: dict[int, bool] = {0: False}
        self.tied = 0
        """Blocks whose object was found, with a way to it."""
        self.wanted = 0
        """Blocks that were asked about."""
        self.counted: list[Counted] = []
        """What counting has put right, of the stacks that are told."""

    def is_own(self, shape: int) -> bool:
        """Whether leakhunt holds what is held in that way: a module of its own, or an object of one of its classes.

        What a capture's child itself makes may lie in blocks that the program had freed.
        """
        chain: list[int] = []
        while shape not in self._own and shape < len(self._shapes):
            chain.append(shape)
            shape = self._shapes[shape][0]
        told = self._own.get(shape, False)
        for at in reversed(chain):
            parent, _, name, kind, *_ = self._shapes[at]
            whose = str(kind if parent else name).partition(".")[0]
            told = self._own[at] = told or whose == "leakhunt"
        return told

    def ties(self) -> Iterator[tuple[int, ...]]:
        """Of each block that was asked about, in their order; none where the walk knows nothing."""
        return TIE.iter_unpack(self.answer.get("ties", b""))

    def waiting(self) -> Iterator[bool]:
        """Of each block that was asked about, in their order: whether nothing refers to it any more, and it only waits
        for the garbage collector. None where the walk knows nothing.
        """
        return (state & WHOSE == GARBAGE for _, _, _, state, _ in self.ties())

    def places(self) -> Iterator[int]:
        """Of each block that was asked about, in their order: its place among the entries of its holder, from 1; 0:
        not known. None where nobody looked.
        """
        return (place for (place,) in PLACE.iter_unpack(self.answer.get("places") or b""))

    def by_sample(
        self, blocks: Iterable[tuple[RawFrames, int, float]], coarsest: float = 0.0
    ) -> list[Retention]:
        """Of sampled blocks, in the order of their addresses: (frames, bytes, chance of the draw).

        ``coarsest``: the largest mean of bytes between two samples that there was.
        """
        of_stacks, loose = self._gathered(zip(blocks, self.ties()))
        counts = {key: size for key, (_, size) in self.counts().items()}
        if not counts:
            return _largest(of_stacks, {})
        every: dict[Key, _Part] = {}
        for ways in of_stacks.values():
            for key, part in ways.items():
                every.setdefault(key, _Part()).join(part)
        amended = {
            frames: {
                key: _amended(part, every[key], counts.get(key), coarsest)
                for key, part in ways.items()
            }
            for frames, ways in of_stacks.items()
        }
        told, none = _largest(of_stacks, amended), _Part()
        for record in told:
            parts: list[_Part | _Amended] = [
                loose.get(record.frames, none),
                *amended[record.frames].values(),
            ]
            size, variance = sum(part.size for part in parts), sum(part.variance for part in parts)
            self.counted.append(Counted(record.frames, round(size), sqrt(variance)))
        return told

    def by_traceback(self) -> list[Retention]:
        """Of blocks that tracemalloc knows; larger ones were chosen sooner."""
        traced = self.answer.get("traced")
        if not traced:
            return []
        tracebacks, packed, interval = traced
        ties = list(TIE.iter_unpack(packed))
        chosen = (
            (frames, tie[4], min(1.0, tie[4] / interval) if tie[4] and interval else 1.0)
            for frames, tie in zip(tracebacks, ties)
        )
        of_stacks, _ = self._gathered(zip(chosen, ties))
        return _largest(of_stacks, {})

    def _gathered(
        self, blocks: Iterable[tuple[tuple[RawFrames, int, float], tuple[int, ...]]]
    ) -> tuple[dict[RawFrames, dict[Key, _Part]], dict[RawFrames, _Part]]:
        """What blocks with their ties come to, by stack: way by way, and of those that hang from nothing known.

        A block that holds an object of leakhunt's is free in the worker, and hangs from nothing there.
        """
        of_stacks: dict[RawFrames, dict[Key, _Part]] = {}
        loose: dict[RawFrames, _Part] = {}
        for (frames, size, chance), (shape, holder, _, state, _) in blocks:
            self.wanted += 1
            if shape and not self.is_own(shape):
                self.tied += 1
                ways = of_stacks.setdefault(frames, {})
                part = ways.setdefault((shape, holder), _Part())
            else:
                part = loose.setdefault(frames, _Part())
            part.add(size, chance, not state & BESIDE)
        return of_stacks, loose

    def counts(self) -> dict[Key, tuple[int, int]]:
        """All objects by shape and holder, and their bytes; none where they were not all counted."""
        packed = self.answer.get("counts") or b""
        return {
            (shape, holder): (number, size)
            for shape, holder, number, size in COUNT.iter_unpack(packed)
        }


def _largest(
    of_stacks: Mapping[RawFrames, Mapping[Key, _Part]],
    amended: Mapping[RawFrames, Mapping[Key, _Amended]],
) -> list[Retention]:
    told = [
        Retention(frames, _ways(ways, amended.get(frames))) for frames, ways in of_stacks.items()
    ]
    told.sort(key=lambda record: -sum(way[2] for way in record.ways))
    return told[:STACKS]


def _ways(
    parts: Mapping[Key, _Part], amended: Mapping[Key, _Amended] | None
) -> tuple[tuple[int, ...], ...]:
    """The largest ways of a stack: (path, objects, bytes, holder), and objects and bytes as counted, where they
    were; 0 for several holders.
    """
    holders = Counter(shape for shape, _ in parts)
    figures = {key: [part.objects, part.size] for key, part in parts.items()}
    if amended is not None:
        for key, several in figures.items():
            several += amended[key].objects, amended[key].size
    largest = _joined(
        ((shape, holder if holders[shape] <= HOLDERS else 0), several)
        for (shape, holder), several in figures.items()
    )
    rest = largest[WAYS:]
    alike = Counter(shape for (shape, _), _ in rest)
    smaller = _joined(
        ((shape, holder if alike[shape] == 1 else 0), several) for (shape, holder), several in rest
    )
    return tuple(
        (shape, round(objects), round(size), holder, *map(round, counted))
        for (shape, holder), (objects, size, *counted) in (*largest[:WAYS], *smaller[:WAYS])
    )


def _joined(ways: Iterable[tuple[Key, list[float]]]) -> list[tuple[Key, list[float]]]:
    """The figures of equal keys added up, the most bytes first."""
    sums: dict[Key, list[float]] = {}
    for key, figures in ways:
        before = sums.get(key)
        sums[key] = figures if before is None else [a + b for a, b in zip(before, figures)]
    return sorted(sums.items(), key=lambda item: -item[1][1])
