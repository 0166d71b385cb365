"""Blocks that were tied to what holds them, by the stack that asked for them.

A walk over the heap (:mod:`leakhunt.hook.capture.walk`) knows objects, and finds the object in a block;
the engine knows who asked for the block, and how many like it it stands for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from leakhunt.snapfile.records import RawFrames, Retention

#: The C struct of ``weights.inc``: shape, holder (from 1), type, state, bytes of the block.
TIE = struct.Struct("=IIIIQ")

#: Of a tie's state: the block is not an object itself, but a table or buffer of one,
BESIDE = 4
#: and it is of the very container that holds.
ITS_OWN = 8

#: So many stacks are told, the largest, and of each so many ways.
STACKS = 400
WAYS = 6
#: Of one stack and way, so many holders are told apart; more are none in particular.
HOLDERS = 4


class Walked:
    """What a walk has found, and how much of it could be tied; in the child for a moment."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.tied = 0
        """Blocks whose object was found, with a way to it."""
        self.wanted = 0
        """Blocks that were asked about."""

    def ties(self) -> Iterator[tuple[int, ...]]:
        """Of each block that was asked about, in their order; none where the walk knows nothing."""
        return TIE.iter_unpack(self.answer.get("ties", b""))

    def by_sample(self, blocks: Iterable[tuple[RawFrames, int, float]]) -> list[Retention]:
        """Of sampled blocks, in the order of their addresses: (frames, bytes, chance of the draw)."""
        return self._summed(
            (frames, size, 1 / chance, tie)
            for (frames, size, chance), tie in zip(blocks, self.ties())
        )

    def by_traceback(self) -> list[Retention]:
        """Of blocks that tracemalloc knows; larger ones were chosen sooner."""
        traced = self.answer.get("traced")
        if not traced:
            return []
        tracebacks, ties, interval = traced
        return self._summed(
            (frames, tie[4], max(1.0, interval / tie[4]) if tie[4] else 1.0, tie)
            for frames, tie in zip(tracebacks, TIE.iter_unpack(ties))
        )

    def _summed(
        self, blocks: Iterable[tuple[RawFrames, int, float, tuple[int, ...]]]
    ) -> list[Retention]:
        sums: dict[RawFrames, dict[tuple[int, int], list[float]]] = {}
        for frames, size, weight, (shape, holder, _, state, _) in blocks:
            self.wanted += 1
            if not shape:
                continue
            self.tied += 1
            ways = sums.setdefault(frames, {})
            part = ways.setdefault((shape, holder), [0.0, 0.0])
            part[0] += 0.0 if state & BESIDE else weight
            part[1] += weight * size
        told = [Retention(frames, _ways(ways)) for frames, ways in sums.items()]
        told.sort(key=lambda record: -sum(way[2] for way in record.ways))
        return told[:STACKS]


def _ways(
    parts: Mapping[tuple[int, int], Sequence[float]],
) -> tuple[tuple[int, int, int, int], ...]:
    """The largest ways of a stack: (path, objects, bytes, holder); 0 for several holders."""
    holders: dict[int, int] = {}
    for shape, _ in parts:
        holders[shape] = holders.get(shape, 0) + 1
    joined: dict[tuple[int, int], list[float]] = {}
    for (shape, holder), (objects, size) in parts.items():
        key = shape, holder if holders[shape] <= HOLDERS else 0
        part = joined.setdefault(key, [0.0, 0.0])
        part[0] += objects
        part[1] += size
    largest = sorted(joined.items(), key=lambda item: -item[1][1])[:WAYS]
    return tuple(
        (shape, round(objects), round(size), holder) for (shape, holder), (objects, size) in largest
    )
