"""What a copy of the sampled engine's tables says: stacks, samples, estimates, births.

Pure: a copy may be of another process. It is read where nobody waits for it, in the forked child of a
capture, or in a process beside the one that it was made in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from math import expm1, sqrt
from typing import Any, NamedTuple
from zlib import crc32

from leakhunt.cpython.freelists import is_free, may_be_recycled
from leakhunt.engine import arrivals, births, handed, holders
from leakhunt.engine.interface import Harvest, Life
from leakhunt.engine.retention import Walked
from leakhunt.snapfile.records import Estimate, Recycled, Types
from leakhunt.snapfile.write import RawFrames, Run

#: The C structs of ``_tables.h``.
_SAMPLE = struct.Struct("=QQIIHHIII")
_STACK = struct.Struct("=IIII")
_FRAME = struct.Struct("=III")
_TEXT = struct.Struct("=II")
#: The parts of a copy, in order: see ``_sampler.read()``.
SAMPLES, STACKS, STEPS, FRAMES, TEXTS, LETTERS, INTERVALS, CLOCK, GRAVES = range(9)

#: As tracemalloc names the stack of a block that no Python code asked for.
UNKNOWN: RawFrames = (("<unknown>", 0),)

#: Larger blocks, where they are fewer than so many, are rounded in size and not only in number.
SMALL, FEW = 512, 4.0
#: So many types are told of each stack.
TYPES = 5

#: The fraction by which the blocks of a stack and size are rounded.
Draw = Callable[[RawFrames, int], float]


class Tables(NamedTuple):
    """With names for numbers and addresses."""

    stacks: list[RawFrames]
    """By number; equal ones are one tuple."""
    kinds: Mapping[int, str]
    """Names of types by address."""
    samples: list[tuple[holders.Sample, str | None]]
    """Each with the name of its object's type, where that is known."""
    functions: dict[tuple[str, int], str]
    """The function of each frame."""
    typed: bool = True
    """Whether what stands in the blocks was looked at: else neither types nor freelists are known."""


def resolve(raw: Any, kinds: Mapping[int, str], heads: bytes | None) -> Tables:
    """``heads``: what stands in the blocks, see ``_sampler.heads()``; None: nobody has looked."""
    stacks, functions = _resolved(raw)
    first: dict[RawFrames, RawFrames] = {}
    same = [first.setdefault(frames, frames) for frames in stacks]
    return Tables(same, kinds, list(_samples(raw, kinds, heads)), functions, heads is not None)


def harvest(
    raw: Any, told: Tables, life: Life, draw: Draw, walked: Walked | None = None
) -> Harvest:
    """One run per stack and size: as many blocks as its samples stand for, rounded.

    Where that would make much of a difference, of few and large blocks, they get the size that
    leaves their sum as it is: a table or buffer that grows must not double by chance.
    Recycled bytes are at most the stack's: see :mod:`leakhunt.cpython.freelists`.
    """
    stacks, _, samples, functions, typed = told
    weights: dict[tuple[RawFrames, int], float] = {}
    numbers: dict[RawFrames, int] = {}
    variances: dict[RawFrames, float] = {}
    kinds: dict[RawFrames, dict[str, float]] = {}
    recycled: dict[RawFrames, float] = {}
    for sample, kind in samples:
        frames, size, p = stacks[sample.stack], sample.size, sample.chance
        weights[frames, size] = weights.get((frames, size), 0.0) + 1 / p
        numbers[frames] = numbers.get(frames, 0) + 1
        variances[frames] = variances.get(frames, 0.0) + size * size * (1 - p) / (p * p)
        if kind is not None:
            sizes = kinds.setdefault(frames, {})
            sizes[kind] = sizes.get(kind, 0.0) + size / p
        if sample.recycled:
            recycled[frames] = recycled.get(frames, 0.0) + size / p
    runs: list[Run] = []
    totals: dict[RawFrames, tuple[int, int]] = {}
    for (frames, size), weight in weights.items():
        count = int(weight + draw(frames, size))
        if size > SMALL and weight < FEW:
            size = round(size * weight / count)
        else:
            part = weight % 1.0
            variances[frames] += size * size * part * (1 - part)
        bytes_before, blocks_before = totals.get(frames, (0, 0))
        totals[frames] = bytes_before + size * count, blocks_before + count
        runs.append(((0, size, frames, len(frames)), count))
    born = [sample for sample, _ in samples]
    periods = births.Periods(births.clock(raw[CLOCK]))
    waiting = () if walked is None else walked.waiting()
    of_stacks = births.by_stack(born, periods, totals, stacks, waiting)
    return Harvest(
        runs,
        [Estimate(frames, number, sqrt(variances[frames])) for frames, number in numbers.items()],
        [Types(frames, _largest(sizes)) for frames, sizes in kinds.items()] if typed else None,
        [Recycled(frames, min(totals[frames][0], round(size))) for frames, size in recycled.items()]
        if typed
        else None,
        functions,
        of_stacks,
        periods.calendar(born, life),
        births.gone(raw[GRAVES], periods, stacks),
        () if walked is None else handed.handed(born, walked.ties(), periods, stacks, of_stacks),
        ()
        if walked is None
        else arrivals.arrivals(born, walked.ties(), walked.places(), walked.counts(), periods),
    )


