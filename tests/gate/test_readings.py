"""Looks are read once each, and say what they say when they are read together."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.gate import readings
from leakhunt.gate.readings import Readings
from leakhunt.judge.history import choose, history
from leakhunt.snapshots.columns import read
from leakhunt.snapshots.load import load
from leakhunt.snapshots.series import lines_of
from tests.support.console import store


def looks(folder: Path, number: int) -> list[Path]:
    return [
        store(folder / f"{at}.bin", 100 + 7 * at, tasks_done=50 * at, sequence=at, taken_at=1_800_000_000.0 + at)
        for at in range(1, number + 1)
    ]  # fmt: skip


def test_they_say_what_they_say_together(tmp_path: Path) -> None:
    several = Readings()
    for path in looks(tmp_path, 6):
        several.paths.append(path)
        if len(several) >= 3:
            choice = choose(lines_of(several.paths, [])[0])
            columns = read([entry.path for entry in choice.entries], [])
            assert columns is not None
            mine, whole = several.history(), history(choice, columns)
            assert mine.tracks == whole.tracks
            assert mine.last_blocks == whole.last_blocks
            assert mine.first_blocks == whole.first_blocks
            assert mine.times == whole.times


def test_each_is_read_once_and_the_newest_with_its_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_whole: list[tuple[str, bool]] = []

    def counted(path: Path, detail: bool) -> object:
        read_whole.append((path.name, detail))
        return load(path, detail)

    monkeypatch.setattr(readings, "load", counted)
    several = Readings()
    several.paths += looks(tmp_path, 4)
    for _ in range(2):
        several.history()
    assert read_whole == [("1.bin", True), ("2.bin", False), ("3.bin", False), ("4.bin", True)]


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    several = Readings()
    several.paths += [*looks(tmp_path, 3), tmp_path / "4.bin"]
    with pytest.raises(SnapshotError, match=r"4\.bin"):
        several.history()
