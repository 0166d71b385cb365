"""``leakhunt ls``: the series of snapshots, and which worker grows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leakhunt.cli import reading, together
from leakhunt.cli.options import Duration, folder_option, show
from leakhunt.errors import SettingError
from leakhunt.hook.signal_names import signal_name
from leakhunt.model.paths import visible
from leakhunt.report.listing import Process, Waiting, listing
from leakhunt.report.words import notes
from leakhunt.snapfile import folders
from leakhunt.snapshots.load import series
from leakhunt.snapshots.series import Series

if TYPE_CHECKING:
    from leakhunt.live.processes import Hooked


@click.command(name="ls")
@folder_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--prune", "pruning", is_flag=True, help="Remove old snapshots: shows which, and asks."
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N",
              help="With --prune: of each series the first quarter of N and the newest stay; 0: all.")  # fmt: skip
@click.option("--older-than", type=Duration(), metavar="TIME",
              help="With --prune: younger ones stay (7d, 12h, 30min).")  # fmt: skip
@click.option(
    "-n", "--dry-run", is_flag=True, help="With --prune: show what would go, and no more."
)
@click.option("-y", "--yes", is_flag=True, help="With --prune: remove without asking.")
def command(
    folder: str | None,
    as_json: bool,
    pruning: bool,
    keep: int | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """List the series in the folder, newest last: pid, tasks, RSS and traced memory.

    Two figures in a column are the first and the newest snapshot's. Hooked
    processes that have no snapshot yet are listed below.

    --prune removes snapshots that neither --keep nor --older-than lets stay, what is left of
    interrupted captures, and empty folders of processes that have ended. It shows what
    would go and asks; where nobody can be asked it removes nothing without --yes. Only
    snapshots that leakhunt wrote, in folders of its own, are ever removed. Of a process that
    still runs, its first snapshot, its baselines and its newest one stay. A process of another
    host counts as running while its newest snapshot is younger than a day.

    \b
    Examples:
      leakhunt ls
      leakhunt ls --dir /var/lib/leakhunt --json
      leakhunt ls --prune --keep 8 --dry-run
      leakhunt ls --prune --older-than 7d --yes       # for cron
    """
    together.needs("--prune", "--keep", "--older-than", "--dry-run", "--yes")
    home = folders.state_dir(folder)
    if pruning:
        from leakhunt.cli.pruning import prune

        prune(home, keep, older_than, dry_run, yes, as_json)
        return
    if not home.exists() and (folder or os.environ.get("LEAKHUNT_DIR")):
        raise SettingError(f"{visible(str(home))}: there is no such folder")
    problems: list[str] = []
    lines = series(home, problems, reading.runs) if home.exists() else []
    from leakhunt.live import processes

    hooked = processes.hooked(home)
    waiting = tuple(_waiting(home, lines, hooked))
    page = listing(str(home), tuple(lines), waiting, notes.unread(problems), _engines(hooked))
    show(page, "json" if as_json else "table")


def _engines(hooked: Sequence[Hooked]) -> dict[Process, str]:
    """Who tracks in each process by now: another engine than at its newest snapshot, perhaps."""
    records = [process.record for process in hooked]
    return {
        (record["pid"], record.get("started_at")): record["engine"]
        for record in records
        if record.get("engine") and record.get("armed_at")
    }


def _waiting(home: Path, lines: list[Series], hooked: Sequence[Hooked]) -> list[Waiting]:
    written = {(line.newest.meta.pid, line.newest.meta.started_at) for line in lines}
    waiting = []
    for process in hooked:
        record: dict[str, Any] = process.record
        writes_here = Path(record["series"]).parent == home
        if writes_here and (record["pid"], record.get("started_at")) not in written:
            waiting.append(
                Waiting(
                    process.pid,
                    record.get("node"),
                    record.get("role"),
                    record.get("armed_at"),
                    signal_name(record["signal"]),
                    process.silence,
                )
            )
    return waiting
