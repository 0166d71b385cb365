"""Snapshots on disk, of one minute each, as folders of processes hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leakhunt.snapfile.write import write
from tests.support.builders import FACTS

MIB = 1 << 20


def put(folder: Path, number: int, **facts: Any) -> Path:
    """A snapshot of process ``pid`` with ``number`` KiB, taken in minute ``number``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:06d}-x-signal.bin"
    known = {**FACTS, "sequence": number, "taken_at": 1_800_000_000.0 + 60 * number, **facts}
    write(path, [((0, 1024, (("/srv/shop/a.py", 1),), 1), number)], 1, known)
    return path


def filled(home: Path) -> Path:
    """Two processes with three snapshots each, one with a single one, and strangers."""
    for number in (1, 2, 3):
        put(home / "a-10", number, pid=10, rss=100 * MIB + number * MIB)
        put(home / "b-20", number, pid=20, rss=100 * MIB + 3 * number * MIB)
    put(home / "c-30", 9, pid=30, rss=500 * MIB)
    (home / "processes").mkdir()
    (home / "processes" / "web1-10.bin").write_text("{}")
    (home / "a-10" / ".000004-x-signal.tmp").write_bytes(b"\x80")
    (home / "a-10" / ".000004-x-signal.bin").write_bytes(b"\x80")
    (home / "notes.txt").write_text("hello")
    return home
