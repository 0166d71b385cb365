"""Files to snapshots, folders to series: the analysis side's only file I/O."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from glob import glob
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leakhunt import units
from leakhunt.errors import SnapshotError
from leakhunt.frames import visible
from leakhunt.model import Frame, Meta, Snapshot, Spot
from leakhunt.places import PROCESSES
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile.read import Raw, begin, read_facts

#: Files that are read at the same time.
PARALLEL = max(2, min(8, os.cpu_count() or 2))

_TEXT = {"host", "trigger", "python", "node", "pool", "role", "engine"}
_NUMBER = {"started_at", "taken_at", "armed_at"}
_FLAG = {"baseline"}


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
        for name in ("rss", "traced"):
            start, end = getattr(self.first.meta, name), getattr(self.newest.meta, name)
            if start is not None and end is not None:
                return int(end - start)
        return None


@dataclass(frozen=True)
class Chosen:
    """Snapshots that were chosen for the user, with the reason in words."""

    paths: tuple[Path, ...]
    why: str


# -- snapshots ------------------------------------------------------------------------


def load(path: str | Path) -> Snapshot:
    """Read one snapshot. Raises SnapshotError."""
    return _snapshot(begin(path)())


def load_all(paths: Sequence[str | Path]) -> list[Snapshot]:
    """Read several snapshots, in parallel processes, in the order given. Raises SnapshotError."""
    found: list[Snapshot] = []
    waiting: list[Any] = []
    todo = list(paths)
    try:
        while todo or waiting:
            while todo and len(waiting) < PARALLEL:
                waiting.append(begin(todo.pop(0)))
            found.append(_snapshot(waiting.pop(0)()))
    finally:
        for receive in waiting:  # after an error: reap the other readers
            try:
                receive()
            except SnapshotError:
                continue
    return found


def _snapshot(raw: Raw) -> Snapshot:
    return Snapshot(
        path=raw.path,
        meta=meta(raw.facts),
        nframe=raw.nframe,
        tallies=MappingProxyType(raw.tallies),
        spots=MappingProxyType(_spots(raw.facts.get("frames"))),
        blocks=MappingProxyType(raw.blocks),
    )


def _spots(recorded: Any) -> dict[Frame, Spot]:
    found = {}
    for file, lines in recorded.items() if isinstance(recorded, dict) else ():
        for line, spot in lines.items() if isinstance(lines, dict) else ():
            if isinstance(line, int) and isinstance(spot, (tuple, list)) and len(spot) == 2:
                function, code = (part if isinstance(part, str) else None for part in spot)
                found[Frame(str(file), line)] = Spot(function, code)
    return found


def meta(facts: Mapping[str, Any]) -> Meta:
    """The facts by name; a value of the wrong type counts as unknown."""
    values: dict[str, Any] = {}
    for field in fields(Meta):
        value = facts.get(field.name)
        if field.name == "facts":
            values["facts"] = MappingProxyType(dict(facts))
        elif field.name in _TEXT:
            values[field.name] = value if isinstance(value, str) else None
        elif field.name in _FLAG:
            values[field.name] = value if isinstance(value, bool) else None
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            values[field.name] = None
        else:
            values[field.name] = float(value) if field.name in _NUMBER else int(value)
    return Meta(**values)


# -- folders --------------------------------------------------------------------------


def expand(words: Iterable[str]) -> list[Path]:
    """Paths, globs and folders as snapshot files, in the order given.

    Raises SnapshotError for a folder or glob that holds none.
    """
    found: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            inside = [entry.path for line in series(path) for entry in line.entries]
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
            raise SnapshotError(f"{folder}: cannot be read: {error.strerror}") from error
    found = []
    for place in folders:
        by_process: dict[Any, list[Entry]] = {}
        for path in sorted(place.glob(f"*{SUFFIX}")):
            if path.name.startswith("."):
                continue
            try:
                known = meta(read_facts(path))
            except SnapshotError as error:
                if problems is not None:
                    problems.append(str(error))
                continue
            by_process.setdefault((known.host, known.pid, known.started_at), []).append(
                Entry(path, known)
            )
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
    lines = _some(folder)
    entry = lines[-1].newest
    return Chosen((entry.path,), f"the newest of {_number(lines)} in {folder}")


def most_grown(folder: Path) -> Chosen:
    """First and newest snapshot of the series that grew most. Raises SnapshotError."""
    lines = _some(folder)
    comparable = [line for line in lines if len(line.entries) > 1]
    if not comparable:
        raise SnapshotError(
            f"{folder}: every process has one snapshot only, and a diff needs two: send the signal "
            "again (or `leakhunt dump --all`) after some more tasks"
        )
    best = max(comparable, key=lambda line: (line.growth or 0, _age(line.newest)))
    grown = f"it grew most: {units.signed_size(best.growth)} RSS" if best.growth is not None else ""
    return Chosen(
        (best.first.path, best.newest.path),
        f"first and newest of {len(best.entries)} in {best.folder.name}"
        + (f" ({grown})" if grown and len(comparable) > 1 else ""),
    )


def _some(folder: Path) -> list[Series]:
    lines = series(folder)
    if not lines:
        raise SnapshotError(
            f"{folder}: there are no snapshots here; `kill -USR1 PID` a hooked worker, or "
            "set LEAKHUNT_DIR to the folder it writes to"
        )
    return lines


def _number(lines: list[Series]) -> str:
    amount = sum(len(line.entries) for line in lines)
    return "1 snapshot" if amount == 1 else f"{amount} snapshots"
