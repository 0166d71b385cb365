"""The sampled engine: live memory by line for about one per cent of the CPU.

The C part (``_sampler.c``) samples allocations by bytes: a block of size s is a sample with
probability p = 1 - exp(-s / interval), and stands for 1/p blocks like it. The interval
follows what sampling costs (``_pace.h``): nearly every block of a process that is young or mostly
idle, tens to hundreds of KiB at full load. Here its tables become a snapshot's runs. What
it cannot see: numpy's buffers and other memory
that is not asked for through Python's allocator; and an object that CPython makes from
a freelist (dict, tuple, float, list headers) is charged to whoever filled the freelist.
"""

from __future__ import annotations

import atexit
import struct
from collections.abc import Callable, Iterator, Mapping
from math import expm1, sqrt
from typing import Any, NamedTuple

from leakhunt.cpython import parts
from leakhunt.cpython.freelists import may_be_recycled
from leakhunt.engine import births, handed, holders
from leakhunt.engine.interface import UNKNOWN_LIFE, Counters, Harvest, Life
from leakhunt.engine.retention import Walked
from leakhunt.errors import EngineRefusedError
from leakhunt.snapfile.records import Estimate, Held, Recycled, Retention, Types
from leakhunt.snapfile.write import RawFrames, Run

_sampler = parts.load("leakhunt.engine._sampler")
if _sampler is None:  # installed without a compiler, or on an interpreter it does not know
    raise EngineRefusedError(parts.missing["leakhunt.engine._sampler"])

atexit.register(_sampler.end)

#: The C structs of ``_tables.h``.
_SAMPLE = struct.Struct("=QQIIHHIII")
_STACK = struct.Struct("=IIII")
_FRAME = struct.Struct("=III")
_TEXT = struct.Struct("=II")

#: As tracemalloc names the stack of a block that no Python code asked for.
UNKNOWN: RawFrames = (("<unknown>", 0),)

#: What one sample, and one byte of the engine's tables, take in ``read``, ``holders`` and ``harvest``.
BYTES_PER_SAMPLE = 900
COPIES = 8
BYTES_AT_LEAST = 7 << 20

#: Larger blocks, where they are fewer than so many, are rounded in size and not only in number.
SMALL, FEW = 512, 4.0

#: Share of the CPU that may go into sampling where nothing else is said. On top, a young process
#: may spend 20 of it once, in seconds (0.2 s of CPU time), and 0.05 of it of the time asleep.
BUDGET = 0.01


class _Tables(NamedTuple):
    """A copy of the engine's tables, with names for numbers and addresses."""

    stacks: list[RawFrames]
    """By number; equal ones are one tuple."""
    kinds: dict[int, str]
    """Names of types by address."""
    samples: list[tuple[holders.Sample, str | None]]
    """Each with the name of its object's type, where that is known."""
    functions: dict[tuple[str, int], str]
    """The function of each frame."""


