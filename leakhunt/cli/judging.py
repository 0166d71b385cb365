"""Judges snapshots for a command: from what the user names to a report. ``trend`` and ``verdict`` share it."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt.cli import reading
from leakhunt.cli.options import unread
from leakhunt.errors import SnapshotError
from leakhunt.judge.history import History, choose, history
from leakhunt.report.trend import TrendReport
from leakhunt.report.trend import trend as judged
from leakhunt.report.words import choices, notes
from leakhunt.snapfile import folders as places
from leakhunt.snapshots.columns import read
from leakhunt.snapshots.load import ENOUGH, expand, most_telling, some
from leakhunt.snapshots.series import Entry, lines_of

#: The engine whose samples know when they were born.
BORN = "sampled"


def look(
    files: Sequence[str],
    filters: Sequence[str],
    excludes: Sequence[str],
    limit: int,
    folder: str | None,
    strict: bool,
    quiet: bool = False,
    command: str = "trend",
) -> TrendReport:
    """The report over the snapshots meant: without any, of the process that tells most.

    Processes with fewer than three snapshots are left out beside others that have them, unless their
    snapshots know when what lives was born. Raises SnapshotError.
    """
    problems: list[str] = []
    home, why = places.state_dir(folder), None
    if files:
        lines = lines_of(expand(files, problems, home, reading.runs), problems)
    else:
        choice = most_telling(some(home, problems, reading.runs))
        lines, why = [choice.line.entries] if choice.line else [], choices.chosen(choice)
    few = [line for line in lines if len(line) < ENOUGH and line[-1].meta.engine != BORN]
    if len(few) < len(lines):
        lines = [line for line in lines if line not in few]
    noted = (notes.too_short(len(few)),) if few and few != lines else ()
    if not lines:
        raise SnapshotError(problems[0] if problems else "no snapshots were given")
    with reading.progress([entry.path for line in lines for entry in line], quiet):
        gathered = [gather(line, problems) for line in lines]
    histories = [each for each in gathered if each is not None]
    if not histories:
        raise SnapshotError(problems[0])
    if strict or not quiet:
        noted = (*noted, *unread(problems, strict))
    ended = all(reading.runs(each.last) is False for each in histories)
    return judged(histories, filters, excludes, why, noted, ended, limit, command)


def gather(line: Sequence[Entry], problems: list[str]) -> History | None:
    """One process's snapshots, read; None where none can be. What cannot is told in ``problems``."""
    choice = choose(line)
    columns = read([entry.path for entry in choice.entries], problems)
    return history(choice, columns) if columns is not None else None
