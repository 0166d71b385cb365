"""``leakhunt dump``: ask hooked processes for a snapshot (or to stop tracing), here or on other hosts."""

from __future__ import annotations

from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli import completion, together
from leakhunt.cli.asking import answers, complain, meant, yes_option
from leakhunt.cli.options import Reach, Size, reaching, timeout_option
from leakhunt.errors import CaptureError, LeakhuntError
from leakhunt.live import remote
from leakhunt.model.paths import visible
from leakhunt.report.words import fleet as words
from leakhunt.snapfile import folders


@click.command(name="dump")
@click.argument("named", metavar="[PID | NODE | FOLDER]...", nargs=-1,
                shell_complete=completion.processes)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every hooked process of this host.")
@click.option(
    "--disarm", is_flag=True, help="Stop tracing instead; the next trigger starts it again."
)
@timeout_option("How long to wait for the files.")
@reaching
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="With -A: the folder for what comes from other machines [--dir].")  # fmt: skip
@click.option("--at-most", type=Size(), default="16MiB", metavar="SIZE", show_default=True,
              help="With -A: larger snapshots stay where they are, and their place is told; 0: all do.")  # fmt: skip
@click.option("--dir", "folder", metavar="DIR", help="Only processes that write to this folder.")
@yes_option
def command(
    named: tuple[str, ...],
    everything: bool,
    disarm: bool,
    timeout: float,
    reach: Reach,
    into: Path | None,
    at_most: int,
    folder: str | None,
    yes: bool,
) -> None:
    """Ask hooked processes for snapshots, wait for them and print the paths.

    The PID of a worker's main process stands for it and all its pool children, a node's name for its
    processes, a series' folder for its process. A process without the hook is refused, because a signal
    would kill it. Where no signal is heard, a worker looks into its letter box after each task, a
    program once a second.

    With -A the app's workers are asked through its broker, on whatever host, and what they write
    is collected into this host's folder through the replies (--at-most). Nothing is
    overwritten, and what comes is checked to be a snapshot. What a worker of this very machine writes
    stays in its series' folder, with or without --into.

    \b
    Examples:
      leakhunt dump 4242
      leakhunt dump celery@web1
      leakhunt dump --all
      leakhunt dump -A proj --destination celery@web1,celery@web2
      leakhunt dump --disarm 4242     # stop tracing, give the CPU back
    """
    together.needs("-A", "--into", "--at-most")
    together.apart("-A", "--yes")
    if reach.app is not None:
        if everything or disarm:
            raise click.UsageError(
                "-A asks every worker for snapshots: leave --all and --disarm out"
            )
        pids = [pid for pid in map(units.parse_pid, named) if pid is not None]
        if len(pids) < len(named):
            raise click.UsageError("with -A workers are named by --destination, processes by PIDs")
        problems = _from_afar(reach, pids, timeout, into, at_most, folder)
    elif bool(named) == everything:
        raise click.UsageError("name one or more processes, or use --all, or -A APP")
    else:
        problems = _here(named, disarm, timeout, folder, yes)
    if problems:
        click.get_current_context().exit(2)


def _here(
    named: tuple[str, ...], disarm: bool, timeout: float, folder: str | None, yes: bool
) -> int:
    """Ask processes of this host; how many problems there were."""
    problems = 0
    request = "disarm" if disarm else "dump"
    for process, answer in answers(meant(named, folder, yes), request, timeout):
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
    return problems


def _from_afar(
    reach: Reach,
    pids: list[int],
    timeout: float,
    into: Path | None,
    at_most: int,
    folder: str | None,
) -> int:
    """Ask an app's workers and collect what they write; how many problems there were."""
    assert reach.app is not None
    home = folders.state_dir(folder) if into is None else into.absolute()
    with remote.reached(reach.app, reach.nodes, reach.wait) as fleet:
        asked, problems = fleet.dump(pids)
        if not asked and not problems:
            nobody = f"none of the workers that answered has {pids}" if pids else None
            problems = [nobody or words.nobody(reach.app)]
        failed = len(problems)
        for problem in problems:
            _say(problem)
        for each, outcome in fleet.wait(asked, timeout):
            who = f"{each.node}, process {each.pid}"
            if isinstance(outcome, LeakhuntError):
                failed += 1
                _say(f"{who}: {outcome}")
            elif outcome.here is not None:
                click.echo(visible(str(outcome.here), 0))
            elif outcome.size > at_most:
                _say(words.kept_there(who, outcome.place, outcome.size, at_most))
            else:
                try:
                    click.echo(visible(str(fleet.collect(outcome, home, at_most)), 0))
                except LeakhuntError as error:
                    failed += 1
                    _say(f"{who}: {error}; the snapshot is at {outcome.place}")
    return failed


def _say(text: str) -> None:
    click.echo(f"leakhunt: {visible(text)}", err=True)
