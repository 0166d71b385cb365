"""Judges snapshots for a command: from what the user names to a report and an exit status.

``trend`` and ``verdict`` share their options, what is judged, and what ``--fail-above`` makes of it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from leakhunt import units
from leakhunt.cli import reading
from leakhunt.cli.options import (
    Function,
    Size,
    folder_option,
    show,
    strict_option,
    unread,
    verbose_option,
)
from leakhunt.errors import SnapshotError
from leakhunt.judge.history import History, choose, history
from leakhunt.model.gcpause import uncollected
from leakhunt.render.screen import FORMATS
from leakhunt.report.trend import TrendReport
from leakhunt.report.trend import trend as judged
from leakhunt.report.words import choices, notes
from leakhunt.snapfile import folders as places
from leakhunt.snapshots.chosen import ENOUGH, most_telling, some
from leakhunt.snapshots.columns import read
from leakhunt.snapshots.named import expand
from leakhunt.snapshots.series import Entry, lines_of

#: The engine whose samples know when they were born.
BORN = "sampled"


class Asked(NamedTuple):
    """What the shared options say."""

    filters: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    limit: int = 10
    form: str = "table"
    fail_above: int | None = None
    """Bytes per unit that a leak may keep."""
    verbose: bool = False
    strict: bool = False
    folder: str | None = None


def judging(function: Function) -> Function:
    """The options of a command that judges; passes ``asked``."""

    @click.option("-f", "--filter", "filters", multiple=True, metavar="P",
                  help="Keep findings that pass through P (package, module, path or glob).")  # fmt: skip
    @click.option("-x", "--exclude", "excludes", multiple=True, metavar="P",
                  help="Drop findings blamed on a line in P.")  # fmt: skip
    @click.option("-n", "--limit", type=click.IntRange(min=0), default=10, show_default=True,
                  metavar="N", help="Findings; 0 shows all.")  # fmt: skip
    @click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
                  help="How to print it.")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
    @click.option("--fail-above", type=Size(), metavar="SIZE",
                  help="Exit 3 when a leak keeps more than SIZE per task (or other unit).")  # fmt: skip
    @verbose_option
    @strict_option
    @folder_option
    @functools.wraps(function)
    def wrapper(
        filters: tuple[str, ...],
        excludes: tuple[str, ...],
        limit: int,
        form: str,
        as_json: bool,
        fail_above: int | None,
        verbose: bool,
        strict: bool,
        folder: str | None,
        **others: Any,
    ) -> Any:
        form = "json" if as_json else form
        asked = Asked(filters, excludes, limit, form, fail_above, verbose, strict, folder)
        return function(asked=asked, **others)

    return wrapper  # type: ignore[return-value]


def tell(report: TrendReport, asked: Asked) -> None:
    """Print the report; exit with 3 where a leak keeps more than was allowed."""
    show(report, asked.form, asked.verbose)
    worst = max(report.leaks, key=lambda leak: leak.rate, default=None)
    if asked.fail_above is not None and worst is not None and worst.rate > asked.fail_above:
        click.echo(
            f"leakhunt: a leak of {units.size(worst.rate)} per {worst.history.noun}, "
            f"more than {units.size(asked.fail_above)}",
            err=True,
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)


class Gathered(NamedTuple):
    """What is judged."""

    histories: list[History]
    why: str | None
    notes: tuple[str, ...]
    ended: bool
    """Whether every process has ended."""


def look(
    files: Sequence[str], asked: Asked, quiet: bool = False, command: str = "trend"
) -> TrendReport:
    """The report over the snapshots meant: without any, of the process that tells most.

    Raises SnapshotError.
    """
    with uncollected():
        histories, why, noted, ended = gathered(files, asked, quiet)
        return judged(
            histories, asked.filters, asked.excludes, why, noted, ended, asked.limit, command
        )


def gathered(files: Sequence[str], asked: Asked, quiet: bool = False) -> Gathered:
    """The processes meant, read.

    Processes with fewer than three snapshots are left out beside others that have them, unless their
    snapshots know when what lives was born. Raises SnapshotError.
    """
    problems: list[str] = []
    home, why = places.state_dir(asked.folder), None
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
        read = [gather(line, problems) for line in lines]
    histories = [each for each in read if each is not None]
    if not histories:
        raise SnapshotError(problems[0])
    if asked.strict or not quiet:
        noted = (*noted, *unread(problems, asked.strict))
    ended = all(reading.runs(each.last) is False for each in histories)
    return Gathered(histories, why, noted, ended)


def gather(line: Sequence[Entry], problems: list[str]) -> History | None:
    """One process's snapshots, read; None where none can be. What cannot is told in ``problems``."""
    choice = choose(line)
    columns = read([entry.path for entry in choice.entries], problems)
    return history(choice, columns) if columns is not None else None
