"""``leakhunt verdict``: leak or not, from one look."""

from __future__ import annotations

from pathlib import Path

import click

from leakhunt.cli import asking, completion, judging
from leakhunt.errors import CaptureError, LeakhuntError, NotHookedError


@click.command(name="verdict")
@click.argument("words", nargs=-1, metavar="[SNAPSHOT... | FOLDER | PID]",
                shell_complete=completion.snapshots)  # fmt: skip
@judging.judging
@click.option("--timeout", default=60.0, metavar="SECONDS", show_default=True,
              help="With a PID: how long to wait for its snapshot.")  # fmt: skip
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
    pids = [int(word) for word in words if word.isdigit() and not Path(word).exists()]
    taken = _taken(tuple(pids), asked.folder, timeout) if pids else []
    files = [word for word in words if not (word.isdigit() and int(word) in pids)]
    judging.tell(judging.look([*files, *taken], asked, command="verdict"), asked)


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
