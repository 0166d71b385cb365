"""Writes a snapshot: compact, atomic, private. The format is told in the package.

May run in a forked child of a worker, so: no import at call time, no thread,
no logging. Everything is the standard library.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import pickle
import posix
import tracemalloc
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leakhunt.snapfile import LONG, TRAILER_MAGIC, index

RawFrames = tuple[tuple[str, int], ...]
Trace = tuple[int, int, RawFrames, int]
Run = tuple[Trace, int]


class _Repeat:
    """Pickles as ``itertools.repeat(trace, n)``, which 3.14 itself cannot pickle."""

    __slots__ = ("n", "trace")

    def __init__(self, run: Run) -> None:
        self.trace, self.n = run

    def __reduce__(self) -> tuple[Any, ...]:
        return itertools.repeat, (self.trace, self.n)


class _Chain:
    __slots__ = ("runs",)

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = runs

    def __reduce__(self) -> tuple[Any, ...]:
        return itertools.chain, tuple(map(_Repeat, self.runs))


class _RunList:
    """Pickles as ``list(chain(repeat(...), ...))``: a real list once loaded."""

    __slots__ = ("runs",)

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = runs

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (_Chain(self.runs),)


def dump(
    file: io.BufferedIOBase, runs: Iterable[Run], nframe: int, facts: Mapping[str, Any]
) -> None:
    """Write one snapshot to an open binary file.

    ``runs`` yields ``(trace, n)`` with ``n >= 1``; traces that share a traceback must
    share the frames tuple, which is what keeps the file small.
    """
    runs = runs if isinstance(runs, list) else list(runs)
    traces = tracemalloc._Traces.__new__(tracemalloc._Traces)  # type: ignore[attr-defined]
    traces.__dict__["_traces"] = _RunList(runs)
    snapshot = tracemalloc.Snapshot.__new__(tracemalloc.Snapshot)
    # In this order, so that the facts stand at the head of the file.
    snapshot.__dict__.update(traceback_limit=nframe, leakhunt=dict(facts), traces=traces)
    checked = index.Checked(file)
    pickle.dump(snapshot, checked, protocol=4)
    brief = {key: value for key, value in facts.items() if key not in LONG}
    pickled = checked.length
    content = index.packed(runs, nframe, {key: facts[key] for key in facts if key in LONG})
    if content:
        checked.write(content)
        file.write(checked.end(pickled))
    trailer = json.dumps(brief, separators=(",", ":")).encode()
    checksum = zlib.crc32(trailer).to_bytes(4, "little")
    file.write(trailer + checksum + len(trailer).to_bytes(8, "little") + TRAILER_MAGIC)


def write(path: Path, runs: Iterable[Run], nframe: int, facts: Mapping[str, Any]) -> int:
    """Write ``path`` under a temporary name, flush it to disk and rename; returns its size.

    A failure (OSError) leaves nothing behind and never a torn file under the
    final name. The temporary name is :func:`temporary`'s, so that somebody else
    can clean up after a process that was killed here.
    """
    partial = temporary(path)
    descriptor = posix.open(
        partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        with io.BufferedWriter(io.FileIO(descriptor, "wb")) as file:
            dump(file, runs, nframe, facts)
            file.flush()
            posix.fsync(descriptor)
            size = file.tell()
        posix.rename(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            posix.unlink(partial)
        raise
    return size


def temporary(path: Path) -> Path:
    """The name a snapshot has until it is whole: hidden, and no ``.bin``."""
    return path.with_name(f".{path.stem}.tmp")
