"""``leakhunt trend``: a verdict from three or more snapshots."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli.options import FORMATS, Size, folder_option, screen, show, strict_option, unread
from leakhunt.cli.reading import progress
from leakhunt.errors import SnapshotError
from leakhunt.judge.history import gather, lines_of
from leakhunt.model.paths import visible
from leakhunt.report import trend as outlook
from leakhunt.report.trend import TrendReport
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile import folders as places
from leakhunt.snapshots.load import Entry, expand, series

#: Seconds between two looks at a folder that is watched.
LOOK = 1.0


@click.command(name="trend")
@click.argument("files", nargs=-1, metavar="[SNAPSHOT... | FOLDER...]")
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
@click.option("--watch", is_flag=True,
              help="Follow the folder; say when the verdict changes. Ctrl-C ends it.")  # fmt: skip
@strict_option
@folder_option
def command(
    files: tuple[str, ...],
    filters: tuple[str, ...],
    excludes: tuple[str, ...],
    limit: int,
    form: str,
    as_json: bool,
    fail_above: int | None,
    watch: bool,
    strict: bool,
    folder: str | None,
) -> None:
    """Judge what grows over three or more snapshots of a process.

    Without arguments: the process in the folder that grew most. A folder of a process
    stands for its snapshots, a folder of several for the whole pool.

    Every place that grows is judged: leak, warm-up, sawtooth, step or noise; a leak with
    its bytes per task. The verdict is leak, no-leak, unexplained (memory grows outside
    Python) or inconclusive (take more snapshots).

    \b
    Examples:
      leakhunt trend
      leakhunt trend ~/.local/state/leakhunt/celery@web1-4242-20260131T235959Z
      leakhunt trend before.bin later.bin latest.bin --json
      leakhunt trend --fail-above 1KiB      # exit 3: for CI
      leakhunt trend --watch /var/lib/leakhunt
    """
    form = "json" if as_json else form

    def look(quiet: bool = False) -> TrendReport:
        return _look(files, filters, excludes, folder, strict, quiet)

    if watch:
        _watch(look, _folders(files, folder), limit, form)
        return
    report = look()
    show(render(report, form, limit))
    worst = max((leak.rate for leak in report.leaks), default=0.0)
    if fail_above is not None and worst > fail_above:
        click.echo(
            f"leakhunt: a leak of {units.size(worst)} per {report.verdict.unit}, "
            f"more than {units.size(fail_above)}",
            err=True,
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)


def _look(
    files: Sequence[str],
    filters: Sequence[str],
    excludes: Sequence[str],
    folder: str | None,
    strict: bool,
    quiet: bool,
) -> TrendReport:
    problems: list[str] = []
    why = None
    if files:
        lines = lines_of(expand(files, problems), problems)
    else:
        line, why = _most_grown(places.state_dir(folder), problems)
        lines = [line]
    few = [line for line in lines if len(line) < 3]
    if len(few) < len(lines):
        lines = [line for line in lines if len(line) >= 3]
    notes: tuple[str, ...] = ()
    if few and few != lines:
        number = len(few)
        notes = (
            f"{number} process{'' if number == 1 else 'es'} with fewer than three snapshots left out",
        )
    if not lines:
        raise SnapshotError(problems[0] if problems else "no snapshots were given")
    histories = []
    with progress([entry.path for line in lines for entry in line], quiet):
        for line in lines:
            history = gather(line, problems)
            if history is not None:
                histories.append(history)
    if not histories:
        raise SnapshotError(problems[0])
    if strict or not quiet:
        notes = (*notes, *unread(problems, strict))
    return outlook.trend(histories, filters, excludes, why, notes)


def _most_grown(folder: Path, problems: list[str]) -> tuple[tuple[Entry, ...], str]:
    found = series(folder, problems)
    if not found:
        raise SnapshotError(
            f"{visible(str(folder))}: there are no snapshots here; `kill -USR1 PID` a hooked worker, "
            "or set LEAKHUNT_DIR to the folder it writes to"
        )
    best = max(
        found, key=lambda line: (len(line.entries) >= 3, line.growth or 0, len(line.entries))
    )
    why = f"{len(best.entries)} snapshots in {best.folder.name}"
    growth, what = best.grown
    if growth is not None and len(found) > 1:
        why += f" (of {len(found)} processes it grew most: {units.signed_size(growth)} {what})"
    return best.entries, why


# -- watching -------------------------------------------------------------------------


def _folders(files: Sequence[str], folder: str | None) -> list[Path]:
    places_to_watch = [Path(file) for file in files] or [places.state_dir(folder)]
    for place in places_to_watch:
        if not place.is_dir():
            raise click.UsageError(f"--watch follows folders, and {place} is none")
    return places_to_watch


def _watch(
    look: Callable[[bool], TrendReport], folders: Sequence[Path], limit: int, form: str
) -> None:
    """Judge again whenever there are new snapshots; print when the verdict is another one."""
    seen: set[Path] = set()
    said: tuple[object, ...] | None = None
    click.echo(f"watching {', '.join(map(str, folders))} (Ctrl-C ends it)", err=True)
    while True:
        now = {path for folder in folders for path in folder.rglob(f"*{SUFFIX}")}
        if now != seen and now:
            seen = now
            try:
                report = look(True)
            except SnapshotError as error:  # a file that was pruned meanwhile, or not one yet
                click.echo(f"leakhunt: {error}", err=True)
            else:
                state = (report.verdict.verdict, *(leak.site for leak in report.leaks))
                if state != said:
                    said = state
                    show(render(report, form, limit))
                    sys.stdout.flush()
        time.sleep(LOOK)


def render(report: TrendReport, form: str, limit: int) -> str:
    """The report as text in one of the formats."""
    if form == "table":
        from leakhunt.render.terminal import trend as trendtext

        return trendtext.trend(report, *screen(), limit)
    from leakhunt.render.json import trend as trendjson

    if form == "json":
        return trendjson.document(report, limit)
    return trendjson.csv_text(report) if form == "csv" else trendjson.markdown_text(report, limit)
