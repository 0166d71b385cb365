"""Loads a pickle that may come from anyone; runs only in a limited child of the reader.

Limits, restricted unpickling, checks, sums. Everything here is thrown away with
the process; what leaves it are the plain values of :class:`Sums`.

For the speed of plain ``Snapshot.dump`` files (10^6 to 10^7 records) they are not unpickled
where the optional C part is there and finds nothing odd (``_opcodes.h``). What it declines is
unpickled with collection off, and the records are checked and summed by builtins that loop
in C, keyed by the identity of the frames tuple that records share: no Python code per block.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import resource
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from itertools import chain, count, repeat
from operator import itemgetter, length_hint, mul
from pathlib import Path
from typing import Any, NamedTuple

from leakhunt.model.paths import visible
from leakhunt.snapfile import NAMES, SCHEMA, native

#: Address space the child may take on top of its own: this, and so many times the file.
#: (A plain dump needs 9 to 13 times its size: 14 bytes in the file are a tuple, an
#: int and a slot in memory.)
SPACE = 192 << 20
SPACE_PER_BYTE = 24
#: CPU seconds the child may take: this, and so many per MiB.
SECONDS = 5
SECONDS_PER_MIB = 2
#: No process has more memory than this; larger sums are forgeries.
IMPOSSIBLE = 1 << 62
#: A line is a C int, or an unsigned one.
LARGEST_NUMBER = 1 << 32

#: What a pickle of protocol 2 or later begins with.
PROTO = b"\x80"
NO_PICKLE = "it is not a pickle of protocol 2 or later"
WHAT_TO_DO = "leakhunt reads what its hook and tracemalloc's Snapshot.dump write"


#: What is not freed one by one: the process ends at once.
_KEPT: list[Any] = []


class BadError(Exception):
    """What is wrong with the file, in words that follow its name."""


class Sums(NamedTuple):
    """A checked and summed snapshot, in types that marshal carries fast."""

    nframe: int
    facts: dict[str, Any]
    frames: list[tuple[str, int]]
    """Each distinct frame once."""
    steps: bytes
    """The stacks, one after the other: indexes into ``frames``, most recent call last."""
    depths: bytes
    """How many steps each stack has."""
    sizes: list[int]
    """Bytes per stack."""
    counts: list[int]
    """Blocks per stack."""
    blocks: list[list[tuple[int, int, int]]]
    """Per stack (domain, block size, count), where that was asked for; else empty."""


class _Inert:
    """Takes the place of every name a file may use: it keeps what it is given."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Snapshot(_Inert):
    pass


class _Traces(_Inert):
    pass


class _List(_Inert):
    pass


class _Chain(_Inert):
    pass


class _Repeat(repeat):  # type: ignore[type-arg]
    """Made without Python code, there may be 10^6: knows its trace and how often, no more.

    Nothing in an unpickler iterates; here, ``next`` is called once for the trace.
    """

    __slots__ = ()


_CLASSES = {
    ("tracemalloc", "Snapshot"): _Snapshot,
    ("tracemalloc", "_Traces"): _Traces,
    ("builtins", "list"): _List,
    ("itertools", "chain"): _Chain,
    ("itertools", "repeat"): _Repeat,
}
assert set(_CLASSES) == NAMES


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _CLASSES[module, name]
        except KeyError:
            raise BadError(
                f"it refers to {_quoted(module)}.{_quoted(name)}, which no snapshot needs"
            ) from None


def _quoted(name: str) -> str:
    """A name from the file, safe and short enough for a message."""
    return visible(name if len(name) <= 60 else f"{name[:60]}...")


def said_of(file: Any, size: int, detail: bool) -> Sums | str:
    """The sums of a file, or what is wrong with it. Limits this process for good."""
    gc.disable()
    _limit(size)
    try:
        return _scanned(file, size, detail) or _sum(_unpickle(file), size, detail)
    except BadError as error:
        return f"is no snapshot: {error}. {WHAT_TO_DO}"
    except MemoryError:
        return "is damaged or hostile: it asks for more memory than a snapshot of its size needs"
    except EOFError:
        return "is cut off: the end is missing (was it copied while it was written?)"
    except RecursionError:
        return "is damaged or hostile: it nests too deeply"
    except Exception as error:  # noqa: BLE001 - a pickle may raise anything
        cut = "truncated" in str(error) or "Ran out of input" in str(error)
        what = "it is cut off" if cut else f"{type(error).__name__} while unpickling"
        return f"is no snapshot: {what}. {WHAT_TO_DO}"


