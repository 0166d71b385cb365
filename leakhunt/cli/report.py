"""``leakhunt report``: one page for the ticket."""

from __future__ import annotations

import time

import click

from leakhunt import __version__
from leakhunt.cli import asking, completion, judging
from leakhunt.cli.options import folder_option, strict_option, timeout_option
from leakhunt.cli.output import force_option, output_option, refuse, writing, wrote


@click.command(name="report")
@click.argument("words", nargs=-1, metavar="[SNAPSHOT... | FOLDER | PID]",
                shell_complete=completion.snapshots)  # fmt: skip
@output_option
@force_option
@click.option("-f", "--filter", "filters", multiple=True, metavar="P",
              help="Keep findings that pass through P (package, module, path or glob).")  # fmt: skip
@click.option("-x", "--exclude", "excludes", multiple=True, metavar="P",
              help="Drop findings blamed on a line in P.")  # fmt: skip
@timeout_option("With a PID: how long to wait for its snapshot.")
@strict_option
@folder_option
def command(
    words: tuple[str, ...],
    output: str,
    force: bool,
    filters: tuple[str, ...],
    excludes: tuple[str, ...],
    timeout: float,
    strict: bool,
    folder: str | None,
) -> None:
    """Write one HTML page: verdict, timeline, findings, flame graphs, table.

    The page needs no network and no other file: attach it to the ticket. It holds paths, names of functions
    and recorded source lines of your code. With a PID the process takes a snapshot first. Without arguments: the
    process that grew most.

    \b
    Examples:
      leakhunt report -o report.html
      leakhunt report 4242 -o leak.html
      leakhunt report celery@web1 -o pool.html --force
    """
    refuse(output, force)
    files = asking.taken_first(words, folder, timeout)
    asked = judging.Asked(filters, excludes, 0, strict=strict, folder=folder)
    report = judging.look(files, asked, command="verdict")
    from leakhunt.render.html.page import document
    from leakhunt.report.page import page

    text = document(page(report, time.time(), __version__))
    with writing(output, force) as out:
        out.write(text.encode())
    wrote(output, report.summary.partition(":")[0])