def drawing(salt: int) -> Draw:
    """Up or down at random, without bias, and for one stack and size always by the same draw.

    So a heap that stands still gives the same snapshot twice, a place that grows is off by less
    than a block in each snapshot of the process, and a thousand places are off by nothing.
    ``salt`` is the process's own: whoever reads its tables draws as it does itself.
    """
    of_stack: dict[RawFrames, int] = {}
    of_frame: dict[tuple[str, int], int] = {}

    def code(frame: tuple[str, int]) -> int:
        number = of_frame.get(frame)
        if number is None:
            text = f"{frame[0]}:{frame[1]}".encode("utf-8", "surrogatepass")
            number = of_frame[frame] = crc32(text, salt)
        return number

    def draw(frames: RawFrames, size: int) -> float:
        number = of_stack.get(frames)
        if number is None:
            codes = struct.pack(f"={len(frames)}I", *map(code, frames))
            number = of_stack[frames] = crc32(codes, salt)
        return crc32(size.to_bytes(8, "little"), number) / 2**32

    return draw


def _largest(sizes: dict[str, float]) -> tuple[tuple[str, int], ...]:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:TYPES]
    return tuple((kind, round(size)) for kind, size in largest)


def _samples(
    raw: Any, named: Mapping[int, str], heads: bytes | None
) -> Iterator[tuple[holders.Sample, str | None]]:
    """The samples of a copy of the tables, and the type of the object in each, if it is a known one."""
    intervals = memoryview(raw[INTERVALS]).cast("d")
    chances: dict[tuple[int, int], float] = {}
    words = memoryview(heads).cast("Q") if heads is not None else ()
    for at, fields in enumerate(_SAMPLE.iter_unpack(raw[SAMPLES])):
        address, size, _, stack, step, task, born, when, life = fields
        p = chances.get((size, step)) or chances.setdefault(
            (size, step), -expm1(-size / intervals[step])
        )
        kind, recycled, free = None, False, False
        if words:
            three = words[at * 3 : at * 3 + 3]
            kind = next(filter(None, map(named.get, three)), None)
            free = kind is None and is_free(named, size, three)
            recycled = not free and may_be_recycled(kind, size, three[0])
        yield (
            holders.Sample(
                address, size, p, stack, recycled, intervals[step], task, born, when, life, free
            ),
            kind,
        )


def _resolved(raw: Any) -> tuple[list[RawFrames], dict[tuple[str, int], str]]:
    """The stacks of a copy of the tables, and the function of each frame."""
    letters = raw[LETTERS]
    texts = [
        letters[offset : offset + length].decode("utf-8", "surrogatepass")
        for offset, length in _TEXT.iter_unpack(raw[TEXTS])
    ]
    frames = []
    functions: dict[tuple[str, int], str] = {}
    for file, function, line in _FRAME.iter_unpack(raw[FRAMES]):
        frame = (texts[file], line)
        frames.append(frame)
        name = texts[function].replace("<locals>.", "")
        # A line may hold a function and a comprehension: the function is the better name.
        if frame not in functions or "<" in functions[frame]:
            functions[frame] = name
    steps = memoryview(raw[STEPS]).cast("I")
    stacks = [
        tuple(map(frames.__getitem__, steps[first : first + depth])) if depth else UNKNOWN
        for first, depth, _, _ in _STACK.iter_unpack(raw[STACKS])
    ]
    return stacks, functions
