"""``leakhunt trend``: a verdict from three or more snapshots."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import completion, judging
from leakhunt.cli.options import (
    Size,
    folder_option,
    show,
    strict_option,
    verbose_option,
)
from leakhunt.errors import SnapshotError
from leakhunt.render.screen import FORMATS
from leakhunt.report.trend import TrendReport
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile import folders as places

#: Seconds between two looks at a folder that is watched.
LOOK = 1.0


@click.command(name="trend")
@click.argument("files", nargs=-1, metavar="[SNAPSHOT... | FOLDER...]",
                shell_complete=completion.snapshots)  # fmt: skip
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
@verbose_option
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
    verbose: bool,
    strict: bool,
    folder: str | None,
) -> None:
    """Judge what grows over three or more snapshots of a process.

    Without arguments: the process that grew most, of those that run where any does. A pid or a
    folder stands for the snapshots of its process; a node, or a folder of several, for all of them.

    Every place that grows is judged: leak, warm-up, sawtooth, step or noise; a leak with
    its bytes per task. The verdict is leak, no-leak, unexplained (memory grows outside
    Python) or inconclusive (take more snapshots).

    \b
    Examples:
      leakhunt trend
      leakhunt trend 4242 -v                 # that process, with all the evidence
      leakhunt trend celery@web1             # the whole pool
      leakhunt trend before.bin later.bin latest.bin --json
      leakhunt trend --fail-above 1KiB      # exit 3: for CI
      leakhunt trend --watch /var/lib/leakhunt
    """
    form = "json" if as_json else form

    def look(quiet: bool = False) -> TrendReport:
        return judging.look(files, filters, excludes, limit, folder, strict, quiet)

    if watch:
        _watch(look, _folders(files, folder), form, verbose)
        return
    report = look()
    show(report, form, verbose)
    worst = max((leak.rate for leak in report.leaks), default=0.0)
    if fail_above is not None and worst > fail_above:
        click.echo(
            f"leakhunt: a leak of {units.size(worst)} per {report.verdict.unit}, "
            f"more than {units.size(fail_above)}",
            err=True,
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)


# -- watching -------------------------------------------------------------------------


def _folders(files: Sequence[str], folder: str | None) -> list[Path]:
    places_to_watch = [Path(file) for file in files] or [places.state_dir(folder)]
    for place in places_to_watch:
        if not place.is_dir():
            raise click.UsageError(f"--watch follows folders, and {place} is none")
    return places_to_watch


def _watch(
    look: Callable[[bool], TrendReport], folders: Sequence[Path], form: str, verbose: bool
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
                    show(report, form, verbose)
                    sys.stdout.flush()
        time.sleep(LOOK)
