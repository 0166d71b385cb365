"""Which old snapshots may go, and their removal: nothing else is ever deleted.

A file goes only if it lies in a folder named like a series, is named like a snapshot, is a
regular file, and says of itself that leakhunt wrote it. Of a process that lives, the first
snapshot, its baselines and the newest one stay, whatever is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leakhunt.model.paths import visible
from leakhunt.snapfile.folders import PROCESSES, SERIES, SNAPSHOT, TORN, is_own, opened, surplus
from leakhunt.snapshots.load import series
from leakhunt.snapshots.series import Entry, Series, written

#: An empty folder may belong to a process that is about to write into it.
SETTLED = 3600.0


@dataclass(frozen=True)
class Doomed:
    """A snapshot that goes."""

    path: Path
    size: int
    taken_at: float | None


@dataclass(frozen=True)
class Pruned:
    """What goes of one process."""

    folder: Path
    alive: bool
    doomed: tuple[Doomed, ...]
    kept: int


@dataclass(frozen=True)
class Plan:
    """What would be removed; nothing has happened yet."""

    home: Path
    series: tuple[Pruned, ...]
    """Those of which something goes."""
    torn: tuple[Doomed, ...]
    """Half-written files of processes that have ended."""
    folders: tuple[Path, ...]
    """Folders of ended processes that are empty, or will be."""
    kept: int
    """Snapshots that stay, in all series."""

    @property
    def files(self) -> tuple[Doomed, ...]:
        return (*(doomed for line in self.series for doomed in line.doomed), *self.torn)

    @property
    def size(self) -> int:
        return sum(doomed.size for doomed in self.files)

    @property
    def is_empty(self) -> bool:
        return not self.files and not self.folders


@dataclass(frozen=True)
class Liveness:
    """Who is alive, as the caller knows."""

    process: Callable[[Series], bool]
    """Whether the process that wrote a series still runs."""
    folder: Callable[[Path, int], bool]
    """The same of a folder without snapshots, and the pid in its name."""


def plan(
    home: Path,
    keep: int | None,
    older_than: float | None,
    now: float,
    alive: Liveness,
    problems: list[str] | None = None,
) -> Plan:
    """What to remove below ``home``.

    ``keep``: of each series the first quarter and the newest, as LEAKHUNT_KEEP. ``older_than``: seconds.
    A snapshot goes where both say so, or the one that is given; with neither, none does.
    """
    pruned: list[Pruned] = []
    kept = 0
    members: dict[Path, list[bool]] = {}
    going: dict[Path, int] = {}
    for line in series(home, problems):
        if not _is_series(line.folder):
            kept += len(line.entries)
            continue
        lives = alive.process(line)
        doomed = tuple(_doomed(line, keep, older_than, now, lives))
        staying = len(line.entries) - len(doomed)
        kept += staying
        members.setdefault(line.folder, []).append(lives)
        going[line.folder] = going.get(line.folder, 0) + len(doomed)
        if doomed:
            pruned.append(Pruned(line.folder, lives, doomed, staying))
    torn: list[Doomed] = []
    folders: list[Path] = []
    for folder in _folders(home):
        lives_here = members.get(folder)
        living = any(lives_here) if lives_here else alive.folder(folder, _pid(folder))
        names = _names(folder)
        if living or names is None:
            continue
        rest = [entry for entry in map(_torn, (folder / name for name in names)) if entry]
        if lives_here is None and not _is_settled(folder, now):
            continue
        torn += rest
        if len(names) == len(rest) + going.get(folder, 0):
            folders.append(folder)
    return Plan(home, tuple(pruned), tuple(torn), tuple(folders), kept)


def _doomed(
    line: Series, keep: int | None, older_than: float | None, now: float, alive: bool
) -> Iterator[Doomed]:
    entries = line.entries
    if keep is None and older_than is None:
        return
    too_many = None if keep is None else set(surplus(range(len(entries)), keep))
    for index, entry in enumerate(entries):
        if too_many is not None and index not in too_many:
            continue
        if older_than is not None and not _is_older(entry, now - older_than):
            continue
        if alive and (index in (0, len(entries) - 1) or entry.meta.baseline):
            continue
        removable = _removable(entry.path, SNAPSHOT)
        if removable is not None and entry.meta.facts:
            yield Doomed(entry.path, removable, entry.meta.taken_at)


def _is_older(entry: Entry, moment: float) -> bool:
    """A snapshot that does not say when it was taken is as old as its file."""
    return 0 < written(entry) <= moment


def _removable(path: Path, name: re.Pattern[str]) -> int | None:
    """The size of a regular file that this user's hook wrote and that is named as it should be; else
    None.
    """
    with suppress(OSError), opened(path.parent) as folder:
        if is_own(folder, path.name, name):
            return os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_size
    return None


def _torn(path: Path) -> Doomed | None:
    size = _removable(path, TORN)
    return None if size is None else Doomed(path, size, None)


def _is_series(folder: Path) -> bool:
    return bool(SERIES.fullmatch(folder.name)) and not folder.is_symlink() and folder.is_dir()


def _pid(folder: Path) -> int:
    match = SERIES.fullmatch(folder.name)
    return int(match["pid"]) if match else 0


def _folders(home: Path) -> list[Path]:
    try:
        inside = sorted(entry for entry in home.iterdir() if entry.name != PROCESSES)
    except OSError:
        return []
    return [folder for folder in (home, *inside) if _is_series(folder)]


def _names(folder: Path) -> list[str] | None:
    with suppress(OSError):
        return [entry.name for entry in folder.iterdir()]
    return None


def _is_settled(folder: Path, now: float) -> bool:
    with suppress(OSError):
        return folder.stat().st_mtime < now - SETTLED
    return False


def carry_out(chosen: Plan) -> tuple[int, list[str]]:
    """Remove what was planned: bytes freed, and what could not be removed."""
    freed, problems = 0, []
    for doomed in chosen.files:
        pattern = TORN if doomed.path.suffix == ".tmp" else SNAPSHOT
        try:
            # Through its folder, so that a folder swapped for a link leads nowhere else; and looked
            # at once more, because the user was asked meanwhile.
            with opened(doomed.path.parent) as folder:
                if not is_own(folder, doomed.path.name, pattern):
                    os.stat(doomed.path.name, dir_fd=folder, follow_symlinks=False)
                    raise PermissionError(0, "is no snapshot of this user's any more")
                os.unlink(doomed.path.name, dir_fd=folder)
            freed += doomed.size
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{visible(str(doomed.path))}: {error.strerror}")
    for folder_path in chosen.folders:
        with suppress(OSError):  # something new stands in it, or somebody was faster
            folder_path.rmdir()
    return freed, problems
