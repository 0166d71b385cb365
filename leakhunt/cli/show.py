"""``leakhunt show``: everything about one place in a snapshot."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from leakhunt.cli import completion
from leakhunt.cli.options import (
    all_option,
    exclude_option,
    folder_option,
    innermost_option,
    screen,
    show,
)
from leakhunt.cli.reading import snapshots
from leakhunt.compare import place as showing
from leakhunt.errors import SnapshotError
from leakhunt.model.query import BLAMES, SORTS, Query
from leakhunt.snapfile import SUFFIX, folders
from leakhunt.snapshots import source
from leakhunt.snapshots.load import expand, newest


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
    why = None
    if snapshot is None or (location is None and _holds_snapshots(Path(snapshot))):
        raise click.UsageError(
            f"say which place{f' of {snapshot}' if snapshot else ''} to show: a line (tasks.py:8), "
            "a file, a function, or the number of a row of `leakhunt top`"
        )
    if location is None:
        location = snapshot
        chosen = newest(folders.state_dir(folder))
        path, why = chosen.paths[0], chosen.why
    else:
        paths = expand([snapshot])
        if len(paths) != 1:
            raise SnapshotError(f"{snapshot}: holds {len(paths)} snapshots, and show takes one")
        path = paths[0]
    query = Query("lineno", filters, excludes, innermost, show_all, blame, limit, sort)
    (loaded,) = snapshots([path], detail=True)
    found = showing.show(loaded, location, query)
    lines = None
    if len(found.places) == 1:
        lines = source.around(found.places[0][0], loaded.spots, loaded.meta.taken_at)
    if as_json:
        from leakhunt.render.json import place as treejson

        show(treejson.show(found, loaded, lines))
    else:
        from leakhunt.render.terminal import place as treetext

        width, color = screen()
        show(treetext.show(found, loaded, lines, why, width, color, _draws_lines()))


def _holds_snapshots(path: Path) -> bool:
    """Whether the only argument is meant as a snapshot: tasks.py beside us is a place."""
    return path.is_dir() or (path.suffix == SUFFIX and path.exists())


def _draws_lines() -> bool:
    """Whether standard output can carry the lines that a tree is drawn with."""
    try:
        "├└│…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
