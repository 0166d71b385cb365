"""``leakhunt show``: everything about one place in a snapshot."""

from __future__ import annotations

from pathlib import Path

import click

from leakhunt.cli import completion, reading, together
from leakhunt.cli.options import (
    all_option,
    exclude_option,
    folder_option,
    innermost_option,
    show,
    verbose_option,
)
from leakhunt.model.query import BLAMES, SORTS, Query
from leakhunt.report.place import place
from leakhunt.report.words import choices
from leakhunt.sites import place as taking_apart
from leakhunt.snapfile import SUFFIX
from leakhunt.snapshots import source


@click.command(name="show")
@click.argument(
    "snapshot", required=False, metavar="[SNAPSHOT]", shell_complete=completion.snapshots
)
@click.argument("location", required=False, metavar="LOCATION")
@click.option("-f", "--filter", "filters", multiple=True, metavar="P",
              help="Keep stacks with any frame in P (package, module, path or glob).")  # fmt: skip
@innermost_option
@exclude_option
@click.option("--blame", type=click.Choice(BLAMES), default="innermost", show_default=True,
              help="How top ranked, where LOCATION is a row.")  # fmt: skip
@all_option
@click.option("-n", "--limit", type=click.IntRange(min=0), default=10, show_default=True,
              metavar="N", help="Branches of each tree, the heaviest ones; 0 shows all.")  # fmt: skip
@click.option("--sort", type=click.Choice(SORTS), default="size", show_default=True,
              help="How top ranked, and what stacks are ranked by in JSON.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@verbose_option
@folder_option
def command(
    snapshot: str | None,
    location: str | None,
    filters: tuple[str, ...],
    innermost: bool,
    excludes: tuple[str, ...],
    blame: str,
    show_all: bool,
    limit: int,
    sort: str,
    as_json: bool,
    verbose: bool,
    folder: str | None,
) -> None:
    """Take one place apart: who brings us to LOCATION, and what it allocates.

    LOCATION is a line (tasks.py:8; the end of a path, in whole components), a file, a function
    (place_order, Shop.order, tasks.py:order), or the number of a row in `leakhunt top` with the same
    options. Without SNAPSHOT, the newest one of the folder is meant.

    Two trees start at the place. The first goes outwards: each line is called from the one below
    it, down to where the recorded stacks begin. The second goes inwards: what the place
    calls, down to the lines that allocate. Each figure counts everything that passes through that
    frame; both trees' first line is the sum of all stacks that lead to the place.

    \b
    Examples:
      leakhunt show 1                        # the first row of leakhunt top
      leakhunt show after.bin tasks.py:8
      leakhunt show after.bin place_order --json
    """
    together.needs("--filter", "--innermost")
    if snapshot is None or (location is None and _holds_snapshots(Path(snapshot))):
        raise click.UsageError(
            f"say which place{f' of {snapshot}' if snapshot else ''} to show: a line (tasks.py:8), "
            "a file, a function, or the number of a row of `leakhunt top`"
        )
    where = snapshot if location is None else location
    file = None if location is None else snapshot
    problems: list[str] = []
    path, choice = reading.one(file, folder, problems)
    query = Query("lineno", filters, excludes, innermost, show_all, blame, limit, sort)
    (loaded,) = reading.snapshots([path], detail=True)
    report = taking_apart.show(loaded, where, query)
    lines = None
    if len(report.places) == 1:
        lines = source.around(report.places[0][0], loaded.spots, loaded.meta.taken_at)
    why = choices.chosen(choice) if choice else None
    show(place(report, loaded, lines, why), "json" if as_json else "table", verbose)


def _holds_snapshots(path: Path) -> bool:
    """Whether the only argument is meant as a snapshot: tasks.py beside us is a place."""
    return path.is_dir() or (path.suffix == SUFFIX and path.exists())
