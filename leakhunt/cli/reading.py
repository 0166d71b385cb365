"""Reads snapshots for a command, with a progress bar where it takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leakhunt import units
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapshots.load import load_all

#: Seconds that nobody needs a bar for.
PATIENCE = 0.6


def snapshots(paths: Sequence[Path], detail: bool = False) -> list[Snapshot]:
    """Read the files in order; ``detail`` fills their blocks. Raises SnapshotError."""
    with progress(paths):
        return load_all(paths, detail=detail)


@contextmanager
def progress(paths: Sequence[Path], quiet: bool = False) -> Iterator[None]:
    """A bar while these files are read, where that takes long and somebody looks."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    size = sum(path.stat().st_size for path in paths if path.is_file())
    number = "1 snapshot" if len(paths) == 1 else f"{len(paths)} snapshots"
    with waiting(f"reading {number}, {units.size(size)}"):
        yield


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A bar on stderr from PATIENCE on, which leaves nothing behind."""
    lock = threading.Lock()
    shown: list[Any] = []
    over = False

    def show() -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(pulse_style="cyan"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task(what, total=None)
        with lock:
            if not over:
                bar.start()
                shown.append(bar)

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            over = True
        for bar in shown:
            bar.stop()
