"""``leakhunt diff``: what grew between two snapshots."""

from __future__ import annotations

import sys

import click

from leakhunt import units
from leakhunt.cli import completion
from leakhunt.cli.options import Size, folder_option, querying, screen, show, strict_option, unread
from leakhunt.cli.reading import snapshots
from leakhunt.model.query import Query
from leakhunt.report import tables as report
from leakhunt.snapfile import folders
from leakhunt.snapshots.load import expand, most_grown


@click.command(name="diff")
@click.argument("files", nargs=-1, metavar="[BEFORE AFTER]", shell_complete=completion.snapshots)
@querying
@click.option(
    "--fail-above", type=Size(), metavar="SIZE", help="Exit 3 when the growth shown exceeds SIZE."
)
@strict_option
@folder_option
def command(
    files: tuple[str, ...],
    query: Query,
    form: str,
    fail_above: int | None,
    strict: bool,
    folder: str | None,
) -> None:
    """Rank what grew between BEFORE and AFTER.

    Without arguments: the first and the newest snapshot of the process that grew
    most. A folder stands for its first and newest snapshot.

    \b
    Examples:
      leakhunt diff
      leakhunt diff before.bin after.bin --filter myapp
      leakhunt diff before.bin after.bin -g traceback -n 3
      leakhunt diff before.bin after.bin --fail-above 1MiB    # exit 3: for CI
    """
    why = None
    problems: list[str] = []
    if not files:
        chosen = most_grown(folders.state_dir(folder))
        paths, why = list(chosen.paths), chosen.why
    else:
        paths = expand(files, problems)
        if len(files) == 1 and len(paths) > 1:
            why = f"first and newest of {len(paths)} in {files[0]}"
            paths = [paths[0], paths[-1]]
    if len(paths) != 2:
        raise click.UsageError(
            f"a diff compares two snapshots and {len(paths)} "
            f"{'was' if len(paths) == 1 else 'were'} given; name BEFORE and AFTER, one folder, or nothing"
        )
    notes = unread(problems, strict)
    before, after = snapshots(paths)
    found = report.diff(before, after, query, why, notes)
    show(render(found, form))
    grown = found.comparison.totals.diff.size - found.comparison.dropped.diff.size
    if fail_above is not None and grown > fail_above:
        click.echo(
            f"leakhunt: grew by {units.size(grown)}, more than {units.size(fail_above)}", err=True
        )
        sys.stdout.flush()
        click.get_current_context().exit(3)


def render(found: report.DiffReport, form: str) -> str:
    """The report as text in one of the formats."""
    if form == "json":
        from leakhunt.render.json import tables as jsonout

        return jsonout.diff(found)
    if form == "table":
        from leakhunt.render.terminal import tables as table

        return table.diff(found, *screen())
    from leakhunt.render import flat

    return flat.csv_text(found) if form == "csv" else flat.markdown_text(found)
