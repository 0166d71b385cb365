"""``leakhunt ls``: the series of snapshots, and which worker grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from leakhunt import places, report
from leakhunt.cli.options import folder_option, screen, show
from leakhunt.hook.config import signal_name
from leakhunt.load import Series, series
from leakhunt.report import Waiting


@click.command(name="ls")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: str | None, as_json: bool) -> None:
    """List the series in the folder, newest last: pid, tasks, RSS and traced memory.

    Two figures in a column are the first and the newest snapshot's. Hooked
    processes that have no snapshot yet are listed below.

    \b
    Examples:
      leakhunt ls
      leakhunt ls --dir /var/lib/leakhunt --json
    """
    home = places.state_dir(folder)
    problems: list[str] = []
    lines = series(home, problems) if home.exists() else []
    found = report.listing(
        str(home),
        tuple(lines),
        tuple(_waiting(home, lines)),
        tuple(f"not read: {problem}" for problem in problems),
    )
    if as_json:
        from leakhunt.render import jsonout

        show(jsonout.listing(found))
    else:
        from leakhunt.render import table

        show(table.listing(found, *screen()))


def _waiting(home: Path, lines: list[Series]) -> list[Waiting]:
    from leakhunt.live import processes

    known = {(line.newest.meta.pid, line.newest.meta.started_at) for line in lines}
    found = []
    for process in processes.hooked(home):
        record: dict[str, Any] = process.record
        writes_here = Path(str(record.get("series"))).parent == home
        if writes_here and (record["pid"], record.get("started_at")) not in known:
            found.append(
                Waiting(
                    process.pid,
                    record.get("node"),
                    record.get("role"),
                    record.get("armed_at"),
                    signal_name(record["signal"]),
                )
            )
    return found