def _limit(size: int) -> None:
    """No more address space and CPU time than a snapshot of that size can need."""
    page, space = os.sysconf("SC_PAGE_SIZE"), 256 << 20
    with contextlib.suppress(OSError, ValueError):  # no /proc: macOS does not enforce it anyway
        space = int(Path("/proc/self/statm").read_bytes().split()[0]) * page
    bounds = {
        resource.RLIMIT_AS: space + SPACE + SPACE_PER_BYTE * size,
        resource.RLIMIT_CPU: SECONDS + SECONDS_PER_MIB * (size >> 20),
        resource.RLIMIT_CORE: 0,
    }
    for kind, bound in bounds.items():
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or bound < hard:
            resource.setrlimit(kind, (bound, hard if kind != resource.RLIMIT_CPU else bound + 5))


def _scanned(file: Any, size: int, detail: bool) -> Sums | None:
    """The sums of a plain dump by the C part, which judges nothing; None: unpickle it."""
    if native.native is None:
        return None
    try:
        sums = native.native.scan(file.fileno(), size, detail)
    except (UnicodeDecodeError, MemoryError):
        return None
    return None if sums is None else Sums(sums[0], {}, *sums[1:])


def _unpickle(file: Any) -> _Snapshot:
    if file.peek(2)[:1] != PROTO:
        raise BadError(NO_PICKLE)
    loaded = _Unpickler(file).load()
    if type(loaded) is not _Snapshot or type(loaded.state) is not dict:
        raise BadError("it is a pickle of something else")
    return loaded


def _sum(snapshot: _Snapshot, size: int, detail: bool) -> Sums:
    state = snapshot.state
    nframe, traces = state.get("traceback_limit"), state.pop("traces", None)
    if type(nframe) is not int or not 0 < nframe < 1 << 20:
        raise BadError("its traceback limit is missing or wrong")
    if type(traces) is not _Traces or type(traces.state) is not dict:
        raise BadError("its traces are missing")
    facts = state.get("leakhunt", {})
    if type(facts) is not dict or not is_plain(facts, size):
        raise BadError("its facts are not plain values")
    if facts and facts.get("schema") != SCHEMA:
        schema = facts.get("schema")
        told = schema if type(schema) is int else "unknown"
        raise BadError(f"its schema is {told} and this leakhunt reads {SCHEMA}: upgrade leakhunt")
    listed = traces.state.pop("_traces", None)
    numbers: list[int] | None = None
    if type(listed) is _List:
        records, numbers = _unrolled(listed)
    elif type(listed) is list:
        records = listed
    else:
        raise BadError("its traces are not a list")
    _KEPT.append(records)
    return Sums(nframe, facts, *_per_stack(records, numbers, detail))


def _unrolled(listed: _List) -> tuple[list[Any], list[int]]:
    """leakhunt's own file: one run per distinct trace, never expanded."""
    if len(listed.arguments) != 1 or type(listed.arguments[0]) is not _Chain:
        raise BadError("its traces are not runs")
    runs = listed.arguments[0].arguments
    if set(map(type, runs)) - {_Repeat}:
        raise BadError("its traces are not runs")
    numbers = list(map(length_hint, runs))
    if 0 in numbers:
        raise BadError("one of its runs is empty or has no end")
    return list(map(next, runs)), numbers


def _check_whole(column: list[Any], name: str) -> None:
    """Only ints from 0 to 2**64."""
    if set(map(type, column)) - {int}:
        raise BadError(f"one of its records has no whole number as {name}")
    try:
        array("Q", column)  # in C, and refuses negative ones
    except OverflowError:
        raise BadError(f"one of its records has an impossible {name}") from None


