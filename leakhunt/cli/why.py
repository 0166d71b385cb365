"""``leakhunt why``: what keeps the objects of a place."""

from __future__ import annotations

from pathlib import Path

import click

from leakhunt.cli import completion, reading
from leakhunt.cli.options import folder_option, show
from leakhunt.compare import place as taking_apart
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.why import why
from leakhunt.snapfile import SUFFIX


@click.command(name="why")
@click.argument(
    "snapshot", required=False, metavar="[SNAPSHOT]", shell_complete=completion.snapshots
)
@click.argument("location", required=False, metavar="LOCATION")
@click.option("-n", "--limit", type=click.IntRange(min=0), default=5, show_default=True,
              metavar="N", help="Ways in the table; 0 shows all.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@folder_option
def command(
    snapshot: str | None,
    location: str | None,
    limit: int,
    as_json: bool,
    folder: str | None,
) -> None:
    """Tell what keeps the objects alive that LOCATION has allocated.

    LOCATION is a line (tasks.py:8), a file, a function, or the number of a row of `leakhunt top`,
    without one the first. Without SNAPSHOT, the newest one of the folder is meant.

    Each way leads from a root (a module, a running call, a thread, a context) to the objects, by
    names of code only: what stands for a key or a position is called item. Earlier snapshots of the
    process tell how the container grew.

    \b
    Examples:
      leakhunt why                           # the first row of leakhunt top
      leakhunt why after.bin tasks.py:8
      leakhunt why after.bin place_order --json
    """
    if location is None and snapshot is not None and not _holds_snapshots(Path(snapshot)):
        snapshot, location = None, snapshot
    problems: list[str] = []
    path, _ = reading.one(snapshot, folder, problems)
    (loaded,) = reading.snapshots([path], detail=True)
    found = taking_apart.show(loaded, location or "1", Query(limit=0))
    show(why(found, loaded, _earlier(path, loaded), limit), "json" if as_json else "table")


def _earlier(path: Path, newest: Snapshot) -> list[Snapshot]:
    """The snapshots of the same process that stand before it in its folder, oldest first."""
    names = sorted(each for each in path.parent.glob(f"*{SUFFIX}") if each.name < path.name)
    if newest.meta.pid is None or not names:
        return []
    return [each for each in reading.snapshots(names) if each.meta.process == newest.meta.process]


def _holds_snapshots(path: Path) -> bool:
    return path.is_dir() or (path.suffix == SUFFIX and path.exists())
