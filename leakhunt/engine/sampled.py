"""The sampled engine: live memory by line for about one per cent of the CPU.

The C part (``_sampler.c``) samples allocations by bytes: a block of size s is a sample with
probability p = 1 - exp(-s / interval), and stands for 1/p blocks like it. The interval
follows what sampling costs (``sampler/pace.inc``): nearly every block of a process that is young or mostly
idle, tens to hundreds of KiB at full load. Here its tables become a snapshot's runs. What
it cannot see: memory that is not asked for through Python's allocator, but for numpy's data; and an object that CPython makes from
a freelist (dict, tuple, float, list headers) is charged to whoever filled the freelist.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from typing import Any

from leakhunt.cpython import parts
from leakhunt.engine import holders, tables
from leakhunt.engine.interface import UNKNOWN_LIFE, Counters, Harvest, Life
from leakhunt.engine.retention import Walked
from leakhunt.errors import EngineRefusedError
from leakhunt.snapfile.records import Held, Retention
from leakhunt.snapfile.write import RawFrames

_sampler = parts.load("leakhunt.engine._sampler")
if _sampler is None:  # installed without a compiler, or on an interpreter it does not know
    raise EngineRefusedError(parts.missing["leakhunt.engine._sampler"])

atexit.register(_sampler.end)

#: What one sample, and one byte of the engine's tables, take in ``read``, ``holders`` and ``harvest``.
BYTES_PER_SAMPLE = 900
COPIES = 8
BYTES_AT_LEAST = 7 << 20

#: Share of the CPU that may go into sampling where nothing else is said. On top, a young process
#: may spend 20 of it once, in seconds (0.2 s of CPU time), and 0.05 of it of the time asleep.
BUDGET = 0.01


#: By which sizes are rounded: a process and its forks have one for life, as strings have a hash.
SALT = hash("leakhunt") & 0xFFFFFFFF


class Sampled:
    """See :class:`leakhunt.engine.interface.Engine`. Raises EngineRefusedError where it cannot work."""

    name = "sampled"
    default_start = "boot"
    default_nframe = 25
    read = staticmethod(_sampler.read)
    begin_task = staticmethod(_sampler.begin_task)  # twice per task: without a call in between
    end_task = staticmethod(_sampler.end_task)
    at_fork = _sampler.at_fork
    salt: int | None = SALT

    def __init__(self, interval: int | None = None, budget: float | None = None) -> None:
        """``interval``: mean bytes between samples, None: as ``budget`` allows."""
        self.why: str | None = None
        self._interval = interval
        self._budget = BUDGET if budget is None else budget
        self._nframe = self.default_nframe
        self._read: tuple[Any, tables.Tables] | None = None
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
        copied: int = _sampler.counters()[2]
        samples: int = _sampler.stats()["samples"]
        return BYTES_AT_LEAST + copied * COPIES + samples * BYTES_PER_SAMPLE

    def live(self, age: float | None, done: int = 0) -> None:
        _sampler.live(max(0.0, age or 0.0), done)

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        """See :func:`leakhunt.engine.tables.harvest`."""
        told = self._tables(raw)
        self._read = None  # a capture in the process itself leaves nothing behind
        return tables.harvest(raw, told, life, tables.drawing(SALT), walked)

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> list[Held]:
        """See :mod:`leakhunt.engine.holders`. Estimates, rounded as the runs are."""
        stacks, kinds, typed, *_ = self._tables(raw)
        samples = [sample for sample, _ in typed]
        answers = holders.answers(samples, find)
        draw = tables.drawing(SALT)
        return holders.held(samples, answers, stacks, kinds, draw) if answers else []

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> Mapping[RawFrames, int]:
        """Estimates: a sample that is marked counts for the blocks that it stands for."""
        stacks, _, typed, *_ = self._tables(raw)
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
        told = self._tables(raw)
        coarsest = max((sample.interval for sample, _ in told.samples), default=0.0)
        return walked.by_sample(
            ((told.stacks[sample.stack], sample.size, sample.chance) for sample, _ in told.samples),
            coarsest,
        )

    def _tables(self, raw: Any) -> tables.Tables:
        """What a copy of the tables says: found out once, whoever asks, until it is harvested."""
        if self._read is None or self._read[0] is not raw:
            heads = _sampler.heads(raw[tables.SAMPLES])
            self._read = raw, tables.resolve(raw, _type_names(), heads)
        return self._read[1]

    def let_go(self) -> Mapping[int, int]:
        return {number: size for number, size in enumerate(_sampler.let_go()) if size}

    def facts(self) -> dict[str, Any]:
        figures = _sampler.stats()
        return {
            "interval": round(figures["interval"]),
            "budget": None if self._interval else self._budget,
            "overhead": round(figures["overhead"], 6),
            "overhead_cpu": round(figures["cpu_ns"] / 1e9, 3),
            "lost": {key: figures[key] for key in ("dropped", "unplaced", "ghosts", "unrouted")},
        }


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
