"""Which snapshots are meant where nobody names any: the newest, those of the process that grew most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leakhunt import units
from leakhunt.errors import SnapshotError
from leakhunt.model.paths import visible
from leakhunt.snapshots.load import Runs, nobody_looked, series
from leakhunt.snapshots.series import Series, running, working, written

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


#: Snapshots of a process from which on it can be judged.
ENOUGH = 3


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
            "the signal again (or `leakhunt dump --all`) after some more tasks" + not_read(problems)
        )
    comparable = working(comparable)
    best = max(running(comparable), key=lambda line: (line.growth or 0, written(line.newest)))
    ends = (best.stretch[0].path, best.stretch[-1].path)
    return Chosen(
        ends, GREW_MOST, folder, len(best.stretch), best, len(comparable), tuple(problems)
    )


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
            "or set LEAKHUNT_DIR to the folder it writes to" + not_read(problems)
        )
    return lines


def not_read(problems: Sequence[str]) -> str:
    """The end of a sentence that says there are no snapshots: how many files are there that are none."""
    return f"; {units.count(len(problems))} not read: {problems[0]}" if problems else ""
