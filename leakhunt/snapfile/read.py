"""Reads snapshots that may come from anyone: nothing is executed, memory is bounded.

The pickle is loaded in a forked child whose address space and CPU time are
limited to a multiple of the file's size (setrlimit(2)): a memo bomb, a length
bomb or a structure that makes C code recurse ends the child, not the console.
Only the five names of :mod:`leakhunt.snapfile` resolve, each to an inert class here;
``repeat`` runs are counted, never expanded. The child checks every record and sends
back sums per distinct stack as ``marshal`` data.

For the speed of plain ``Snapshot.dump`` files (10^6 to 10^7 records) collection is off
while unpickling, and records are checked and summed by builtins that loop in C,
keyed by the identity of the frames tuple that records share.
"""

from __future__ import annotations

import contextlib
import gc
import json
import marshal
import os
import pickle
import resource
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from leakhunt.errors import SnapshotError
from leakhunt.snapfile import NAMES, SCHEMA, TRAILER_MAGIC

#: Address space the child may take on top of its own: this, and so many times the file.
#: (A plain dump needs 9 to 13 times its size: 14 bytes in the file are a tuple, an
#: int and a slot in memory.)
SPACE = 192 << 20
SPACE_PER_BYTE = 24
#: CPU seconds the child may take: this, and so many per MiB.
SECONDS = 20
SECONDS_PER_MIB = 2
LARGEST_TRAILER = 4 << 20
#: No process has more memory than this; larger sums are forgeries.
IMPOSSIBLE = 1 << 62

WHAT_TO_DO = "leakhunt reads what its hook and tracemalloc's Snapshot.dump write"

#: One (stack, domain, block size): (index of the stack, domain, size, count).
Entry = tuple[int, int, int, int]


@dataclass(frozen=True)
class Raw:
    """A snapshot as the file has it, checked and summed."""

    path: str
    nframe: int
    facts: dict[str, Any]
    """Plain values only; {} for a plain dump."""
    stacks: list[tuple[tuple[str, int], ...]]
    """Distinct tracebacks, most recent call last."""
    sizes: list[int]
    """Bytes per stack."""
    counts: list[int]
    """Blocks per stack."""
    entries: list[Entry]
    """Per block size, where that was asked for."""


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


class _Repeat(_Inert):
    pass


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
            raise _BadError(f"it refers to {module}.{name}, which no snapshot needs") from None


class _BadError(Exception):
    """What is wrong with the file, in words that follow its name."""


# -- the console's side ---------------------------------------------------------------


def read(path: str | Path, detail: bool = False) -> Raw:
    """Read one snapshot. ``detail`` fills ``entries``. Raises SnapshotError."""
    return begin(path, detail)()


def begin(path: str | Path, detail: bool = False) -> Callable[[], Raw]:
    """Start reading; the result's call waits for it. So several files load in parallel."""
    path = os.fspath(path)
    descriptor, size = _open(path)
    receive, send = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        child = os.fork()
    except OSError as error:
        for opened in (descriptor, receive, send):
            os.close(opened)
        raise SnapshotError(f"{path}: cannot start a reader: {error.strerror}") from error
    if child == 0:
        _child(descriptor, size, send, detail)
    os.close(descriptor)
    os.close(send)
    return lambda: _receive(path, child, receive)


def _open(path: str) -> tuple[int, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror}") from error
    status = os.fstat(descriptor)
    problem = None
    if stat.S_ISDIR(status.st_mode):
        problem = "is a folder, not a snapshot"
    elif not stat.S_ISREG(status.st_mode):
        problem = "is not a regular file"
    elif status.st_size == 0:
        problem = "is empty: the program that wrote it was interrupted, or the disk was full"
    if problem:
        os.close(descriptor)
        raise SnapshotError(f"{path}: {problem}")
    return descriptor, status.st_size


def _receive(path: str, child: int, receive: int) -> Raw:
    try:
        with open(receive, "rb") as pipe:
            answer = pipe.read()
    finally:
        _, status = os.waitpid(child, 0)
    if status == 0 and answer:
        said = marshal.loads(answer)
        if isinstance(said, str):
            raise SnapshotError(f"{path}: {said}")
        return Raw(path, *said)
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ended_by == signal.SIGXCPU:
        raise SnapshotError(f"{path}: is damaged or hostile: reading it takes far too long")
    raise SnapshotError(f"{path}: is damaged or hostile: it crashes an unpickler. {WHAT_TO_DO}")


