"""Files to snapshots, folders to series: the analysis side's only file I/O."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Optional

from leakhunt import units
from leakhunt.errors import SnapshotError
from leakhunt.model.meta import Meta
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile.folders import PROCESSES
from leakhunt.snapfile.read import Raw, begin, quick_facts, read_facts
from leakhunt.snapshots import calendar, facts, retention, stacks
from leakhunt.snapshots.series import Entry, Series, by_process, written

#: Files that are read at the same time.
PARALLEL = max(2, min(8, os.cpu_count() or 2))

#: Of the files in a folder that do not tell their facts, so many are read whole, each in a process of its own: more would
#: take minutes, and anybody can make 10^5.
MOST_WITHOUT = 2000

#: And so many seconds at most go by for those that turn out to be no snapshots.
LONGEST = 10.0

#: Whether a process still runs, by what a file says of it; None: it cannot be known.
Runs = Callable[[Meta], Optional[bool]]


def nobody_looked(meta: Meta) -> bool | None:
    return None


# -- snapshots ------------------------------------------------------------------------


def load(path: str | Path, detail: bool = False) -> Snapshot:
    """Read one snapshot; ``detail`` fills ``blocks``. Raises SnapshotError."""
    return _snapshot(begin(path, detail)())


def load_all(
    paths: Sequence[str | Path], problems: list[str] | None = None, detail: bool = False
) -> list[Snapshot]:
    """Read several snapshots, in parallel processes, in the order given.

    A file that cannot be read is told in ``problems`` and left out; without such a
    list it raises SnapshotError, as it does when no file is left.
    """
    return list(each(paths, problems, lambda index: detail))


def each(
    paths: Sequence[str | Path],
    problems: list[str] | None = None,
    detail: Callable[[int], bool] = lambda index: False,
) -> Iterator[Snapshot]:
    """As :func:`load_all`, one after the other: only a few are in memory at a time."""
    loaded = 0
    waiting: deque[Callable[[], Raw]] = deque()
    todo = deque(enumerate(paths))
    said: list[str] = []
    try:
        while todo or waiting:
            try:
                while todo and len(waiting) < PARALLEL:
                    index, path = todo.popleft()
                    waiting.append(_begun(path, detail(index)))
                snapshot = _snapshot(waiting.popleft()())
            except SnapshotError as error:
                if problems is None:
                    raise
                said.append(str(error))
                continue
            loaded += 1
            yield snapshot
    finally:
        for receive in waiting:  # after an error: reap the other readers
            with suppress(SnapshotError):
                receive()
    if said and not loaded:
        raise SnapshotError(said[0] if len(said) == 1 else f"{said[0]} (and {len(said) - 1} more)")
    if problems is not None:
        problems += said


def _begun(path: str | Path, detail: bool) -> Callable[[], Raw]:
    """As begin, but what is wrong with the file is raised in its turn."""
    try:
        return begin(path, detail)
    except SnapshotError as error:
        problem = error

    def fail() -> Raw:
        raise problem

    return fail


def _snapshot(raw: Raw) -> Snapshot:
    return Snapshot(
        path=raw.path,
        meta=facts.meta(raw.facts),
        nframe=raw.nframe,
        tallies=raw.tallies,
        spots=MappingProxyType(facts.spots(raw.facts.get("frames"))),
        facts=MappingProxyType(stacks.by_stack(raw)),
        heap=retention.heap(raw.facts.get("heap")),
        calendar=calendar.calendar(raw.facts),
        resident=facts.resident(raw.facts.get("resident")),
    )


# -- folders --------------------------------------------------------------------------


def series(
    folder: Path, problems: list[str] | None = None, runs: Runs = nobody_looked
) -> list[Series]:
    """The series in a folder (or the one that it is), that with the newest snapshot last.

    Files that cannot be read are told in ``problems`` and left out; so are those beyond MOST_WITHOUT and LONGEST
    that do not say themselves that leakhunt wrote them.
    """
    without, in_vain = 0, 0.0
    folders = [folder]
    try:
        folders += sorted(
            entry for entry in folder.iterdir() if entry.is_dir() and entry.name != PROCESSES
        )
    except OSError as error:
        if folder.exists():
            raise SnapshotError(
                f"{visible(str(folder))}: cannot be read: {error.strerror}"
            ) from error
    several = []
    for place in folders:
        entries = []
        for path in sorted(place.glob(f"*{SUFFIX}")):
            if path.name.startswith("."):
                continue
            began = time.monotonic()
            try:
                told = quick_facts(path)
                if not told:
                    without += 1
                    told = _loaded(path, without, in_vain)
                entries.append(Entry(path, facts.listed(told)))
            except SnapshotError as error:
                in_vain += time.monotonic() - began
                if problems is not None:
                    problems.append(str(error))
        several += [Series(place, line, runs(line[-1].meta)) for line in by_process(entries)]
    return sorted(several, key=lambda line: (written(line.newest), str(line.folder)))


def _loaded(path: Path, number: int, in_vain: float) -> dict[str, Any]:
    """The facts of a file without a trailer, for which all of it is read: the ``number``-th, after so many seconds for
    what was no snapshot. Raises SnapshotError.
    """
    if number > MOST_WITHOUT:
        raise SnapshotError(
            f"{visible(str(path))}: was not looked into: there are more than {units.count(MOST_WITHOUT)} files here "
            "that leakhunt did not write"
        )
    if in_vain > LONGEST:
        raise SnapshotError(
            f"{visible(str(path))}: was not looked into: {units.duration(in_vain)} went by for files here that are no "
            "snapshots"
        )
    return read_facts(path)
