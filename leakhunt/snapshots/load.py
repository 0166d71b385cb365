"""Files to snapshots, folders to series: the analysis side's only file I/O."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from types import MappingProxyType
from typing import Any, Optional

from leakhunt import units
from leakhunt.errors import NoSuchSnapshotError, SnapshotError
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Meta, Snapshot
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile.folders import PROCESSES
from leakhunt.snapfile.read import Raw, begin, quick_facts, read_facts
from leakhunt.snapshots import calendar, facts, retention, stacks
from leakhunt.snapshots.series import Entry, Series, by_process, running, working, written

#: Files that are read at the same time.
PARALLEL = max(2, min(8, os.cpu_count() or 2))

#: Of the files in a folder that do not tell their facts, so many are read whole, each in a process of its own: more would
#: take minutes, and anybody can make 10^5.
MOST_WITHOUT = 2000

NEWEST, GREW_MOST, NAMED = "newest", "grew-most", "named"


@dataclass(frozen=True)
class Chosen:
    """Snapshots that were chosen for the user, and why these."""

    paths: tuple[Path, ...]
    rule: str
    """NEWEST of all, of the process that GREW_MOST, or of one that the user NAMED."""
    place: Path
    """The folder that was looked in."""
    of: int
    """Snapshots there were to choose from: in the folder, or of the process."""
    line: Series | None = None
    """The process."""
    processes: int = 1
    """Processes there were to choose from."""
    problems: tuple[str, ...] = ()
    """Files in the folder that could not be read, one message each."""


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


def expand(
    words: Iterable[str],
    problems: list[str] | None = None,
    home: Path | None = None,
    runs: Runs = nobody_looked,
) -> list[Path]:
    """What a user calls snapshots as files, in the order given.

    A word is a path, a glob, a folder, ``before~N`` (N before the newest), or, in the folder
    ``home``, what ``leakhunt ls`` prints: a process's folder or pid, a node. Files in a folder that
    cannot be read are told in ``problems`` and left out; so is, of several, a folder that holds no
    snapshots: the shell has matched it. Raises SnapshotError for a word that means none.
    """
    files: list[Path] = []
    words = list(words)
    empty = [word for word in words if len(words) > 1 and _is_empty(Path(word), problems, runs)]
    if len(empty) == len(words):
        empty = []
    for word in words:
        path = Path(word)
        if word in empty:
            continue
        if path.exists() and not path.is_dir():
            files.append(path)
            continue
        if not path.exists() and _is_glob(word):
            matches = sorted(Path(match) for match in glob(word))  # noqa: PTH207 - absolute patterns too
            if matches:
                files += _matched(matches, problems, runs)
                continue
            if home is None:
                raise SnapshotError(f"{visible(word)}: no file matches this pattern")
        back = _BACK.fullmatch(word) if home is not None and not path.exists() else None
        name = back["name"] if back else word
        lines = named(name, home, problems, runs)
        if lines is None:
            files.append(path)  # what is wrong with it is told when it is opened
        elif back:
            files.append(_before(lines, int(back["back"]), word))
        else:
            files += [entry.path for line in lines for entry in line.entries]
    return files


def _is_empty(folder: Path, problems: list[str] | None, runs: Runs) -> bool:
    """Whether that is a folder without snapshots; told, but for the records of processes."""
    if not folder.is_dir() or series(folder, [], runs):
        return False
    if folder.name != PROCESSES and problems is not None:
        problems.append(f"{visible(str(folder))}: there are no snapshots in this folder")
    return True


def _matched(matches: Sequence[Path], problems: list[str] | None, runs: Runs) -> list[Path]:
    """The snapshots that a pattern has matched, and those in the folders that it has matched."""
    files = []
    for match in matches:
        lines = series(match, problems, runs) if match.is_dir() else ()
        files += [entry.path for line in lines for entry in line.entries] if lines else []
        if not match.is_dir():
            files.append(match)
    if not files:
        raise SnapshotError(f"{visible(str(matches[0]))}: there are no snapshots in this folder")
    return files


def _is_glob(word: str) -> bool:
    return any(character in word for character in "*?[")


_BACK = re.compile(r"(?P<name>.*)~(?P<back>[0-9]{1,9})")
#: What stands for the process of the newest snapshot in ``before~2``.
_NEWEST = frozenset({"", "before", "newest"})


def named(
    word: str,
    home: Path | None,
    problems: list[str] | None = None,
    runs: Runs = nobody_looked,
) -> list[Series] | None:
    """The series that a word means: a folder's, a process's, a node's; None where it must be a file's path.

    Of processes that had one pid one after the other, the one that runs, else the newest, is meant.
    Raises SnapshotError where the word can mean nothing.
    """
    path = Path(word)
    if path.is_dir() and word:
        return _filled(series(path, problems, runs), word)
    if home is None:
        return None
    if word not in _NEWEST and "/" not in word and (home / word).is_dir():
        return _filled(series(home / word, problems, runs), word)
    if "/" in word or word.endswith(SUFFIX):
        return None
    lines = series(home, problems, runs) if home.is_dir() else []
    if word in _NEWEST:
        return _filled(lines[-1:], word)
    if word.isdecimal() and word.isascii():
        of_pid = [line for line in lines if str(line.newest.meta.pid) == word]
        if of_pid:
            return running(of_pid)[-1:]
    of_node = [line for line in lines if word in (line.newest.meta.node, line.folder.name)]
    if of_node:
        return of_node
    matching = [line for line in lines if fnmatchcase(line.folder.name, word)]
    if matching:
        return matching
    missing = "no file matches this pattern" if _is_glob(word) else "there is no such file"
    names = [str(line.newest.meta.pid) for line in lines] + [
        line.newest.meta.node or line.folder.name for line in lines
    ]
    near = get_close_matches(word, list(dict.fromkeys(names)), n=3)
    hint = f"; did you mean {' or '.join(map(visible, near))}?" if near else ""
    raise NoSuchSnapshotError(
        f"{visible(word)}: {missing}, and no process, node or folder of that name in "
        f"{visible(str(home))} (`leakhunt ls` lists them){hint}",
        word,
        str(home),
    )


def _filled(lines: list[Series], word: str) -> list[Series]:
    if not lines:
        raise SnapshotError(f"{visible(word)}: there are no snapshots in this folder")
    return lines


def _before(lines: list[Series], back: int, word: str) -> Path:
    entries = [entry for line in lines[-1:] for entry in line.entries]
    if back >= len(entries):
        number = units.counted(len(entries), "snapshot")
        raise SnapshotError(
            f"{visible(word)}: there {'is' if len(entries) == 1 else 'are'} {number} only"
        )
    return entries[-1 - back].path


def series(
    folder: Path, problems: list[str] | None = None, runs: Runs = nobody_looked
) -> list[Series]:
    """The series in a folder (or the one that it is), that with the newest snapshot last.

    Files that cannot be read are told in ``problems`` and left out; so are those beyond MOST_WITHOUT
    that do not say themselves that leakhunt wrote them.
    """
    without = 0
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
            try:
                told = quick_facts(path)
                if not told:
                    without += 1
                    told = _loaded(path, without)
                entries.append(Entry(path, facts.meta(told)))
            except SnapshotError as error:
                if problems is not None:
                    problems.append(str(error))
        several += [Series(place, line, runs(line[-1].meta)) for line in by_process(entries)]
    return sorted(several, key=lambda line: (written(line.newest), str(line.folder)))


def _loaded(path: Path, number: int) -> dict[str, Any]:
    """The facts of a file without a trailer, for which all of it is read. Raises SnapshotError."""
    if number > MOST_WITHOUT:
        raise SnapshotError(
            f"{visible(str(path))}: was not looked into: there are more than {units.count(MOST_WITHOUT)} files here "
            "that leakhunt did not write"
        )
    return read_facts(path)


def newest(folder: Path, runs: Runs = nobody_looked) -> Chosen:
    """The newest snapshot in a folder, of a process that runs where there is one. Raises SnapshotError."""
    problems: list[str] = []
    lines = some(folder, problems, runs)
    best = running(lines)[-1]
    of = sum(len(line.entries) for line in lines)
    return Chosen((best.newest.path,), NEWEST, folder, of, best, len(lines), tuple(problems))


def most_grown(folder: Path, runs: Runs = nobody_looked) -> Chosen:
    """First and newest snapshot of the process that grew most, of those that run where any does.

    The two are of one stretch: the same engine, armed once. Raises SnapshotError.
    """
    problems: list[str] = []
    lines = some(folder, problems, runs)
    comparable = [line for line in lines if len(line.stretch) > 1]
    if not comparable:
        raise SnapshotError(
            f"{visible(str(folder))}: every process has one snapshot only, and a diff needs two: send "
            "the signal again (or `leakhunt dump --all`) after some more tasks" + _unread(problems)
        )
    comparable = working(comparable)
    best = max(running(comparable), key=lambda line: (line.growth or 0, written(line.newest)))
    ends = (best.stretch[0].path, best.stretch[-1].path)
    return Chosen(
        ends, GREW_MOST, folder, len(best.stretch), best, len(comparable), tuple(problems)
    )


#: Snapshots of a process from which on it can be judged.
ENOUGH = 3


def most_telling(lines: Sequence[Series]) -> Chosen:
    """The process to judge: one that does tasks before one that does not, with enough snapshots before
    one without, of these one that runs before one that has ended, and of these the one that grew most.
    """
    lines = working(lines)
    enough = [line for line in lines if len(line.entries) >= ENOUGH] or lines
    best = max(running(enough), key=lambda line: (line.growth or 0, len(line.entries)))
    paths = tuple(entry.path for entry in best.entries)
    return Chosen(paths, GREW_MOST, best.folder, len(paths), best, len(lines))


def some(folder: Path, problems: list[str], runs: Runs = nobody_looked) -> list[Series]:
    """The series in a folder. Raises SnapshotError where there are none."""
    lines = series(folder, problems, runs)
    if not lines:
        raise SnapshotError(
            f"{visible(str(folder))}: there are no snapshots here; `kill -USR1 PID` a hooked worker, "
            "or set LEAKHUNT_DIR to the folder it writes to" + _unread(problems)
        )
    return lines


def _unread(problems: list[str]) -> str:
    return f"; {len(problems)} not read: {problems[0]}" if problems else ""