# -- the child's side -----------------------------------------------------------------


def _child(descriptor: int, size: int, send: int, detail: bool) -> None:
    """Limited, load, check, sum, send; never returns."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        if "faulthandler" in sys.modules:
            sys.modules["faulthandler"].disable()  # a crash here is an answer
        # Old interpreters complain on stderr when a bytearray runs out of memory.
        sys.stderr = None
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        gc.disable()
        _limit(size)
        try:
            with open(descriptor, "rb", closefd=False) as file:
                said: Any = _sum(_unpickle(file), detail)
        except _BadError as error:
            said = f"is no snapshot: {error}. {WHAT_TO_DO}"
        except MemoryError:
            said = (
                "is damaged or hostile: it asks for more memory than a snapshot of its size needs"
            )
        except EOFError:
            said = "is cut off: the end is missing (was it copied while it was written?)"
        except RecursionError:
            said = "is damaged or hostile: it nests too deeply"
        except Exception as error:  # noqa: BLE001 - a pickle may raise anything
            cut = "truncated" in str(error) or "Ran out of input" in str(error)
            what = "it is cut off" if cut else f"{type(error).__name__} while unpickling"
            said = f"is no snapshot: {what}. {WHAT_TO_DO}"
        content = marshal.dumps(said)
        while content:
            content = content[os.write(send, content) :]
        os._exit(0)
    except MemoryError:
        with open(send, "wb") as pipe:
            pipe.write(
                marshal.dumps(
                    "is damaged or hostile: it needs more memory than a snapshot of its size"
                )
            )
        os._exit(0)
    finally:
        os._exit(1)


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


def _unpickle(file: Any) -> _Snapshot:
    if not file.peek(2)[:2].startswith(b"\x80"):
        raise _BadError("it is not a pickle of protocol 2 or later")
    loaded = _Unpickler(file).load()
    if type(loaded) is not _Snapshot or not isinstance(loaded.state, dict):
        raise _BadError("it is a pickle of something else")
    return loaded


def _sum(snapshot: _Snapshot, detail: bool) -> tuple[Any, ...]:
    state = snapshot.state
    nframe, traces = state.get("traceback_limit"), state.get("traces")
    if type(nframe) is not int or not 0 < nframe < 1 << 20:
        raise _BadError("its traceback limit is missing or wrong")
    if type(traces) is not _Traces or not isinstance(traces.state, dict):
        raise _BadError("its traces are missing")
    facts = state.get("leakhunt", {})
    if not isinstance(facts, dict) or not _is_plain(facts):
        raise _BadError("its facts are not plain values")
    if facts and facts.get("schema") != SCHEMA:
        raise _BadError(
            f"its schema is {facts.get('schema')!r} and this leakhunt reads {SCHEMA}: upgrade leakhunt"
        )
    listed = traces.state.get("_traces")
    if type(listed) is _List:
        keyed, frames_of = _keys_of_runs(listed)
    elif type(listed) is list:
        keyed, frames_of = _keys_of_records(listed)
    else:
        raise _BadError("its traces are not a list")
    return (nframe, facts, *_per_stack(keyed, frames_of, detail))


Key = tuple[int, int, int]  # domain, size, id of the frames


def _keys_of_records(records: list[Any]) -> tuple[Counter[Key], dict[int, Any]]:
    """A plain dump: one record per block."""
    if not records:
        return Counter(), {}
    if set(map(type, records)) != {tuple} or not set(map(len, records)) <= {3, 4}:
        raise _BadError("its records are not traces")
    _check_numbers(lambda position: map(itemgetter(position), records))
    all_frames = list(map(itemgetter(2), records))
    ids = list(map(id, all_frames))
    keyed = Counter(zip(map(itemgetter(0), records), map(itemgetter(1), records), ids))
    return keyed, dict(zip(ids, all_frames))


def _keys_of_runs(listed: _List) -> tuple[Counter[Key], dict[int, Any]]:
    """leakhunt's own file: one run per distinct trace."""
    if len(listed.arguments) != 1 or type(listed.arguments[0]) is not _Chain:
        raise _BadError("its traces are not runs")
    runs = listed.arguments[0].arguments
    if not all(type(run) is _Repeat and len(run.arguments) == 2 for run in runs):
        raise _BadError("its traces are not runs")
    pairs = [run.arguments for run in runs]
    for trace, number in pairs:
        if type(trace) is not tuple or len(trace) != 4 or type(number) is not int or number < 0:
            raise _BadError("one of its runs is not a trace and a count")
    _check_numbers(lambda position: (trace[position] for trace, _ in pairs))
    keyed: Counter[Key] = Counter()
    frames_of = {}
    for (domain, size, frames, _), number in pairs:
        frames_of[id(frames)] = frames
        keyed[domain, size, id(frames)] += number
    return keyed, frames_of


