"""``leakhunt verdict``: leak or not, from one look."""

from __future__ import annotations

import click

from leakhunt.cli import asking, completion, judging
from leakhunt.cli.options import timeout_option


@click.command(name="verdict")
@click.argument("words", nargs=-1, metavar="[SNAPSHOT... | FOLDER | PID]",
                shell_complete=completion.snapshots)  # fmt: skip
@judging.judging
@timeout_option("With a PID: how long to wait for its snapshot.")
def command(words: tuple[str, ...], asked: judging.Asked, timeout: float) -> None:
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
    files = asking.taken_first(words, asked.folder, timeout)
    judging.tell(judging.look(files, asked, command="verdict"), asked)
