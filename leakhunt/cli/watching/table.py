"""Looks as rows of a CSV file."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from leakhunt.report.watch import WatchReport

COLUMNS = (
    "timestamp", "pid", "rss", "vms", "uss", "pss", "swap", "tasks", "node", "role", "started_at",
)  # fmt: skip


@contextmanager
def table(path: Path | None) -> Iterator[Callable[[WatchReport], None]]:
    """Appends each look to a CSV file, with its header if it is new."""
    if path is None:
        yield lambda seen: None
        return
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(COLUMNS)
        yield lambda seen: _write(writer, file, seen)


def _write(writer: Any, file: TextIO, seen: WatchReport) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen.machine.now))
    for line in seen.lines:
        process, memory = line.process, line.process.memory
        writer.writerow([
            now, process.pid, memory.rss, memory.vms, memory.uss, memory.pss, memory.swap,
            process.pulse.done if process.pulse else None,
            process.celery.node if process.celery else None, process.role, process.started_at,
        ])  # fmt: skip
    file.flush()
