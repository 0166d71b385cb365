"""``leakhunt trend``: a verdict from three or more snapshots."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from leakhunt.cli import completion, judging
from leakhunt.cli.options import show
from leakhunt.errors import SnapshotError
from leakhunt.model.query import TYPE
from leakhunt.report.trend import TrendReport
from leakhunt.report.types import by_type
from leakhunt.snapfile import SUFFIX
from leakhunt.snapfile import folders as places

#: Seconds between two looks at a folder that is watched.
LOOK = 1.0


@click.command(name="trend")
@click.argument("files", nargs=-1, metavar="[SNAPSHOT... | FOLDER...]",
                shell_complete=completion.snapshots)  # fmt: skip
@judging.judging
@click.option("--watch", is_flag=True,
              help="Follow the folder; say when the verdict changes. Ctrl-C ends it.")  # fmt: skip
@click.option("-g", "--group-by", type=click.Choice(("lineno", "type")), default="lineno", show_default=True,
              help="What is judged: places, or types of objects.")  # fmt: skip
def command(files: tuple[str, ...], asked: judging.Asked, watch: bool, group_by: str) -> None:
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
      leakhunt trend -g type                 # of what there is ever more
      leakhunt trend --watch /var/lib/leakhunt
    """
    if group_by == TYPE:
        if watch or asked.filters or asked.excludes or asked.fail_above is not None:
            raise click.UsageError(
                "-g type judges all objects: not with --watch, -f, -x, --fail-above"
            )
        gathered = judging.gathered(files, asked)
        report = by_type(gathered.histories, gathered.why, gathered.notes, asked.limit)
        show(report, asked.form, asked.verbose)
        return
    if watch:
        _watch(lambda: judging.look(files, asked, quiet=True), _folders(files, asked.folder), asked)
        return
    judging.tell(judging.look(files, asked), asked)


# -- watching -------------------------------------------------------------------------


def _folders(files: Sequence[str], folder: str | None) -> list[Path]:
    places_to_watch = [Path(file) for file in files] or [places.state_dir(folder)]
    for place in places_to_watch:
        if not place.is_dir():
            raise click.UsageError(f"--watch follows folders, and {place} is none")
    return places_to_watch


def _watch(look: Callable[[], TrendReport], folders: Sequence[Path], asked: judging.Asked) -> None:
    """Judge again whenever there are new snapshots; print when the verdict is another one."""
    seen: set[Path] = set()
    said: tuple[object, ...] | None = None
    click.echo(f"watching {', '.join(map(str, folders))} (Ctrl-C ends it)", err=True)
    while True:
        now = {path for folder in folders for path in folder.rglob(f"*{SUFFIX}")}
        if now != seen and now:
            seen = now
            try:
                report = look()
            except SnapshotError as error:  # a file that was pruned meanwhile, or not one yet
                click.echo(f"leakhunt: {error}", err=True)
            else:
                state = (report.verdict.verdict, *(leak.site for leak in report.leaks))
                if state != said:
                    said = state
                    show(report, asked.form, asked.verbose)
                    sys.stdout.flush()
        time.sleep(LOOK)
