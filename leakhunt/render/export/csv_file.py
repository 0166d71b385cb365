"""CSV: one line per snapshot and stack, bytes as numbers, nothing rounded, for any spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO

from leakhunt.model.snapshot import Snapshot
from leakhunt.render.cells import cell
from leakhunt.render.export.names import frames
from leakhunt.render.export.records import Record, records


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """The columns of :class:`Record`, then the frames, most recent call last."""
    # Not TextIOWrapper alone: it would close what is not ours.
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=False)
    try:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow([*Record._fields, "stack"])
        for snapshot in snapshots:
            for stack, record in records(snapshot):
                shown = " > ".join(f"{frame.file}:{frame.line}" for frame in frames(stack))
                lines.writerow([cell(value, longest=0) for value in (*record, shown)])
        text.flush()
    finally:
        text.detach()
