"""The snapshots of one process, in order: the only place that groups files by process.

A wall clock may be set back, and a pid is used again. So a process is its host, its pid and its
start; its snapshots are ordered by their sequence, which the process itself counts; and how much
time lies between two of them is for the monotonic clock to say (:meth:`Meta.since`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leakhunt.errors import SnapshotError
from leakhunt.model.meta import Meta
from leakhunt.snapfile.read import quick_facts
from leakhunt.snapshots.facts import live, meta


@dataclass(frozen=True)
class Entry:
    """One snapshot file in a listing: its facts, without its traces."""

    path: Path
    meta: Meta


@dataclass(frozen=True)
class Series:
    """The snapshots of one process, oldest first."""

    folder: Path
    entries: tuple[Entry, ...]
    alive: bool | None = None
    """Whether the process still runs; None: nobody looked, or it cannot be known."""

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def newest(self) -> Entry:
        return self.entries[-1]

    @property
    def stretch(self) -> tuple[Entry, ...]:
        """The newest snapshots that can be compared: one engine, armed once."""
        last = self.newest.meta
        alike = [entry for entry in self.entries if _comparable(entry.meta, last)]
        return tuple(alike)

    @property
    def growth(self) -> int | None:
        """Bytes by which the process grew (see :attr:`grown`)."""
        return self.grown[0]

    @property
    def grown(self) -> tuple[int | None, str]:
        """RSS growth in bytes from the first to the newest snapshot, else traced growth, and what of:
        ``RSS``, ``traced``, or None and nothing.
        """
        start, end = self.first.meta, self.newest.meta
        if start.rss is not None and end.rss is not None:
            return end.rss - start.rss, "RSS"
        stretch = self.stretch
        start = stretch[0].meta
        before, after = live(start), live(end)
        if before is not None and after is not None and len(stretch) > 1:
            return after - before, "traced"
        return None, ""

    @property
    def per_second(self) -> float | None:
        """Growth in bytes per second; None where it or the time is not known."""
        growth, seconds = self.growth, self.newest.meta.since(self.first.meta)
        return growth / seconds if growth is not None and seconds and seconds > 0 else None


def _comparable(one: Meta, last: Meta) -> bool:
    return one.engine == last.engine and one.armed_at == last.armed_at


def fastest(series: Sequence[Series]) -> Series | None:
    """The one that grows fastest among those that run, else among all; None: there is no choice."""
    growing = [line for line in running(series) if (line.per_second or 0) > 0]
    if len(series) < 2 or not growing:
        return None
    return max(growing, key=lambda line: line.per_second or 0)


def running(series: Sequence[Series]) -> list[Series]:
    """Those whose process runs, as far as is known; all of them where none does."""
    return [line for line in series if line.alive] or list(series)


def working(series: Sequence[Series]) -> list[Series]:
    """Those whose process has done tasks; all of them where none has.

    The main process of a pool does none, and grows for reasons of its own: on SIGUSR1 Celery
    reports every thread's stack, and keeps the sources that it has read for that.
    """
    return [line for line in series if line.newest.meta.tasks_done] or list(series)


def by_process(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """The files of each process, oldest first, whatever their order was."""
    lines: dict[object, list[Entry]] = {}
    for entry in entries:
        lines.setdefault(entry.meta.process, []).append(entry)
    return [tuple(sorted(line, key=_order(line))) for line in lines.values()]


def lines_of(paths: Sequence[Path], problems: list[str]) -> list[tuple[Entry, ...]]:
    """The files by process, each oldest first, whatever their order was.

    Files that cannot be opened are told in ``problems`` and left out.
    """
    entries: list[Entry] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            meta_of = meta(quick_facts(path))
            status = path.stat()
        except (SnapshotError, OSError) as error:
            problems.append(str(error))
            continue
        if (status.st_dev, status.st_ino) in seen:  # a folder and a file in it
            continue
        seen.add((status.st_dev, status.st_ino))
        entries.append(Entry(path, meta_of))
    lines = by_process(entries)
    return sorted(lines, key=lambda line: (line[0].meta.started_at or 0.0, str(line[0].path)))


_NUMBER = re.compile(r"\d+")


def _order(line: list[Entry]) -> Callable[[Entry], Any]:
    """How to sort a process's files: by their sequence, else as taken, else by the numbers in their
    names, else by the age of the files.
    """
    sequences = {entry.meta.sequence for entry in line}
    if None not in sequences and len(sequences) == len(line):
        return lambda entry: (entry.meta.sequence, entry.path.name)
    for clock in ("monotonic", "taken_at"):
        if all(getattr(entry.meta, clock) is not None for entry in line):
            return lambda entry: (
                getattr(entry.meta, clock),
                entry.meta.sequence or 0,
                entry.path.name,
            )
    if len({_NUMBER.sub("", entry.path.name) for entry in line}) == 1:
        return lambda entry: (
            [int(number) for number in _NUMBER.findall(entry.path.name)],
            str(entry.path),
        )
    return lambda entry: (written(entry), entry.path.name)


def written(entry: Entry) -> float:
    """When a snapshot was taken by the wall clock; of a file that does not say, its own age."""
    if entry.meta.taken_at is not None:
        return entry.meta.taken_at
    try:
        return entry.path.stat().st_mtime
    except OSError:
        return 0.0
