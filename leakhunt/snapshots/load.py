"""Files to snapshots, folders to series: the analysis side's only file I/O."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leakhunt import units
from leakhunt.errors import SnapshotError
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Meta, Snapshot
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile.folders import PROCESSES
from leakhunt.snapfile.read import Raw, begin, read_facts
from leakhunt.snapshots import facts

#: Files that are read at the same time.
PARALLEL = max(2, min(8, os.cpu_count() or 2))


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

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def newest(self) -> Entry:
        return self.entries[-1]

    @property
    def growth(self) -> int | None:
        """RSS growth in bytes from the first to the newest snapshot; else traced growth."""
        return self.grown[0]

    @property
    def grown(self) -> tuple[int | None, str]:
        """The growth and what of: ``RSS``, ``traced``, or None and nothing."""
        for name, said in (("rss", "RSS"), ("traced", "traced")):
            start, end = getattr(self.first.meta, name), getattr(self.newest.meta, name)
            if start is not None and end is not None:
                return int(end - start), said
        return None, ""


@dataclass(frozen=True)
class Chosen:
    """Snapshots that were chosen for the user, with the reason in words."""

    paths: tuple[Path, ...]
    why: str
    problems: tuple[str, ...] = ()
    """Files in the folder that could not be read, one message each."""


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
    found = 0
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
            found += 1
            yield snapshot
    finally:
        for receive in waiting:  # after an error: reap the other readers
            with suppress(SnapshotError):
                receive()
    if said and not found:
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
        facts=MappingProxyType(facts.by_stack(raw)),
        calendar=facts.calendar(raw.facts),
    )


# -- folders --------------------------------------------------------------------------


def expand(words: Iterable[str], problems: list[str] | None = None) -> list[Path]:
    """Paths, globs and folders as snapshot files, in the order given.

    Files in a folder that cannot be read are told in ``problems`` and left out.
    Raises SnapshotError for a folder or glob that holds none.
    """
    found: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            inside = [entry.path for line in series(path, problems) for entry in line.entries]
            if not inside:
                raise SnapshotError(f"{visible(word)}: there are no snapshots in this folder")
            found.extend(inside)
        elif not path.exists() and any(character in word for character in "*?["):
            matches = sorted(Path(match) for match in glob(word))  # noqa: PTH207 - absolute patterns too
            if not matches:
                raise SnapshotError(f"{visible(word)}: no file matches this pattern")
            found.extend(matches)
        else:
            found.append(path)
    return found


def series(folder: Path, problems: list[str] | None = None) -> list[Series]:
    """The series in a folder (or the one that it is), oldest process first.

    Files that cannot be read are told in ``problems`` and left out.
    """
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
    found = []
    for place in folders:
        by_process: dict[Any, list[Entry]] = {}
        for path in sorted(place.glob(f"*{SUFFIX}")):
            if path.name.startswith("."):
                continue
            try:
                known = facts.meta(read_facts(path))
            except SnapshotError as error:
                if problems is not None:
                    problems.append(str(error))
                continue
            by_process.setdefault(known.process, []).append(Entry(path, known))
        found += [Series(place, tuple(sorted(line, key=_age))) for line in by_process.values()]
    return sorted(found, key=lambda line: (_age(line.newest), str(line.folder)))


def _age(entry: Entry) -> tuple[float, int, str]:
    known = entry.meta
    taken = known.taken_at
    if taken is None:
        try:
            taken = entry.path.stat().st_mtime
        except OSError:
            taken = 0.0
    return (taken, known.sequence or 0, entry.path.name)


def newest(folder: Path) -> Chosen:
    """The newest snapshot in a folder. Raises SnapshotError."""
    problems: list[str] = []
    lines = _some(folder, problems)
    entry = lines[-1].newest
    why = f"the newest of {_number(lines)} in {visible(str(folder))}{_unread(problems)}"
    return Chosen((entry.path,), why, tuple(problems))


def most_grown(folder: Path) -> Chosen:
    """First and newest snapshot of the series that grew most. Raises SnapshotError."""
    problems: list[str] = []
    lines = _some(folder, problems)
    comparable = [line for line in lines if len(line.entries) > 1]
    if not comparable:
        raise SnapshotError(
            f"{visible(str(folder))}: every process has one snapshot only, and a diff needs two: send "
            "the signal again (or `leakhunt dump --all`) after some more tasks" + _unread(problems)
        )
    best = max(comparable, key=lambda line: (line.growth or 0, _age(line.newest)))
    growth, what = best.grown
    why = f"first and newest of {len(best.entries)} in {visible(best.folder.name)}"
    if growth is not None and len(comparable) > 1:
        why += f" (it grew most: {units.signed_size(growth)} {what})"
    return Chosen((best.first.path, best.newest.path), why + _unread(problems), tuple(problems))


def _some(folder: Path, problems: list[str]) -> list[Series]:
    lines = series(folder, problems)
    if not lines:
        raise SnapshotError(
            f"{visible(str(folder))}: there are no snapshots here; `kill -USR1 PID` a hooked worker, "
            "or set LEAKHUNT_DIR to the folder it writes to" + _unread(problems)
        )
    return lines


def _unread(problems: list[str]) -> str:
    return f"; {len(problems)} not read: {problems[0]}" if problems else ""


def _number(lines: list[Series]) -> str:
    amount = sum(len(line.entries) for line in lines)
    return "1 snapshot" if amount == 1 else f"{amount} snapshots"
