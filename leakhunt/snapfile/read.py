"""Reads snapshots that may come from anyone: nothing is executed, memory is bounded.

The pickle is loaded in a forked child whose address space and CPU time are
limited to a multiple of the file's size (setrlimit(2)): a memo bomb, a length
bomb or a structure that makes C code recurse ends the child, not the console.
What the child does is in :mod:`leakhunt.snapfile.untrusted`; it sends back sums per
distinct stack as ``marshal`` data. leakhunt's own files mostly need none of that: they carry
these sums in an index (:mod:`leakhunt.snapfile.index`), which is read here.
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from leakhunt.errors import SnapshotError
from leakhunt.model.gcpause import uncollected
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Block, Frame, Stack, Tallies
from leakhunt.snapfile import LONG, SCHEMA, TRAILER_MAGIC, UNCHECKED_MAGIC, index
from leakhunt.snapfile import native as quick
from leakhunt.snapfile.opening import is_pickle, opened
from leakhunt.snapfile.untrusted import (
    IMPOSSIBLE,
    NO_PICKLE,
    WHAT_TO_DO,
    Sums,
    is_plain,
    said_of,
)

LARGEST_TRAILER = 1 << 20
LARGEST_LONG = 1 << 24
#: What is told of the sums by two parts of a file may differ by that much: the one was read a moment
#: before the other, and the engine's own memory is left out.
LEEWAY = 64 << 20


@dataclass(frozen=True)
class Raw:
    """A snapshot as the file has it, checked and summed."""

    path: str
    nframe: int
    facts: dict[str, Any]
    """Plain values only; {} for a plain dump."""
    tallies: Tallies
    """Bytes and blocks of each distinct traceback, most recent call last."""
    blocks: dict[Stack, tuple[Block, ...]]
    """Sizes and domains of each, where that was asked for; else empty."""


def read(path: str | Path, detail: bool = False) -> Raw:
    """Read one snapshot. ``detail`` fills ``blocks``. Raises SnapshotError."""
    return begin(path, detail)()


def begin(path: str | Path, detail: bool = False) -> Callable[[], Raw]:
    """Start reading; the result's call waits for it. So several files load in parallel.

    Call it exactly once: it also reaps the child.
    """
    path = os.fspath(path)
    descriptor, size = opened(path)
    indexed = _indexed(path, descriptor, size)
    if indexed is not None and not detail:
        os.close(descriptor)
        return lambda: indexed
    if not is_pickle(descriptor):
        os.close(descriptor)
        raise SnapshotError(f"{visible(path)}: is no snapshot: {NO_PICKLE}. {WHAT_TO_DO}")
    receive, send = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of locks that another thread may hold: the child takes none.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError as error:
        for each in (descriptor, receive, send):
            os.close(each)
        raise SnapshotError(f"{visible(path)}: cannot start a reader: {error.strerror}") from error
    if child == 0:
        os.close(receive)  # or it would never hear that nobody listens any more
        _child(descriptor, size, send, detail)
    os.close(descriptor)
    os.close(send)
    return lambda: _agreeing(_receive(path, child, receive), indexed)


def _agreeing(unpickled: Raw, indexed: Raw | None) -> Raw:
    """What was unpickled, where the file's index says the same. Raises SnapshotError."""
    if indexed is not None:
        both = (unpickled.tallies, indexed.tallies)
        sizes, counts = (
            [sum(getattr(each, name)) for each in both] for name in ("sizes", "counts")
        )
        if sizes[0] != sizes[1] or counts[0] != counts[1]:
            raise SnapshotError(
                f"{visible(unpickled.path)}: is forged: its index and its traces contradict each other"
            )
    return unpickled


def _receive(path: str, child: int, receive: int) -> Raw:
    answer = b""
    try:
        with open(receive, "rb") as pipe:
            answer = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        try:
            _, status = os.waitpid(child, 0)
        except ChildProcessError:  # whoever started this process ignores SIGCHLD
            status = 0
    try:
        said = marshal.loads(answer) if status == 0 else None
    except (EOFError, ValueError, TypeError):
        said = None
    if isinstance(said, tuple):
        return _raw(path, Sums(*said))
    raise SnapshotError(f"{visible(path)}: {said or _death(status)}")


def _death(status: int) -> str:
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ended_by == signal.SIGXCPU:
        return "is damaged or hostile: reading it takes far too long"
    if ended_by == signal.SIGKILL:
        return "cannot be read: the system stopped the reader (is memory short?)"
    return f"is damaged or hostile: it crashes an unpickler. {WHAT_TO_DO}"


def _raw(path: str, sums: Sums) -> Raw:
    """The columns as they came; blocks are by stack, which somebody asked for."""
    tallies = Tallies(
        list(map(Frame._make, sums.frames)),
        memoryview(sums.steps).cast("I"),
        memoryview(sums.depths).cast("I"),
        sums.sizes,
        sums.counts,
    )
    blocks: dict[Stack, tuple[Block, ...]] = {}
    if sums.blocks:
        with uncollected():
            for stack, group in zip(tallies.stacks(), sums.blocks):
                if stack in blocks:
                    blocks[stack] = _merged(blocks[stack], group)
                else:
                    blocks[stack] = tuple(map(Block._make, group))
    return Raw(path, sums.nframe, sums.facts, tallies, blocks)


