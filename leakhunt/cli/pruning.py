"""``leakhunt ls --prune``: what would go, the question, and the removal."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from leakhunt import units
from leakhunt.cli.options import show
from leakhunt.errors import SettingError
from leakhunt.report.pruned import PruneReport
from leakhunt.snapshots.prune import Liveness, Plan, carry_out, plan
from leakhunt.snapshots.series import Series

#: A process of another host cannot be looked at: it counts as alive while it writes.
ELSEWHERE = 86400.0


def prune(
    home: Path,
    keep: int | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Tell what would go; remove it where the user agrees."""
    if keep == 1:
        raise SettingError("--keep 1: one snapshot cannot be compared; use 2 or more")
    problems: list[str] = []
    now = time.time()
    chosen = plan(home, keep, older_than, now, _liveness(home, now), problems)
    notes = [f"not read, so it stays: {problem}" for problem in problems]
    if keep is None and older_than is None:
        notes.append("add --keep N or --older-than 7d to remove snapshots")
    report = PruneReport(chosen, tuple(notes))
    if not as_json:
        show(report, "table")
        sys.stdout.flush()
    agreed = not chosen.is_empty and not dry_run and (yes or (not as_json and _asked(chosen)))
    freed, failures = carry_out(chosen) if agreed else (0, [])
    if as_json:
        show(PruneReport(chosen, (*notes, *failures), agreed, freed), "json")
    elif agreed:
        click.echo(f"freed {units.size(freed)}", err=True)
    for failure in failures:
        click.echo(f"leakhunt: not removed: {failure}", err=True)
    if failures:
        click.get_current_context().exit(2)


def _asked(chosen: Plan) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        click.echo("leakhunt: nothing was removed; add --yes to do it", err=True)
        return False
    if click.confirm(f"Remove them and free {units.size(chosen.size)}?", err=True):
        return True
    click.echo("nothing was removed", err=True)
    return False


def _liveness(home: Path, now: float) -> Liveness:
    from leakhunt.hook.process import alive
    from leakhunt.live import processes

    hooked = {process.record["series"] for process in processes.hooked(home)}

    def process(line: Series) -> bool:
        meta = line.newest.meta
        if str(line.folder) in hooked or str(line.folder.resolve()) in hooked:
            return True
        living = processes.runs(meta)
        if living is None:  # it counts its pids elsewhere, or does not say enough
            return meta.taken_at is not None and meta.taken_at > now - ELSEWHERE
        return living

    def folder(path: Path, pid: int) -> bool:
        return str(path) in hooked or str(path.resolve()) in hooked or alive.runs(pid)

    return Liveness(process, folder)
