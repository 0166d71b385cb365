"""``leakhunt dump``: ask hooked processes of this host for a snapshot, or to stop tracing."""

from __future__ import annotations

import sys

import click

from leakhunt.cli.asking import answers, complain, targets, yes_option
from leakhunt.errors import CaptureError
from leakhunt.model.paths import visible


@click.command(name="dump")
@click.argument("pids", metavar="PID...", nargs=-1, type=click.IntRange(min=1))
@click.option("--all", "everything", is_flag=True, help="Every hooked process of this host.")
@click.option(
    "--disarm", is_flag=True, help="Stop tracing instead; the next trigger starts it again."
)
@click.option(
    "--timeout",
    default=60.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait for the files.",
)
@click.option("--dir", "folder", metavar="DIR", help="Only processes that write to this folder.")
@yes_option
def command(
    pids: tuple[int, ...],
    everything: bool,
    disarm: bool,
    timeout: float,
    folder: str | None,
    yes: bool,
) -> None:
    """Ask hooked processes for snapshots, wait for them and print the paths.

    The PID of a worker's main process stands for it and all its pool children. A
    process without the hook is refused, because a signal would kill it. Where no signal is
    heard, a worker looks into its letter box after each task, a program once a second.

    \b
    Examples:
      leakhunt dump 4242
      leakhunt dump --all
      leakhunt dump --disarm 4242     # stop tracing, give the CPU back
    """
    if bool(pids) == everything:
        raise click.UsageError("name one or more PIDs, or use --all")
    problems = 0
    for process, answer in answers(
        targets(pids, folder, yes), "disarm" if disarm else "dump", timeout
    ):
        if isinstance(answer, Exception):
            problems += 1
            complain(process, answer)
        elif disarm:
            click.echo(f"{process.name}: {visible(answer.get('note') or 'done')}", err=True)
            problems += answer.get("armed_at") is not None
        elif answer.get("path"):
            click.echo(visible(answer["path"], 0))
        else:
            problems += 1
            complain(process, CaptureError(str(answer.get("problem") or "no snapshot")))
    if problems:
        sys.exit(2)
