"""``leakhunt top``: what is alive in one snapshot."""

from __future__ import annotations

import click

from leakhunt.cli import completion, reading
from leakhunt.cli.options import (
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


@click.command(name="top")
@click.argument("snapshot", required=False, shell_complete=completion.snapshots)
@querying
@flame_option
@strict_option
@folder_option
def command(
    snapshot: str | None, query: Query, form: str, flame: bool, strict: bool, folder: str | None
) -> None:
    """Rank what is alive in SNAPSHOT (the newest one without an argument).

    What `leakhunt ls` prints may stand for a snapshot: a pid, a node, a folder's name (their newest
    one), or before~2, two before the newest.

    \b
    Examples:
      leakhunt top
      leakhunt top 4242                        # of that process
      leakhunt top before.bin --filter myapp
      leakhunt top before.bin -g package --json
      leakhunt top before.bin --flame          # stacks as boxes
    """
    problems: list[str] = []
    path, choice = reading.one(snapshot, folder, problems)
    notes = unread(problems, strict)
    (loaded,) = reading.snapshots([path])
    why = choices.chosen(choice) if choice else None
    show_table(tables.top(loaded, query, why, notes), form, flame)
