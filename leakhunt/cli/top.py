"""``leakhunt top``: what is alive in one snapshot."""

from __future__ import annotations

import click

from leakhunt.cli import completion
from leakhunt.cli.options import folder_option, querying, screen, show, strict_option, unread
from leakhunt.cli.reading import snapshots
from leakhunt.errors import SnapshotError
from leakhunt.model.query import Query
from leakhunt.report import tables as report
from leakhunt.snapfile import folders
from leakhunt.snapshots.load import expand, newest


@click.command(name="top")
@click.argument("snapshot", required=False, shell_complete=completion.snapshots)
@querying
@strict_option
@folder_option
def command(
    snapshot: str | None, query: Query, form: str, strict: bool, folder: str | None
) -> None:
    """Rank what is alive in SNAPSHOT (the newest one of the folder without an argument).

    \b
    Examples:
      leakhunt top
      leakhunt top before.bin --filter myapp
      leakhunt top before.bin -g package --json
    """
    why = None
    problems: list[str] = []
    if snapshot is None:
        chosen = newest(folders.state_dir(folder))
        path, why = chosen.paths[0], chosen.why
    else:
        paths = expand([snapshot], problems)
        if len(paths) != 1:
            raise SnapshotError(f"{snapshot}: holds {len(paths)} snapshots, and top shows one")
        path = paths[0]
    notes = unread(problems, strict)
    (loaded,) = snapshots([path])
    show(render(report.top(loaded, query, why, notes), form))


def render(found: report.TopReport, form: str) -> str:
    """The report as text in one of the formats."""
    if form == "json":
        from leakhunt.render.json import tables as jsonout

        return jsonout.top(found)
    if form == "table":
        from leakhunt.render.terminal import tables as table

        return table.top(found, *screen())
    from leakhunt.render import flat

    return flat.csv_text(found) if form == "csv" else flat.markdown_text(found)
