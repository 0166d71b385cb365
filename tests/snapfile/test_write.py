"""Writing: whole or not at all, private, and what the standard library reads."""

from __future__ import annotations

import os
import posix
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leakhunt.snapfile import write
from leakhunt.snapfile.write import Run

FRAMES = (("/srv/a.py", 1), ("/srv/b.py", 2))
RUNS: list[Run] = [((0, 100, FRAMES, 2), 3), ((7, 8, FRAMES[:1], 1), 1)]


def test_the_standard_library_reads_every_trace(tmp_path: Path) -> None:
    path = tmp_path / "1.bin"
    size = write.write(path, RUNS, 5, {"schema": 1, "pid": 7})
    assert size == path.stat().st_size
    loaded = tracemalloc.Snapshot.load(str(path))
    assert loaded.traceback_limit == 5
    assert sorted((trace.domain, trace.size) for trace in loaded.traces) == [(0, 100)] * 3 + [
        (7, 8)
    ]
    assert loaded.leakhunt == {"schema": 1, "pid": 7}  # type: ignore[attr-defined]


def test_a_file_is_its_owners_alone_and_has_no_other_name(tmp_path: Path) -> None:
    path = tmp_path / "1.bin"
    write.write(path, RUNS, 5, {"schema": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["1.bin"]


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def torn() -> Iterator[Run]:
        yield RUNS[0]
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write.write(tmp_path / "1.bin", torn(), 5, {"schema": 1})
    assert os.listdir(tmp_path) == []


def test_nobody_is_led_astray_by_a_link_under_the_temporary_name(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    write.temporary(tmp_path / "1.bin").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write.write(tmp_path / "1.bin", RUNS, 5, {"schema": 1})
    assert victim.read_text() == "precious"


def test_a_temporary_name_is_hidden_and_no_snapshots() -> None:
    name = write.temporary(Path("/snaps/000001-x.bin")).name
    assert name.startswith(".")
    assert not name.endswith(".bin")


def test_a_file_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves an empty one under a name that promises a whole snapshot."""
    order: list[str] = []

    def noted(name: str) -> None:
        function = getattr(posix, name)

        def call(*args: Any) -> None:
            order.append(name)
            function(*args)

        monkeypatch.setattr(posix, name, call)

    noted("fsync")
    noted("rename")
    write.write(tmp_path / "a.bin", RUNS, 1, {})
    assert order == ["fsync", "rename"]