def _merged(blocks: tuple[Block, ...], others: list[tuple[int, int, int]]) -> tuple[Block, ...]:
    numbers: dict[tuple[int, int], int] = {}
    for domain, size, count in (*blocks, *others):
        numbers[domain, size] = numbers.get((domain, size), 0) + count
    return tuple(Block(*key, count) for key, count in sorted(numbers.items()))


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
        try:
            with open(descriptor, "rb", closefd=False) as file:
                said = said_of(file, size, detail)
            content = marshal.dumps(said if isinstance(said, str) else tuple(said))
        except MemoryError:
            content = marshal.dumps(
                "is damaged or hostile: it needs more memory than a snapshot of its size"
            )
        except ValueError:
            content = marshal.dumps("is damaged or hostile: it nests too deeply")
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(send, rest) :]
        os._exit(0)
    finally:
        os._exit(1)


# -- facts alone ----------------------------------------------------------------------


def read_facts(path: str | Path) -> dict[str, Any]:
    """The facts of a snapshot without its traces; {} for a plain dump. Raises SnapshotError.

    From the trailer, in well under a millisecond; a file without one is loaded, and tells as little: of a
    thousand, all that grows with a snapshot would be hundreds of MiB.
    """
    facts = _trailer(os.fspath(path))
    if facts is not None:
        return facts
    return {name: value for name, value in read(path).facts.items() if name not in LONG}


def quick_facts(path: str | Path) -> dict[str, Any]:
    """As :func:`read_facts` from the trailer alone; {} for a file without. Raises SnapshotError."""
    return _trailer(os.fspath(path)) or {}


def _trailer(path: str) -> dict[str, Any] | None:
    descriptor, size = opened(path)
    try:
        return _facts(descriptor, size)[0]
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _facts(descriptor: int, size: int) -> tuple[dict[str, Any] | None, int]:
    """The facts of the trailer, and where it begins; None where there is none."""
    end = os.pread(descriptor, 20, max(0, size - 20))
    length = int.from_bytes(end[4:12], "little")
    if len(end) < 20 or end[12:] not in (TRAILER_MAGIC, UNCHECKED_MAGIC):
        return None, 0
    closing = 20 if end[12:] == TRAILER_MAGIC else 16
    if length > min(LARGEST_TRAILER, size - closing):
        return None, 0
    start = size - closing - length
    content = os.pread(descriptor, length, start)
    if closing == 20 and zlib.crc32(content) != int.from_bytes(end[:4], "little"):
        return None, 0
    try:
        facts = _parsed(content)
    except (ValueError, RecursionError):
        return None, 0
    return (facts if isinstance(facts, dict) and is_plain(facts, length) else None), start


def _indexed(path: str, descriptor: int, size: int) -> Raw | None:
    """A snapshot from its index, in which nothing is unpickled; None: it has no sound one."""
    try:
        facts, start = _facts(descriptor, size)
        if facts is None or facts.get("schema") != SCHEMA:
            return None
        with uncollected():
            largest = max if quick.native is None else quick.native.largest
            indexed = index.ending_at(descriptor, start, largest)
            if indexed is None:
                return None
            frames = list(map(_FRAME, indexed.frames))
            long = _long(indexed)
            traced = facts.get("traced")
            told = type(traced) is not int or sum(indexed.sizes) <= 2 * traced + LEEWAY
            if long is None or not told:
                return None
    except OSError:
        return None
    tallies = Tallies(frames, indexed.steps, indexed.depths, indexed.sizes, indexed.counts)
    return Raw(path, indexed.nframe, {**facts, **long, "frames": indexed.spots}, tallies, {})


#: As Frame._make, without Python code for each of 10^5 frames; of pairs, which nobody checks.
_FRAME: Callable[[tuple[str, int]], Frame] = partial(tuple.__new__, Frame)


def _long(indexed: index.Index) -> dict[str, Any] | None:
    """The facts of an index; None where they are not plain values, or far too many."""
    content = indexed.facts
    if not content:
        return {}
    if len(content) > LARGEST_LONG:
        return None
    try:
        facts = _parsed(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or not is_plain(facts, len(content)):
        return None
    try:
        stack = lru_cache(maxsize=None)(indexed.stack)
        return {name: index.unmarked(value, stack) for name, value in facts.items()}
    except (ValueError, LookupError, TypeError):
        return None


def _parsed(content: bytes) -> Any:
    """JSON, without numbers that are too long to be any. Raises ValueError, RecursionError."""
    if _LONG_NUMBER not in content.translate(_DIGITS):
        return json.loads(content)
    return json.loads(content, parse_int=_short)  # in a text, perhaps


#: More digits than any number here has; a look at each number by itself takes as long as all the rest.
_LONG_NUMBER = b"0" * 20
_DIGITS = bytes(ord("0") if ord("0") <= each <= ord("9") else 0 for each in range(256))


def _short(digits: str) -> int:
    """An integer; a million digits would take minutes to convert."""
    if len(digits) > len(str(IMPOSSIBLE)) + 1:
        raise ValueError("an impossible number")
    return int(digits)
