"""What a user calls snapshots: a path, a pattern, a folder, a process, a node, and how far back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from leakhunt import units
from leakhunt.errors import NoSuchSnapshotError, SnapshotError
from leakhunt.model.paths import visible
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile.folders import PROCESSES
from leakhunt.snapshots.chosen import not_read
from leakhunt.snapshots.load import Runs, nobody_looked, series
from leakhunt.snapshots.series import Series, running


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
        return _inside(path, word, problems, runs)
    if home is None:
        return None
    if word not in _NEWEST and "/" not in word and (home / word).is_dir():
        return _inside(home / word, word, problems, runs)
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


def _inside(folder: Path, word: str, problems: list[str] | None, runs: Runs) -> list[Series]:
    """The series in a folder; where there are none, it is said what there is instead."""
    bad: list[str] = []
    lines = _filled(series(folder, bad, runs), word, bad)
    if problems is not None:
        problems += bad
    return lines


def _filled(lines: list[Series], word: str, bad: Sequence[str] = ()) -> list[Series]:
    if not lines:
        none = f"{visible(word)}: there are no snapshots in this folder"
        raise SnapshotError(none + not_read(bad))
    return lines


def _before(lines: list[Series], back: int, word: str) -> Path:
    entries = [entry for line in lines[-1:] for entry in line.entries]
    if back >= len(entries):
        number = units.counted(len(entries), "snapshot")
        raise SnapshotError(
            f"{visible(word)}: there {'is' if len(entries) == 1 else 'are'} {number} only"
        )
    return entries[-1 - back].path
