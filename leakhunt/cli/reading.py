"""Reads snapshots for a command, with a progress bar where it takes long."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from leakhunt import units
from leakhunt.load import load_all
from leakhunt.model import Snapshot

#: Files smaller than this together are read in well under a second.
QUICK = 16 << 20


def snapshots(paths: Sequence[Path], detail: bool = False) -> list[Snapshot]:
    """Read the files in order; ``detail`` fills their blocks. Raises SnapshotError."""
    size = sum(path.stat().st_size for path in paths if path.is_file())
    if size < QUICK or not sys.stderr.isatty():
        return load_all(paths, detail=detail)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    plural = "s" if len(paths) > 1 else ""
    with Progress(
        TextColumn(f"reading {len(paths)} snapshot{plural}, {units.size(size)}"),
        BarColumn(pulse_style="cyan"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        bar.add_task("read", total=None)
        return load_all(paths, detail=detail)