def _check_numbers(field: Callable[[int], Iterable[Any]]) -> None:
    for position, name in ((0, "domain"), (1, "size")):
        if not set(map(type, field(position))) <= {int}:
            raise _BadError(f"one of its records has no whole number as {name}")
        if min(field(position), default=0) < 0 or max(field(position), default=0) >= IMPOSSIBLE:
            raise _BadError(f"one of its records has an impossible {name}")


def _per_stack(
    keyed: Counter[Key], frames_of: dict[int, Any], detail: bool
) -> tuple[list[Any], list[int], list[int], list[Entry]]:
    index_of: dict[Any, int] = {}
    by_id = {}
    for key, frames in frames_of.items():
        by_id[key] = index_of.setdefault(_checked(frames), len(index_of))
    sizes, counts = [0] * len(index_of), [0] * len(index_of)
    entries = []
    for (domain, size, key), number in keyed.items():
        index = by_id[key]
        sizes[index] += size * number
        counts[index] += number
        if detail:
            entries.append((index, domain, size, number))
    if sum(sizes) >= IMPOSSIBLE or sum(counts) >= IMPOSSIBLE:
        raise _BadError("its blocks add up to more memory than exists")
    return list(index_of), sizes, counts, entries


def _checked(frames: Any) -> tuple[tuple[str, int], ...]:
    """A traceback, most recent call last. Raises _BadError."""
    if type(frames) is not tuple:
        raise _BadError("one of its tracebacks is not a tuple")
    if set(map(type, frames)) - {tuple} or set(map(len, frames)) - {2}:
        raise _BadError("one of its frames is not a file and a line")
    flat = list(chain.from_iterable(frames))
    if set(map(type, flat[::2])) - {str} or set(map(type, flat[1::2])) - {int}:
        raise _BadError("one of its frames is not a file and a line")
    if flat and not 0 <= min(flat[1::2]) <= max(flat[1::2]) < 1 << 32:
        raise _BadError("one of its frames has an impossible line")
    return frames[::-1]


def _is_plain(value: Any, depth: int = 8) -> bool:
    """Only None, bools, numbers, text, and lists, tuples and dicts of these, not too deep."""
    if value is None or type(value) in (bool, int, float, str):
        return type(value) is not int or abs(value) < IMPOSSIBLE
    if depth == 0:
        return False
    if type(value) in (list, tuple):
        return all(_is_plain(item, depth - 1) for item in value)
    if type(value) is dict:
        return all(
            type(key) in (str, int) and _is_plain(item, depth - 1) for key, item in value.items()
        )
    return False


# -- facts alone ----------------------------------------------------------------------


def read_facts(path: str | Path) -> dict[str, Any]:
    """The facts of a snapshot without its traces; {} for a plain dump. Raises SnapshotError.

    From the trailer, in well under a millisecond; a file without one is loaded.
    """
    facts = _trailer(os.fspath(path))
    return facts if facts is not None else read(path).facts


def _trailer(path: str) -> dict[str, Any] | None:
    descriptor, size = _open(path)
    try:
        end = os.pread(descriptor, 16, max(0, size - 16))
        length = int.from_bytes(end[:8], "little")
        if len(end) < 16 or end[8:] != TRAILER_MAGIC or length > min(LARGEST_TRAILER, size - 16):
            return None
        facts = json.loads(os.pread(descriptor, length, size - 16 - length))
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(descriptor)
    return facts if isinstance(facts, dict) and _is_plain(facts) else None
