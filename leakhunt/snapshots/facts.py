"""The facts of a snapshot, checked: a file may say anything, and what is malformed counts as not said."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import starmap
from math import sqrt
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from leakhunt.model.meta import Meta
from leakhunt.model.snapshot import NOTHING, Frame, Held, Resident, Spot, Stack, Tally
from leakhunt.snapfile import records
from leakhunt.snapfile.records import Estimate, Recycled, Types

#: Beyond any number of bytes, tasks or seconds.
LARGEST = 1 << 62

#: More periods than any calendar has.
MOST_PERIODS = 1000

#: Letters of a type's name.
LONGEST_NAME = 200

#: What malloc and pymalloc have handed out, and what they hold free.
USED = ("malloc_used", "malloc_mapped", "pymalloc_used")
FREE = ("malloc_free", "pymalloc_free")

#: Types that CPython makes from freelists, where the file itself does not say which objects may be
#: recycled (``Objects/dictobject.c``, ``floatobject.c``, ``listobject.c``, ``tupleobject.c``).
RECYCLED = frozenset({"dict", "float", "list", "tuple"})


def meta(facts: Mapping[str, Any]) -> Meta:
    """The facts by name; a value of the wrong type counts as unknown."""
    values = {field.name: _READ[field.type](facts.get(field.name)) for field in _SIMPLE}
    return Meta(**values, facts=MappingProxyType(dict(facts)))


class Packed(Mapping[str, Any]):
    """Facts of one of the files of a listing, as JSON until somebody asks: taken apart they are 12 KB, and there may
    be 100,000 of them.
    """

    __slots__ = ("_packed",)

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._packed = zlib.compress(json.dumps(facts).encode(), 1)

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(zlib.decompress(self._packed))
        return told

    def __getitem__(self, name: str) -> Any:
        return self._told()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._told())

    def __len__(self) -> int:
        return len(self._told())


def listed(facts: Mapping[str, Any]) -> Meta:
    """As :func:`meta`, for one of many."""
    try:
        return replace(meta(facts), facts=Packed(facts))
    except (TypeError, ValueError, RecursionError):  # of a plain dump, which need not be JSON
        return meta(facts)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return sys.intern(value) if len(value) <= LONGEST_NAME else value


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    number = number_of(value)
    return None if number is None else int(number)


def number_of(value: Any) -> float | None:
    """A finite number that is not negative; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < LARGEST else None


def numbers_of(values: Iterable[Any]) -> list[float | None]:
    """As :func:`number_of`, of each."""
    return [number_of(each) for each in values]


#: How a value of each type is read; a :class:`Meta` with a field of another type cannot be made at all.
_READ: Mapping[Any, Callable[[Any], Any]] = {
    "str | None": _text,
    "bool | None": _flag,
    "int | None": _whole,
    "float | None": number_of,
}
_SIMPLE = [field for field in fields(Meta) if field.name != "facts"]


def figure(about: Meta, names: Sequence[str]) -> int | None:
    """The sum of some of the allocators' figures; None where one is missing."""
    figures = about.facts.get("allocators")
    values = [figures.get(name) for name in names] if isinstance(figures, dict) else [None]
    numbers = [value for value in values if isinstance(value, int)]
    return sum(numbers) if len(numbers) == len(values) else None


def live(about: Meta) -> int | None:
    """Bytes of the traces in the file, without reading them; of a file that does not say, what its engine counted,
    leakhunt's own part included.
    """
    told = number_of(about.facts.get("live"))
    return about.traced if told is None else int(told)


class Cost(NamedTuple):
    """What an engine takes, by its own clock; None for what the file does not say."""

    overhead: float | None
    """Share of the CPU that it took."""
    budget: float | None
    """Share of the CPU that it may take; None too where the interval is fixed."""
    interval: int | None
    """Mean bytes between two samples."""
    overhead_cpu: float | None = None
    """CPU seconds of the process of which ``overhead`` is the share."""


def cost(about: Meta) -> Cost:
    """The cost of the engine, as the snapshot says."""
    overhead, budget, interval, cpu = (
        number_of(about.facts.get(name))
        for name in ("overhead", "budget", "interval", "overhead_cpu")
    )
    return Cost(overhead, budget, None if interval is None else int(interval), cpu)


def tells_types(meta: Meta) -> bool:
    """Whether the blocks were looked at: else neither types nor what freelists have handed on are known."""
    walks = meta.facts.get("walks")
    return not (isinstance(walks, dict) and "types" in walks)


def spots(recorded: Any) -> dict[Frame, Spot]:
    """The function and the source line of frames."""
    by_frame = {}
    for file, lines in recorded.items() if isinstance(recorded, dict) else ():
        for line, spot in lines.items() if isinstance(lines, dict) else ():
            if isinstance(line, int) and isinstance(spot, (tuple, list)) and len(spot) == 2:
                function, code = (part if isinstance(part, str) else None for part in spot)
                by_frame[Frame(str(file), line)] = Spot(function, code)
    return by_frame


