"""``leakhunt ps``: every Celery process of this host, with or without the hook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import together
from leakhunt.cli.looking import answered, seen
from leakhunt.cli.options import Duration, Reach, folder_option, reaching, show
from leakhunt.model.process import Process
from leakhunt.report import ps as report
from leakhunt.report.problems import node
from leakhunt.snapfile import folders


@click.command(name="ps")
@click.argument("pids", metavar="[PID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--stacks", is_flag=True, help="What hung children (or the PIDs) are waiting in.")
@click.option("--reap", is_flag=True, help="End orphaned pool children: shows which, and asks.")
@click.option("--patience", type=Duration(), default="10s", metavar="TIME", show_default=True,
              help="With --reap: SIGKILL for those that live on after SIGTERM for so long.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="With --reap: without asking.")
@reaching
@folder_option
def command(
    pids: tuple[int, ...],
    reach: Reach,
    as_json: bool,
    stacks: bool,
    reap: bool,
    patience: float,
    yes: bool,
    folder: str | None,
) -> None:
    """Show the Celery processes of this host as a tree: what each holds, does and how it grows.

    Main processes, pool children, beat, flower, detached ones, and other programs with the
    hook. PSS is the column to add up: it counts each shared page once. Tasks, the running task
    and growth need the hook. What looks wrong is told below, with what to do.

    With -A the app's workers are asked through its broker, on whatever host they run: those with
    the hook answer, as far as the transport has broadcast (Redis, AMQP).

    --reap ends orphans (pool children whose main process is gone) with SIGTERM, and with
    SIGKILL those that live on; never anything else, and never another user's but as root.

    \b
    Examples:
      leakhunt ps
      leakhunt ps 4242 --json
      leakhunt ps -A proj
      leakhunt ps --reap --yes --patience 30s      # after a deploy
    """
    together.needs("--reap", "--patience", "--yes")
    form = "json" if as_json else "table"
    if reach.app is not None:
        if reap or stacks:
            raise click.UsageError("--reap and --stacks look at this host: leave -A out")
        from leakhunt.live import remote

        with remote.reached(reach.app, reach.nodes, reach.wait) as fleet:
            show(answered(fleet, pids), form)
        return
    if reap and (as_json or stacks):
        raise click.UsageError(
            "--reap tells what it ends, and nothing else: leave --json and --stacks out"
        )
    home = folders.state_dir(folder)
    made = seen(home, pids)
    if reap:
        _reap([row.process for row in made.rows], home, patience, yes)
        return
    if stacks:
        from leakhunt.live import stuck

        asked = [row.process for row in made.rows if row.process.pid in pids or _is_hung(row)]
        made = replace(
            made, stacks={each.identity: stuck.evidence(each.pid, home) for each in asked}
        )
    show(made, form)


def _is_hung(row: report.Row) -> bool:
    return any(problem.code == "hung" for problem in row.problems)


def _reap(running: Sequence[Process], home: Path, patience: float, yes: bool) -> None:
    from leakhunt.live import orphans

    doomed = orphans.orphans(running)
    if not doomed:
        click.echo("no orphan: every pool child has its main process", err=True)
        return
    for process in doomed:
        held = f", {units.size(process.memory.uss)} USS" if process.memory.uss else ""
        click.echo(f"orphan {process.pid} of {node(process)}, user {process.user}{held}", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody can be asked here: --reap ends them with --yes")
        noun = "it" if len(doomed) == 1 else f"these {units.count(len(doomed))}"
        if not click.confirm(f"End {noun}?", err=True):
            return
    problems = 0
    for process, how, why in orphans.reap(doomed, home, patience):
        said = {
            "softly": "ended by SIGTERM",
            "hard": "ended by SIGKILL",
            "gone": "is an orphan no more: nothing was sent",
            "alive": "still runs: the kernel holds it",
        }.get(how, f"not ended: {why}")
        problems += how in ("alive", "refused")
        click.echo(f"{process.pid} {said}")
    if problems:
        click.get_current_context().exit(2)