class Sampled:
    """See :class:`leakhunt.engine.interface.Engine`. Raises EngineRefusedError where it cannot work."""

    name = "sampled"
    default_start = "boot"
    default_nframe = 25
    read = staticmethod(_sampler.read)
    begin_task = staticmethod(_sampler.begin_task)  # twice per task: without a call in between
    end_task = staticmethod(_sampler.end_task)
    at_fork = _sampler.at_fork

    def __init__(self, interval: int | None = None, budget: float | None = None) -> None:
        """``interval``: mean bytes between samples, None: as ``budget`` allows."""
        self.why: str | None = None
        self._interval = interval
        self._budget = BUDGET if budget is None else budget
        self._nframe = self.default_nframe
        self._read: tuple[Any, _Tables] | None = None
        problem = _sampler.self_test()
        if problem is not None:
            raise EngineRefusedError(problem)

    @property
    def tracing(self) -> bool:
        return _sampler.check() is None

    @property
    def nframe(self) -> int:
        return int(_sampler.stats()["nframe"]) if _sampler.is_active() else self._nframe

    def start(self, nframe: int) -> None:
        self._nframe = nframe
        if self.tracing:
            return
        try:
            _sampler.start(nframe, float(self._interval or 0), self._budget)
        except RuntimeError as error:
            raise EngineRefusedError(str(error)) from error

    def stop(self) -> None:
        _sampler.stop()

    def stop_refused(self, threads: int) -> str | None:
        return None

    def counters(self) -> Counters:
        if not _sampler.is_active():
            return Counters(None, None, None)
        return Counters(*_sampler.counters())

    def bytes_needed(self) -> int:
        tables: int = _sampler.counters()[2]
        samples: int = _sampler.stats()["samples"]
        return BYTES_AT_LEAST + tables * COPIES + samples * BYTES_PER_SAMPLE

    def live(self, age: float | None, done: int = 0) -> None:
        _sampler.live(max(0.0, age or 0.0), done)

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        """One run per stack and size: as many blocks as its samples stand for, rounded.

        Where that would make much of a difference, of few and large blocks, they get the size that
        leaves their sum as it is: a table or buffer that grows must not double by chance.
        Recycled bytes are at most the stack's: see :mod:`leakhunt.cpython.freelists`.
        """
        stacks, _, samples, functions = self._tables(raw)
        self._read = None  # a capture in the process itself leaves nothing behind
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
            count = _rounded(weight, frames, size)
            if size > SMALL and weight < FEW:
                size = round(size * weight / count)
            else:
                part = weight % 1.0
                variances[frames] += size * size * part * (1 - part)
            bytes_before, blocks_before = totals.get(frames, (0, 0))
            totals[frames] = bytes_before + size * count, blocks_before + count
            runs.append(((0, size, frames, len(frames)), count))
        born = [sample for sample, _ in samples]
        periods = births.Periods(births.clock(raw[7]))
        told = births.by_stack(born, periods, totals, stacks)
        return Harvest(
            runs,
            [
                Estimate(frames, number, sqrt(variances[frames]))
                for frames, number in numbers.items()
            ],
            [Types(frames, _largest(sizes)) for frames, sizes in kinds.items()],
            [
                Recycled(frames, min(totals[frames][0], round(size)))
                for frames, size in recycled.items()
            ],
            functions,
            told,
            periods.calendar(born, life),
            births.gone(raw[8], periods, stacks),
            () if walked is None else handed.handed(born, walked.ties(), periods, stacks, told),
        )

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> list[Held]:
        """See :mod:`leakhunt.engine.holders`. Estimates, rounded as the runs are."""
        stacks, kinds, typed, _ = self._tables(raw)
        samples = [sample for sample, _ in typed]
        answers = holders.answers(samples, find)
        return holders.held(samples, answers, stacks, kinds, _draw) if answers else []

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> Mapping[RawFrames, int]:
        """Estimates: a sample that is marked counts for the blocks that it stands for."""
        stacks, _, typed, _ = self._tables(raw)
        marks = mark(holders.addresses(sample for sample, _ in typed))
        numbers: dict[RawFrames, float] = {}
        for (sample, _), is_marked in zip(typed, marks):
            if is_marked:
                frames = stacks[sample.stack]
                numbers[frames] = numbers.get(frames, 0.0) + 1 / sample.chance
        return {frames: round(number) for frames, number in numbers.items()}

    def blocks(self, raw: Any) -> bytes:
        return holders.addresses(sample for sample, _ in self._tables(raw).samples)

    def retention(self, raw: Any, walked: Walked) -> list[Retention]:
        tables = self._tables(raw)
        return walked.by_sample(
            (tables.stacks[sample.stack], sample.size, sample.chance)
            for sample, _ in tables.samples
        )

    def _tables(self, raw: Any) -> _Tables:
        """What a copy of the tables says: found out once, whoever asks, until it is harvested."""
        if self._read is None or self._read[0] is not raw:
            stacks, functions = _resolved(raw)
            first: dict[RawFrames, RawFrames] = {}
            same = [first.setdefault(frames, frames) for frames in stacks]
            kinds = _type_names()
            self._read = raw, _Tables(same, kinds, list(_samples(raw, kinds)), functions)
        return self._read[1]

    def facts(self) -> dict[str, Any]:
        figures = _sampler.stats()
        return {
            "interval": round(figures["interval"]),
            "budget": None if self._interval else self._budget,
            "overhead": round(figures["overhead"], 6),
            "lost": {key: figures[key] for key in ("dropped", "unplaced", "ghosts", "unrouted")},
        }


