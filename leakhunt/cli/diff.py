"""``leakhunt diff``: what grew between two snapshots."""

from __future__ import annotations

import sys

import click

from leakhunt import units
from leakhunt.cli import completion, reading
from leakhunt.cli.options import (
    Size,
    flame_option,
    folder_option,
    querying,
    show_table,
    strict_option,
    unread,
)
from leakhunt.model.query import Query
from leakhunt.report import tables
from leakhunt.report.words import choices


@click.command(name="diff")
@click.argument("files", nargs=-1, metavar="[BEFORE AFTER]", shell_complete=completion.snapshots)
@querying
@flame_option
@click.option(
    "--fail-above", type=Size(), metavar="SIZE", help="Exit 3 when the growth shown exceeds SIZE."
)
@strict_option
@folder_option
def command(
    files: tuple[str, ...],
    query: Query,
    form: str,
    flame: bool,
    fail_above: int | None,
    strict: bool,
    folder: str | None,
) -> None:
    """Rank what grew between BEFORE and AFTER.

    Without arguments: the first and the newest snapshot of the process that grew
    most, of those that run where any does. What `leakhunt ls` prints stands for a process: its
    pid, a node, a folder's name; before~2 is the snapshot two before the newest.

    \b
    Examples:
      leakhunt diff
      leakhunt diff 4242                       # what that process grew by
      leakhunt diff before.bin after.bin --filter myapp
      leakhunt diff before.bin after.bin -g traceback -n 3
      leakhunt diff before.bin after.bin --flame   # stacks as boxes, as wide as what changed
      leakhunt diff before.bin after.bin --fail-above 1MiB    # exit 3: for CI
    """
    problems: list[str] = []
    older, newer, choice = reading.two(files, folder, problems)
    notes = unread(problems, strict)
    before, after = reading.snapshots([older, newer])
    why = choices.chosen(choice) if choice else None
    report = tables.diff(before, after, query, why, notes)
    show_table(report, form, flame)
    grown = report.comparison.totals.diff.size - report.comparison.dropped.diff.size
    if fail_above is not None and grown > fail_above:
        click.echo(
            f"leakhunt: grew by {units.size(grown)}, more than {units.size(fail_above)}", err=True
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)