def _per_stack(records: list[Any], numbers: list[int] | None, detail: bool) -> tuple[Any, ...]:
    """Check all records and sum them per distinct traceback; ``numbers``: blocks of each."""
    if set(map(type, records)) - {tuple} or not set(map(len, records)) <= {3, 4}:
        raise BadError("its records are not traces")
    sizes = list(map(itemgetter(1), records))
    _check_whole(sizes, "size")
    domains = list(set(map(itemgetter(0), records)))
    _check_whole(domains, "domain")
    tracebacks = list(map(itemgetter(2), records))
    if numbers is None:
        firsts, sizes_of = _grouped(tracebacks, sizes)
        counts = list(map(len, sizes_of))
    else:
        firsts, sizes_of = _grouped(tracebacks, map(mul, sizes, numbers))
        counts = list(map(sum, _grouped(tracebacks, numbers)[1]))
    totals = list(map(sum, sizes_of))
    if max(sum(totals), sum(counts)) >= IMPOSSIBLE:
        raise BadError("its blocks add up to more memory than exists")
    blocks = []
    if detail and numbers is None and len(domains) == 1:  # a plain dump, as most are
        blocks = [
            sorted((*domains, size, number) for size, number in Counter(values).items())
            for values in sizes_of
        ]
    elif detail:
        each = zip(map(itemgetter(0), records), sizes, numbers or repeat(1))
        blocks = list(map(_blocks, _grouped(tracebacks, each)[1]))
    frames, steps, depths = _numbered(firsts)
    return frames, steps, depths, totals, counts, blocks


def _grouped(tracebacks: list[Any], values: Iterable[Any]) -> tuple[list[Any], list[list[Any]]]:
    """The distinct tracebacks, by identity, and the values of each."""
    following = iter(tracebacks)
    firsts = []

    def another() -> list[Any]:
        """Called for a traceback seen for the first time, after the iterator gave it away."""
        firsts.append(tracebacks[len(tracebacks) - length_hint(following) - 1])
        return []

    groups: defaultdict[int, list[Any]] = defaultdict(another)
    deque(map(list.append, map(groups.__getitem__, map(id, following)), values), maxlen=0)
    assert list(map(id, firsts)) == list(groups)
    return firsts, list(groups.values())


def _blocks(each: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """One (domain, size, count) per domain and size, sorted."""
    numbers: dict[tuple[int, int], int] = {}
    for domain, size, number in each:
        numbers[domain, size] = numbers.get((domain, size), 0) + number
    return sorted((*key, number) for key, number in numbers.items())


def _numbered(tracebacks: list[Any]) -> tuple[list[tuple[str, int]], bytes, bytes]:
    """Check the distinct tracebacks; their frames, each once, and their steps."""
    if set(map(type, tracebacks)) - {tuple}:
        raise BadError("one of its tracebacks is not a tuple")
    depths = array("I", map(len, tracebacks)).tobytes()
    # Files have the most recent call first.
    every = chain.from_iterable(map(itemgetter(slice(None, None, -1)), tracebacks))
    number_of: defaultdict[Any, int] = defaultdict(count().__next__)
    try:
        steps = array("I", map(number_of.__getitem__, every)).tobytes()
    except TypeError:  # unhashable
        raise BadError("one of its frames is not a file and a line") from None
    for frame in number_of:
        if type(frame) is not tuple or len(frame) != 2 or type(frame[0]) is not str:
            raise BadError("one of its frames is not a file and a line")
        if type(frame[1]) is not int or not 0 <= frame[1] < LARGEST_NUMBER:
            raise BadError("one of its frames has an impossible line")
    return list(number_of), steps, depths


_ROWS = {list, tuple}
_PLAIN = {type(None), bool, int, float, str, dict, *_ROWS}


def is_plain(value: Any, budget: int, deepest: int = 8) -> bool:
    """Only None, bools, numbers, text, and lists, tuples and dicts of these, not too deep.

    ``budget`` is how many values there may be: no file has more of them than
    bytes, unless it refers to the same ones again and again, to no good end.
    """
    level = [value]
    for _ in range(deepest + 1):
        kinds = set(map(type, level))
        if not kinds <= _PLAIN:
            return False
        numbers = [item for item in level if type(item) is int] if int in kinds else ()
        if numbers and not -IMPOSSIBLE < min(numbers) <= max(numbers) < IMPOSSIBLE:
            return False
        rows = [item for item in level if type(item) in (list, tuple)] if kinds & _ROWS else []
        maps = [item for item in level if type(item) is dict] if dict in kinds else []
        if not set(map(type, chain.from_iterable(maps))) <= {str, int}:
            return False
        budget -= len(level)
        if sum(map(len, rows)) + sum(map(len, maps)) > budget:
            return False
        level = [*chain.from_iterable(rows), *chain.from_iterable(map(dict.values, maps))]
        if not level:
            return True
    return False