#: So many types are told of each stack.
TYPES = 5


def _largest(sizes: dict[str, float]) -> tuple[tuple[str, int], ...]:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:TYPES]
    return tuple((kind, round(size)) for kind, size in largest)


def _rounded(weight: float, frames: RawFrames, size: int) -> int:
    """Up or down at random, without bias, and for one stack and size always by the same draw.

    So a heap that stands still gives the same snapshot twice, a place that grows is off by less
    than a block in each snapshot of the process, and a thousand places are off by nothing.
    """
    return int(weight + _draw(frames, size))


def _draw(frames: RawFrames, size: int) -> float:
    return (hash((frames, size)) & 0xFFFFFFFF) / 2**32


def _samples(raw: Any, named: Mapping[int, str]) -> Iterator[tuple[holders.Sample, str | None]]:
    """The samples of a copy of the tables, and the type of the object in each, if it is a known one."""
    intervals = memoryview(raw[6]).cast("d")
    chances: dict[tuple[int, int], float] = {}
    heads = memoryview(_sampler.heads(raw[0])).cast("Q")
    for at, fields in enumerate(_SAMPLE.iter_unpack(raw[0])):
        address, size, _, stack, step, task, born, when, life = fields
        p = chances.get((size, step)) or chances.setdefault(
            (size, step), -expm1(-size / intervals[step])
        )
        kind = next(filter(None, map(named.get, heads[at * 3 : at * 3 + 3])), None)
        recycled = may_be_recycled(kind, size, heads[at * 3])
        yield (
            holders.Sample(
                address, size, p, stack, recycled, intervals[step], task, born, when, life
            ),
            kind,
        )


def _type_names() -> dict[int, str]:
    """The names of all types by address, without running code of theirs or of a metaclass."""
    module_of = type.__dict__["__module__"].__get__
    name_of = type.__dict__["__qualname__"].__get__
    names: dict[int, str] = {}
    todo: list[type] = [object]
    while todo:
        kind = todo.pop()
        if id(kind) in names:
            continue
        try:
            module, name = module_of(kind), name_of(kind)
        except AttributeError:
            module, name = None, "?"
        is_named = type(module) is str and module != "builtins"
        names[id(kind)] = f"{module}.{name}" if is_named else str(name)
        todo += type.__subclasses__(kind)
    return names


def _resolved(raw: Any) -> tuple[list[RawFrames], dict[tuple[str, int], str]]:
    """The stacks of a copy of the tables, and the function of each frame."""
    letters = raw[5]
    texts = [
        letters[offset : offset + length].decode("utf-8", "surrogatepass")
        for offset, length in _TEXT.iter_unpack(raw[4])
    ]
    frames = []
    functions: dict[tuple[str, int], str] = {}
    for file, function, line in _FRAME.iter_unpack(raw[3]):
        frame = (texts[file], line)
        frames.append(frame)
        name = texts[function].replace("<locals>.", "")
        # A line may hold a function and a comprehension: the function is the better name.
        if frame not in functions or "<" in functions[frame]:
            functions[frame] = name
    steps = memoryview(raw[2]).cast("I")
    stacks = [
        tuple(map(frames.__getitem__, steps[first : first + depth])) if depth else UNKNOWN
        for first, depth, _, _ in _STACK.iter_unpack(raw[1])
    ]
    return stacks, functions
