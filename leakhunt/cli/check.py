"""``leakhunt check``: does it leak? Run until the answer is sure."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import completion, reading, together
from leakhunt.cli.options import Duration, Size, show, verbose_option
from leakhunt.errors import LeakhuntError
from leakhunt.gate import baseline as baselines
from leakhunt.gate import drive
from leakhunt.gate.decision import LIMIT, Limits
from leakhunt.gate.outcome import Broken
from leakhunt.gate.plan import Terms
from leakhunt.gate.repository import repository
from leakhunt.render.formats import formats
from leakhunt.render.screen import GITHUB, JSON, TABLE
from leakhunt.report.check import CheckReport
from leakhunt.report.check import check as reported
from leakhunt.report.words import checks


@click.command(name="check")
@click.argument("target", metavar="MODULE:CALLABLE")
@click.option("--args", "arguments", metavar="FILE|MODULE:NAME", shell_complete=completion.files,
              help="What to call it with: a file of JSON lines, or a generator function [nothing].")  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), metavar="N",
              help="Runs at most [as many as it takes].")  # fmt: skip
@click.option("--at-most", type=Duration(), default="60s", show_default=True, metavar="TIME",
              help="The time in which the answer must be sure; a hard limit.")  # fmt: skip
@click.option("--warm-up", type=click.IntRange(min=0), metavar="N",
              help="Runs that do not count [1,000 or a quarter of the time].")  # fmt: skip
@click.option("--max-bytes-per-run", "limit", type=Size(), metavar="SIZE",
              help=f"What a run may keep [{LIMIT:.0f}].")  # fmt: skip
@click.option("--native", is_flag=True, help="Memory outside Python's objects counts too.")
@click.option("--eager", is_flag=True, help="A Celery task is called here, without a worker.")
@click.option("--engine", type=click.Choice(("exact", "sampled")),
              help="Who counts: every block, or samples [exact; a task in a worker: sampled].")  # fmt: skip
@click.option("--nframe", type=click.IntRange(1, 128), metavar="N",
              help="Frames kept per stack [exact: 5, sampled: 25].")  # fmt: skip
@click.option("--baseline", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Known growths: only what is new or worse fails.")  # fmt: skip
@click.option("--update-baseline", is_flag=True, help="Write what is found now to --baseline.")
@click.option("--format", "form", type=click.Choice(formats("CheckReport")), default=TABLE,
              show_default=True, help="How to print it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@click.option("--dir", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep the snapshots there [they are removed].")  # fmt: skip
@verbose_option
def command(
    target: str,
    arguments: str | None,
    runs: int | None,
    at_most: float,
    warm_up: int | None,
    limit: int | None,
    native: bool,
    eager: bool,
    engine: str | None,
    nframe: int | None,
    baseline: Path | None,
    update_baseline: bool,
    form: str,
    as_json: bool,
    folder: Path | None,
    verbose: bool,
) -> None:
    """Run a function or a Celery task until it is sure whether it leaks.

    It is called again and again in a fresh process, with looks in between, and the answer comes as
    soon as it is sure: a leak that is regular takes a few seconds. Warm-up, caches that fill up,
    imports, free lists and garbage do not count.

    Exit status: 0 it keeps nothing, 3 it leaks, 4 not sure in the time given, 2 it cannot be run.

    \b
    Examples:
      leakhunt check shop.tasks:process --args orders.jsonl
      leakhunt check shop.tasks:process --args shop.fixtures:orders --at-most 5min
      leakhunt check shop.cache:lookup --baseline leaks.json --format github
    """
    together.needs("--baseline", "--update-baseline")
    before = baselines.read(baseline) if baseline is not None else None
    accepted = before.of(target) if before is not None and not update_baseline else {}
    allowed = float(LIMIT if limit is None else limit)
    terms = Terms(Limits(allowed, native, accepted), at_most, runs, warm_up)
    with ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leakhunt-")))
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        wanted = drive.Wanted(target, arguments, eager, engine, nframe, where.resolve())
        with reading.waiting(f"checking {target}, {units.duration(at_most)} at most"):
            outcome = drive.check(wanted, terms)
        if isinstance(outcome, Broken):
            _broken(outcome)
            return
        report = reported(
            outcome,
            before.of(target) if before is not None else None,
            str(repository(Path.cwd(), os.environ)),
        )
    show(report, JSON if as_json else form, verbose)
    if form == GITHUB and not as_json:
        _summarise(report)
    if update_baseline and before is not None and baseline is not None:
        _update(baseline, before, target, report)
        return
    sys.stdout.flush()
    click.get_current_context().exit(report.status)


def _broken(broken: Broken) -> None:
    """The target's own traceback, then what it means. Exit 2."""
    for line in (broken.failure.traceback or "").splitlines() or broken.output:
        click.echo(line, err=True)
    raise LeakhuntError(checks.broken(broken))


def _summarise(report: CheckReport) -> None:
    """Add to the job's summary, where there is one."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if file:
        from leakhunt.render import github

        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(github.summary(report))


def _update(path: Path, before: baselines.Baseline, target: str, report: CheckReport) -> None:
    """Write down what leaks for sure; what is not sure is not written, and exits as ever."""
    ruling = report.outcome.ruling
    if report.status == 4 or ruling is None:
        click.echo(f"leakhunt: {path} is left as it is: the answer is not sure", err=True)
        click.get_current_context().exit(4)
    after = before.with_check(target, baselines.growths(ruling.accepted))
    path.write_text(baselines.text(after), encoding="utf-8")
    places = units.counted(len(ruling.accepted), "place")
    click.echo(f"wrote {path}: {target} may keep memory at {places}", err=True)