def resident(recorded: Any) -> tuple[Resident, ...]:
    """How large the process was in the course of its work; (): the file does not say, or not in order."""
    if not isinstance(recorded, (tuple, list)) or len(recorded) > MOST_PERIODS:
        return ()
    sizes: list[Resident] = []
    for one in recorded:
        row = [number_of(each) for each in one] if is_row(one) else []
        numbers = [int(each) for each in row if each is not None]
        if not len(row) == len(numbers) == 2 or (sizes and numbers[0] <= sizes[-1].tasks):
            return ()
        sizes.append(Resident(*numbers))
    return tuple(sizes)


def is_row(value: Any) -> bool:
    """Whether it may have a value for each period."""
    return isinstance(value, (tuple, list)) and len(value) <= MOST_PERIODS


def estimates(recorded: Any, tallies: Mapping[Stack, Tally]) -> dict[Stack, tuple[float, int]]:
    """Standard error (bytes) and samples by stack."""
    sums: dict[Stack, tuple[float, int]] = {}
    for stack, said in known_records(Estimate, recorded, tallies):
        number, stderr = number_of(said.samples), number_of(said.stderr)
        if number is not None and stderr is not None:
            variance, samples = sums.get(stack, (0.0, 0))
            sums[stack] = variance + float(stderr) ** 2, samples + int(number)
    return {stack: (sqrt(variance), samples) for stack, (variance, samples) in sums.items()}


def types(recorded: Any, tallies: Mapping[Stack, Tally]) -> dict[Stack, dict[str, int]]:
    """The bytes of objects by the name of their type, for each stack; never more than it has."""
    of_stack: dict[Stack, dict[str, int]] = {}
    for stack, said in known_records(Types, recorded, tallies):
        sizes = of_stack.setdefault(stack, {})
        left = tallies[stack].size - sum(sizes.values())
        for pair in said.largest if isinstance(said.largest, (tuple, list)) else ():
            if isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[0], str):
                size = min(int(number_of(pair[1]) or 0), left)
                if size > 0:
                    left -= size
                    sizes[pair[0]] = sizes.get(pair[0], 0) + size
    return of_stack


def recycled(
    recorded: Any, by_type: Mapping[Stack, Mapping[str, int]], tallies: Mapping[Stack, Tally]
) -> dict[Stack, int]:
    """The bytes of each stack that may be objects handed on by a freelist: another line may keep them."""
    if not isinstance(recorded, (tuple, list)):
        guessed = {
            stack: sum(size for name, size in sizes.items() if name in RECYCLED)
            for stack, sizes in by_type.items()
        }
        return {stack: size for stack, size in guessed.items() if size}
    of_stack: dict[Stack, int] = {}
    for stack, said in known_records(Recycled, recorded, tallies):
        size = number_of(said.size)
        if size:
            of_stack[stack] = of_stack.get(stack, 0) + int(size)
    return of_stack


def holders(recorded: Any, tallies: Mapping[Stack, Tally]) -> dict[Stack, tuple[Held, ...]]:
    """Who keeps the objects of a stack that a freelist has handed on; never more than the stack has."""
    of_stack: dict[Stack, list[Held]] = {}
    told: dict[Stack, Tally] = {}
    for stack, said in known_records(records.Held, recorded, tallies):
        sizes = _blocks_of(said.blocks)
        numbers = [number_of(each) for each in (said.mark, said.samples, said.stderr)]
        if not sizes or not isinstance(said.kind, str) or None in numbers:
            continue
        mark, samples, stderr = (number or 0 for number in numbers)
        grower = stack_of(said.grower)
        one = Held(
            grower if grower in tallies else None,
            said.kind[:LONGEST_NAME],
            int(mark),
            int(samples),
            float(stderr) ** 2,
            sizes,
        )
        sum_told = told.get(stack, NOTHING).plus(one.tally)
        if sum_told.size <= tallies[stack].size and sum_told.count <= tallies[stack].count:
            told[stack] = sum_told
            of_stack.setdefault(stack, []).append(one)
    return {stack: tuple(several) for stack, several in of_stack.items()}


def _blocks_of(recorded: Any) -> tuple[tuple[int, int], ...]:
    """Pairs of whole numbers above 0; none at all where one is malformed."""
    pairs = []
    for pair in recorded if isinstance(recorded, (tuple, list)) else ():
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            return ()
        numbers = [number_of(each) for each in pair if isinstance(each, int)]
        if len(numbers) != 2 or not all(numbers):
            return ()
        pairs.append((int(numbers[0] or 0), int(numbers[1] or 0)))
    return tuple(pairs)


Kind = TypeVar("Kind", bound=tuple[Any, ...])


def known_records(
    kind: type[Kind], recorded: Any, tallies: Mapping[Stack, Tally]
) -> Iterator[tuple[Stack, Kind]]:
    """The records of that kind, each with its stack, where it is one of the file's."""
    for record in records.read(kind, recorded):
        stack = stack_of(record[0])
        if stack is not None and stack in tallies:
            yield stack, record


def stack_of(frames: Any) -> Stack | None:
    """Frames, most recent call first, as a stack; None where they are none."""
    try:
        stack = tuple(starmap(Frame, reversed(frames)))
        hash(stack)
    except TypeError:
        return None
    return stack
