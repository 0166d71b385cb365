"""``leakhunt tasks``: per task name, how often it ran, what it took and what it kept."""

from __future__ import annotations

import click

from leakhunt.cli import completion, reading
from leakhunt.cli.options import folder_option, show, strict_option, unread
from leakhunt.errors import SnapshotError
from leakhunt.report import tasks as report
from leakhunt.snapfile import folders
from leakhunt.snapfile.read import read_facts
from leakhunt.snapshots import facts
from leakhunt.snapshots.chosen import some
from leakhunt.snapshots.named import expand


@click.command(name="tasks")
@click.argument(
    "snapshots", metavar="[SNAPSHOT|FOLDER|PID]...", nargs=-1, shell_complete=completion.snapshots
)
@click.option("-n", "--limit", type=click.IntRange(min=0), default=20, show_default=True,
              metavar="N", help="Tasks of the table (0: all). JSON has all.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@strict_option
@folder_option
def command(
    snapshots: tuple[str, ...], limit: int, as_json: bool, strict: bool, folder: str | None
) -> None:
    """Show the ledger that the hook keeps of each task name, summed over processes.

    Runs, failures, wall time, the thread's CPU as a part of it (near 0 %: it waits; near 100 %:
    it computes), memory kept by the end of its runs and steps of RSS, what surely keeps most first.
    What it keeps is told by the runs that another one of the same task followed: the message of
    the next one, which is there by then, is as large as its own. A process's
    newest snapshot holds its whole life; without an argument, all in the folder count.
    What a task calls eagerly counts for both.

    \b
    Examples:
      leakhunt tasks
      leakhunt tasks 4242 --json
    """
    home = folders.state_dir(folder)
    problems: list[str] = []
    if snapshots:
        paths = expand(snapshots, problems, home, reading.runs)
    else:
        paths = [line.newest.path for line in some(home, problems, reading.runs)]
    metas = []
    for path in paths:
        try:
            metas.append((str(path), facts.meta(read_facts(path))))
        except SnapshotError as error:
            problems.append(str(error))
    notes = unread(problems, strict)
    if not metas:
        raise SnapshotError(problems[0])
    show(report.tasks(metas, notes, limit), "json" if as_json else "table")
