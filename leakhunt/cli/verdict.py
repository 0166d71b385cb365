"""``leakhunt verdict``: leak or not, from one look."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import asking, completion, judging
from leakhunt.cli.options import Size, folder_option, show, strict_option, verbose_option
from leakhunt.errors import CaptureError, LeakhuntError, NotHookedError
from leakhunt.render.screen import FORMATS


@click.command(name="verdict")
@click.argument("words", nargs=-1, metavar="[SNAPSHOT... | FOLDER | PID]",
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
@click.option("--timeout", default=60.0, metavar="SECONDS", show_default=True,
              help="With a PID: how long to wait for its snapshot.")  # fmt: skip
@verbose_option
@strict_option
@folder_option
def command(
    words: tuple[str, ...],
    filters: tuple[str, ...],
    excludes: tuple[str, ...],
    limit: int,
    form: str,
    as_json: bool,
    fail_above: int | None,
    timeout: float,
    verbose: bool,
    strict: bool,
    folder: str | None,
) -> None:
    """Leak or not: which line, since when, in which task. One snapshot is enough.

    The samples of the default engine know when they were born: what a leak keeps was born evenly,
    what a cache keeps while it fills was born early, what turns over is young. With a PID the
    process takes a snapshot first, a main process each of its children. With several snapshots
    of a process their differences count as well.

    \b
    Examples:
      leakhunt verdict 4242                 # ask the worker now
      leakhunt verdict                      # the process with the most telling snapshots
      leakhunt verdict after.bin -v
      leakhunt verdict 4242 --fail-above 1KiB --json
    """
    pids = [int(word) for word in words if word.isdigit() and not Path(word).exists()]
    taken = _taken(tuple(pids), folder, timeout) if pids else []
    files = [word for word in words if not (word.isdigit() and int(word) in pids)]
    report = judging.look(
        [*files, *taken], filters, excludes, limit, folder, strict, command="verdict"
    )
    show(report, "json" if as_json else form, verbose)
    worst = max((leak.rate for leak in report.leaks), default=0.0)
    if fail_above is not None and worst > fail_above:
        click.echo(
            f"leakhunt: a leak of {units.size(worst)} per {report.verdict.unit}, "
            f"more than {units.size(fail_above)}",
            err=True,
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)


def _taken(pids: tuple[int, ...], folder: str | None, timeout: float) -> list[str]:
    """The folders of the processes that have taken a snapshot now; those that run no more, by their pid."""
    try:
        asked = asking.targets(pids, folder)
    except NotHookedError:
        return [str(pid) for pid in pids]  # ended: its snapshots answer, or the error says so
    series = []
    failed: LeakhuntError | None = None
    for process, answer in asking.answers(asked, "dump", timeout):
        if isinstance(answer, Exception):
            asking.complain(process, answer)
            failed = answer if isinstance(answer, LeakhuntError) else CaptureError(str(answer))
        elif answer.get("path"):
            series.append(str(Path(str(answer["path"])).parent))
        else:
            failed = CaptureError(str(answer.get("problem") or "no snapshot"))
            asking.complain(process, failed)
    if not series and failed is not None:
        raise failed
    return series
