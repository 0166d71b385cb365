"""What a user calls snapshots: paths, patterns, folders, processes and nodes, and how far back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.snapshots.load import Runs, nobody_looked
from leakhunt.snapshots.named import expand
from tests.support.folders import put


def test_words_become_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert len(expand(["a-10", "c-30"])) == 4
    assert [path.name[:6] for path in expand(["b-20/00000[13]*.bin"])] == ["000001", "000003"]
    assert expand(["missing.bin"]) == [Path("missing.bin")]
    (home / "a[1].bin").write_bytes(b"")
    assert expand(["a[1].bin"]) == [Path("a[1].bin")]  # a name before a pattern
    os.mkdir("empty")
    with pytest.raises(SnapshotError, match="no file matches"):
        expand(["*.dump"])
    with pytest.raises(SnapshotError, match="no snapshots in this folder"):
        expand(["empty"])


def test_of_a_folder_what_cannot_be_read_is_told_and_left_out(home: Path) -> None:
    bad = home / "b-20" / "000002-x-signal.bin"
    bad.write_bytes(b"\x80\x04 no snapshot")
    told: list[str] = []
    assert len(expand([str(home / "b-20")], told)) == 2
    assert [each.partition(": ")[0] for each in told] == [str(bad)]


def test_of_processes_that_had_one_pid_the_one_that_runs_is_meant_else_the_newest(
    tmp_path: Path,
) -> None:
    for name, number in (("a", 1), ("b", 5), ("c", 9)):
        put(tmp_path / name, number, pid=7, started_at=1_800_000_000.0 + number)

    def meant(runs: Runs = nobody_looked) -> list[str]:
        return [path.parent.name for path in expand(["7"], None, tmp_path, runs)]

    assert meant() == ["c"]
    assert meant(lambda meta: meta.sequence == 5) == ["b"]


def test_so_many_before_the_newest_of_a_process(home: Path) -> None:
    def back(word: str) -> str:
        (path,) = expand([word], home=home)
        return f"{path.parent.name} {int(path.name[:6])}"

    assert [back(word) for word in ("20~0", "20~1", "b-20~2", "a-10~2")] == [
        "b-20 3", "b-20 2", "b-20 1", "a-10 1",
    ]  # fmt: skip
    assert back("before~0") == "c-30 9"
    with pytest.raises(SnapshotError, match=r"20~3: there are 3 snapshots only"):
        back("20~3")
    with pytest.raises(SnapshotError, match=r"before~1: there is 1 snapshot only"):
        back("before~1")


def test_of_a_folder_without_any_it_is_told_what_there_is_instead(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.bin").write_bytes(b"hello")
    with pytest.raises(SnapshotError) as raised:
        expand([str(tmp_path)])
    said = str(raised.value)
    assert "there are no snapshots in this folder; 3 not read: " in said
    assert "0.bin: is no snapshot" in said
