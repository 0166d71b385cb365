"""Who keeps the objects that freelists have handed on: from addresses to stacks.

The hook knows objects and finds their holders by address; the engine knows what was asked for
at an address, and by whom. A holder whose own memory is a sampled block that no freelist
serves tells where it grew last: whoever asked for that block made room for one more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from leakhunt.snapfile.records import Held
from leakhunt.snapfile.write import RawFrames

#: What is found for a block: the holder's block, the address of its type, the block it grew by.
ANSWER = struct.Struct("=QQQ")


class Sample(NamedTuple):
    """A sampled block."""

    address: int
    size: int
    """Bytes that were asked for."""
    chance: float
    """With which it was drawn."""
    stack: int
    """0: nobody's."""
    recycled: bool
    """Whether a freelist may have handed it on."""
    interval: float = 0.0
    """Mean bytes between two samples when it was drawn."""
    task: int = 0
    """Number of the task that asked for it; 0: none did."""
    born: int = 0
    """Units of work done by then."""
    when: int = 0
    """Seconds that the process had lived by then."""
    life: int = 0
    """Number of the process that asked for it."""
    free: bool = False
    """Whether its object has died, and it lies in a freelist."""


def addresses(samples: Iterable[Sample]) -> bytes:
    """As the hook takes them: 64 bits each."""
    chosen = [sample.address for sample in samples]
    return struct.pack(f"={len(chosen)}Q", *chosen)


def answers(samples: Sequence[Sample], find: Callable[[bytes, bytes], bytes]) -> list[bytes]:
    """The answer for each recycled sample, in their order; none where nobody looks."""
    wanted = addresses(sample for sample in samples if sample.recycled)
    if not wanted:
        return []
    asked = addresses(sample for sample in samples if sample.stack and not sample.recycled)
    packed = find(wanted, asked)
    return [packed[at : at + ANSWER.size] for at in range(0, len(packed), ANSWER.size)]


class _Part:
    """What one holder has of one stack."""

    def __init__(self) -> None:
        self.samples = 0
        self.variance = 0.0
        self.weights: dict[int, float] = {}

    def add(self, sample: Sample) -> None:
        p, size = sample.chance, sample.size
        self.samples += 1
        self.variance += size * size * (1 - p) / (p * p)
        self.weights[size] = self.weights.get(size, 0.0) + 1 / p


def held(
    samples: Sequence[Sample],
    answers: Iterable[bytes],
    stacks: Sequence[RawFrames],
    kinds: Mapping[int, str],
    draw: Callable[[RawFrames, int], float],
) -> list[Held]:
    """What is held, by stack and holder. ``kinds``: types by address.

    ``draw`` gives the fraction by which the blocks of a stack and size are rounded: with the
    same one as for the stack as a whole, parts never add up to more than that.
    """
    grown = {sample.address: sample.stack for sample in samples if not sample.recycled}
    parts: dict[tuple[RawFrames, int, str, int | None], _Part] = {}
    for sample, answer in zip((each for each in samples if each.recycled), answers):
        holder, kind, block = ANSWER.unpack(answer)
        if holder:
            key = (
                stacks[sample.stack],
                hash(("holder", holder)) & 0xFFFFFFFF,  # known again in the process's next snapshot
                kinds.get(kind, "object"),
                grown.get(block),
            )
            parts.setdefault(key, _Part()).add(sample)
    before: dict[tuple[RawFrames, int], float] = {}
    told = []
    for (frames, mark, kind_name, grower), part in sorted(parts.items(), key=_order):
        blocks = []
        for size, weight in part.weights.items():
            sum_before = before.get((frames, size), draw(frames, size))
            before[frames, size] = sum_before + weight
            number = int(sum_before + weight) - int(sum_before)
            if number:
                blocks.append((size, number))
        if blocks:
            where = None if grower is None else stacks[grower]
            told.append(
                Held(
                    frames, where, kind_name, mark, part.samples, sqrt(part.variance), tuple(blocks)
                )
            )
    return told


def _order(item: tuple[tuple[RawFrames, int, str, int | None], _Part]) -> tuple[int, int, str]:
    (_, mark, kind, _), part = item
    return (-part.samples, mark, kind)
