"""Folders become series; one bad file among many is told and left out."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.model.snapshot import Facts, Frame
from leakhunt.snapfile import LONG
from leakhunt.snapfile.read import read_facts
from leakhunt.snapfile.write import write
from leakhunt.snapshots import facts, load
from tests.support.folders import MIB, put


def test_series_are_processes_in_the_order_of_their_newest(home: Path) -> None:
    problems: list[str] = []
    lines = load.series(home, problems)
    assert problems == []
    assert [(line.folder.name, len(line.entries)) for line in lines] == [
        ("a-10", 3),
        ("b-20", 3),
        ("c-30", 1),
    ]
    assert [entry.meta.sequence for entry in lines[0].entries] == [1, 2, 3]
    assert lines[1].growth == 6 * MIB
    assert load.series(home / "b-20")[0].folder.name == "b-20"


def test_a_series_keeps_of_its_files_what_they_tell_of_the_process(tmp_path: Path) -> None:
    """Of a thousand snapshots the rest was 300 MB, whatever was asked of them."""
    told: dict[str, Any] = {name: [((("/srv/shop/a.py", 1),), 1, 2.0)] for name in LONG}
    path = put(tmp_path, 1, **told, interval=4096, rss=MIB)
    tracemalloc.Snapshot.load(str(path)).dump(str(path))  # without a trailer
    assert set(load.load(path).meta.facts) >= LONG
    (line,) = load.series(tmp_path)
    kept = line.newest.meta
    assert not LONG & set(kept.facts)
    assert (kept.rss, kept.facts["interval"], kept.sequence) == (MIB, 4096, 1)


def test_two_processes_in_one_folder_are_two_series(tmp_path: Path) -> None:
    put(tmp_path, 1, pid=1)
    put(tmp_path, 2, pid=2)
    put(tmp_path, 3, pid=1, started_at=5.0)
    assert [len(line.entries) for line in load.series(tmp_path)] == [1, 1, 1]


def test_a_bad_file_among_many_is_told(home: Path) -> None:
    bad = home / "b-20" / "000002-x-signal.bin"
    bad.write_bytes(b"\x80\x04 no snapshot")
    problems: list[str] = []
    assert [len(line.entries) for line in load.series(home, problems)] == [3, 2, 1]
    assert len(problems) == 1
    assert problems[0].startswith(f"{bad}: ")


def test_of_files_that_leakhunt_did_not_write_so_many_are_read_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process is made for each: of a stranger's folder with 10^5 of them ls would never end."""
    (line, *_) = load.series(home)
    for number in range(6):
        (line.folder / f"000000-{number}.bin").write_bytes(b"\x80\x04.")
    looked: list[Path] = []

    def noted(path: Path) -> Any:
        looked.append(path)
        return read_facts(path)

    monkeypatch.setattr("leakhunt.snapshots.load.read_facts", noted)
    monkeypatch.setattr(load, "MOST_WITHOUT", 4)
    problems: list[str] = []
    lines = load.series(home, problems)
    assert len(looked) == 4
    assert len(problems) == 6
    assert problems[-1].endswith("more than 4 files here that leakhunt did not write")
    assert sum(len(each.entries) for each in lines if each.folder == line.folder) == len(
        line.entries
    )


def test_load_all_is_strict_or_tells(home: Path) -> None:
    good = [home / "a-10" / f"{number:06d}-x-signal.bin" for number in (1, 2, 3)]
    bad = home / "bad.bin"
    bad.write_bytes(b"nonsense")
    files = [good[0], bad, good[1], home / "missing.bin", good[2]]
    with pytest.raises(SnapshotError, match=r"bad\.bin"):
        load.load_all(files)
    problems: list[str] = []
    found = load.load_all(files, problems)
    assert [snapshot.totals.count for snapshot in found] == [1, 2, 3]
    assert [problem.split(": ")[0] for problem in problems] == [str(bad), str(home / "missing.bin")]
    with pytest.raises(SnapshotError, match=r"bad\.bin.*and 1 more"):
        load.load_all([bad, home / "missing.bin"], [])


def test_more_files_than_readers_keep_their_order(tmp_path: Path) -> None:
    paths = [put(tmp_path, number) for number in range(1, 20)]
    found = load.load_all(paths[::-1])
    assert [snapshot.totals.count for snapshot in found] == list(range(19, 0, -1))


def test_facts_of_the_wrong_kind_are_unknown() -> None:
    known = facts.meta(
        {
            "pid": "42",
            "rss": float("inf"),
            "uss": float("nan"),
            "traced": -5,
            "tasks_done": True,
            "started_at": float("-inf"),
            "taken_at": 10**400,
            "host": 7,
            "baseline": "yes",
            "tracer": 12.0,
        }
    )
    assert known.tracer == 12
    for name in (
        "pid",
        "rss",
        "uss",
        "traced",
        "tasks_done",
        "started_at",
        "taken_at",
        "host",
        "baseline",
    ):
        assert getattr(known, name) is None


def test_what_the_file_says_of_its_frames(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        1,
        frames={
            "/srv/shop/a.py": {1: ("f", "x = 1"), 2: (None, None), "three": ("g", ""), 4: "no"},
            "/b.py": "nonsense",
        },
    )
    assert load.load(path).spots == {
        ("/srv/shop/a.py", 1): ("f", "x = 1"),
        ("/srv/shop/a.py", 2): (None, None),
    }


def test_blocks_on_demand(tmp_path: Path) -> None:
    path = put(tmp_path, 3)
    assert load.load(path).facts == {}
    assert load.load(path, detail=True).told((Frame("/srv/shop/a.py", 1),)).blocks == (
        (0, 1024, 3),
    )


def test_standard_errors_and_samples_come_with_the_stacks(tmp_path: Path) -> None:
    one, two = (("a.py", 1), ("main.py", 9)), (("b.py", 2),)
    facts = {
        "schema": 1,
        "engine": "sampled",
        "estimates": [
            (one, 4, 30.0),
            (one, 1, 40.0),  # the same stack twice: variances add up
            (two, 2, float("nan")),
            (two, -1, 5.0),
            (two, "x", 5.0),
            (two,),
            ((("nowhere.py", 1),), 1, 1.0),
            (7, 1, 1.0),
            "no estimate",
        ],
    }
    write(tmp_path / "x.bin", [((0, 8, one, 2), 10), ((0, 8, two, 1), 3)], 25, facts)
    snapshot = load.load(tmp_path / "x.bin")
    stack = (Frame("main.py", 9), Frame("a.py", 1))
    assert dict(snapshot.facts) == {stack: Facts(50.0, 5)}
    assert "estimates" not in load.series(tmp_path)[0].first.meta.facts  # not in the trailer


def test_what_is_no_snapshot_takes_so_long_at_most(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child is made for each that begins as a pickle: 60,000 of them took minutes."""
    for number in range(6):
        (home / f"{number}.bin").write_bytes(b"\x80\x04N.")
    monkeypatch.setattr(load, "LONGEST", 0.0)
    problems: list[str] = []
    assert len(load.series(home, problems)) == 3, "those that leakhunt wrote are found behind them"
    assert "is a pickle of something else" in problems[0]
    assert [" went by for files here that are no snapshots" in each for each in problems] == [
        False,
        *[True] * 5,
    ]
