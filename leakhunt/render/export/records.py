"""One record per snapshot and stack: what csv and parquet are tables of."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from leakhunt.model.paths import Prefixes, prefixes
from leakhunt.model.snapshot import Snapshot, Stack, Tallies
from leakhunt.render.export.names import frames
from leakhunt.report.labels import Labels


class Record(NamedTuple):
    """What one stack holds in one snapshot; None for what the file does not say."""

    snapshot: str
    """The file's path."""
    host: str | None
    node: str | None
    pid: int | None
    role: str | None
    pool: str | None
    started_at: float | None
    """Seconds since the epoch, as ``taken_at``."""
    taken_at: float | None
    tasks_done: int | None
    engine: str | None
    python: str | None
    package: str
    function: str | None
    file: str
    line: int
    """Of the frame that allocated."""
    size: int
    stderr: float | None
    """Standard error of an estimated size, in bytes; None: it is exact."""
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses here
    stack_id: str
    """The same for the same frames in every file: see :func:`stack_id`."""


def stack_id(stack: Stack) -> str:
    """16 hexadecimal digits of a hash of the frames."""
    text = "\0".join(f"{frame.file}\0{frame.line}" for frame in stack)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def roots_of(snapshot: Snapshot) -> Prefixes:
    """The folders by which packages are told, guessed where none are recorded."""
    tallies = snapshot.tallies
    every = tallies.frames if isinstance(tallies, Tallies) else [f for s in tallies for f in s]
    return prefixes(snapshot.meta.facts).guessed({frame.file for frame in every})


def records(snapshot: Snapshot) -> Iterator[tuple[Stack, Record]]:
    """Every stack of a snapshot; its sizes add up to ``totals``."""
    meta, labels, roots = snapshot.meta, Labels(snapshot), roots_of(snapshot)
    packages: dict[str, str] = {}
    for stack, tally in snapshot.tallies.items():
        frame = frames(stack)[-1]
        if frame.file not in packages:
            packages[frame.file] = roots.package(frame.file)
        yield (
            stack,
            Record(
                snapshot.path, meta.host, meta.node, meta.pid, meta.role, meta.pool,
                meta.started_at, meta.taken_at, meta.tasks_done, meta.engine, meta.python,
                packages[frame.file], labels.spot(frame).function, frame.file, frame.line,
                tally.size, snapshot.told(stack).stderr, tally.count, stack_id(stack),
            ),
        )  # fmt: skip
