"""Asks hooked processes for something and waits: what ``dump`` and ``arm`` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from leakhunt.errors import LeakhuntError, NotHookedError
from leakhunt.live import processes
from leakhunt.live.processes import Hooked
from leakhunt.snapfile import folders


def targets(pids: tuple[int, ...], folder: str | None) -> list[Hooked]:
    """The processes meant, main processes before their children; all of them without pids.

    Raises NotHookedError.
    """
    home = folders.state_dir(folder)
    known = processes.hooked(home)
    if folder is not None:
        known = [p for p in known if Path(str(p.record.get("series"))).parent == home]
    if pids:
        chosen = {processes.one(home, pid).pid for pid in pids}
        mains = {process.record["pid"] for process in known if process.pid in chosen}
        known = [
            process
            for process in known
            if process.pid in chosen or process.record.get("main") in mains
        ]
    if not known:
        raise NotHookedError(
            "no hooked process on this host (that this user may see); start a worker with "
            "`celery -A proj worker -I leakhunt.worker`"
        )
    return sorted(known, key=lambda process: (process.record.get("main") or 0, process.pid))


def answers(asked: Sequence[Hooked], request: str, timeout: float) -> Iterator[tuple[Hooked, Any]]:
    """Ask every process, then wait: each with its record, or with the error that came instead."""
    waiting = []
    for process in asked:
        try:
            processes.ask(process, request)
            waiting.append(process)
        except (OSError, LeakhuntError) as error:
            yield process, error
    yield from processes.wait(waiting, timeout)


def complain(process: Hooked, error: Exception) -> None:
    text = str(error)
    prefix = "" if process.name in text else f"{process.name}: "
    click.echo(f"leakhunt: {prefix}{text}", err=True)
