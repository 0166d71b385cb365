"""``leakhunt dump``: ask hooked processes of this host for a snapshot, or to stop tracing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from leakhunt import places
from leakhunt.errors import CaptureError, LeakhuntError, NotHookedError
from leakhunt.live import processes
from leakhunt.live.processes import Hooked


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
def command(
    pids: tuple[int, ...], everything: bool, disarm: bool, timeout: float, folder: str | None
) -> None:
    """Signal hooked processes, wait for their snapshots and print the paths.

    The PID of a worker's main process stands for it and all its pool children. A
    process without the hook is refused, because the signal would kill it.

    \b
    Examples:
      leakhunt dump 4242
      leakhunt dump --all
      leakhunt dump --disarm 4242     # stop tracing, give the CPU back
    """
    if bool(pids) == everything:
        raise click.UsageError("name one or more PIDs, or use --all")
    problems = 0
    for process, answer in answers(targets(pids, folder), "disarm" if disarm else "dump", timeout):
        if isinstance(answer, Exception):
            problems += 1
            complain(process, answer)
        elif disarm:
            click.echo(f"{process.name}: {answer.get('note') or 'done'}", err=True)
            problems += answer.get("armed_at") is not None
        elif answer.get("path"):
            click.echo(answer["path"])
        else:
            problems += 1
            complain(process, CaptureError(str(answer.get("problem") or "no snapshot")))
    if problems:
        sys.exit(2)


def targets(pids: tuple[int, ...], folder: str | None) -> list[Hooked]:
    """The processes meant, main processes before their children; all of them without pids.

    Raises NotHookedError.
    """
    home = places.state_dir(folder)
    known = processes.hooked(home)
    if folder is not None:
        known = [p for p in known if Path(str(p.record.get("series"))).parent == home]
    if pids:
        chosen = {processes.one(home, pid).pid for pid in pids}
        mains = {process.record["pid"] for process in known if process.pid in chosen}
        known = [
            process
            for process in known
            if process.pid in chosen or process.record.get("main") in mains
        ]
    if not known:
        raise NotHookedError(
            "no hooked process on this host (that this user may see); start a worker with "
            "`celery -A proj worker -I leakhunt.worker`"
        )
    return sorted(known, key=lambda process: (process.record.get("main") or 0, process.pid))


def answers(asked: Sequence[Hooked], request: str, timeout: float) -> Iterator[tuple[Hooked, Any]]:
    """Ask every process, then wait: each with its record, or with the error that came instead."""
    waiting = []
    for process in asked:
        try:
            processes.ask(process, request)
            waiting.append(process)
        except (OSError, LeakhuntError) as error:
            yield process, error
    yield from processes.wait(waiting, timeout)


def complain(process: Hooked, error: Exception) -> None:
    text = str(error)
    prefix = "" if process.name in text else f"{process.name}: "
    click.echo(f"leakhunt: {prefix}{text}", err=True)
