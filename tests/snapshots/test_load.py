"""Folders become series; one bad file among many is told and left out."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.model.snapshot import Facts, Frame
from leakhunt.report.words import choices
from leakhunt.snapfile import LONG
from leakhunt.snapfile.read import read_facts
from leakhunt.snapfile.write import write
from leakhunt.snapshots import facts, load
from tests.support.builders import FACTS

MIB = 1 << 20


def put(folder: Path, number: int, **facts: Any) -> Path:
    """A snapshot of process ``pid`` with ``number`` KiB, taken in minute ``number``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:06d}-x-signal.bin"
    known = {**FACTS, "sequence": number, "taken_at": 1_800_000_000.0 + 60 * number, **facts}
    write(path, [((0, 1024, (("/srv/shop/a.py", 1),), 1), number)], 1, known)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two processes with three snapshots each, one with a single one, and strangers."""
    for number in (1, 2, 3):
        put(tmp_path / "a-10", number, pid=10, rss=100 * MIB + number * MIB)
        put(tmp_path / "b-20", number, pid=20, rss=100 * MIB + 3 * number * MIB)
    put(tmp_path / "c-30", 9, pid=30, rss=500 * MIB)
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "web1-10.bin").write_text("{}")
    (tmp_path / "a-10" / ".000004-x-signal.tmp").write_bytes(b"\x80")
    (tmp_path / "a-10" / ".000004-x-signal.bin").write_bytes(b"\x80")
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


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


def test_the_newest_and_the_most_grown(home: Path) -> None:
    chosen = load.newest(home)
    assert [path.parent.name for path in chosen.paths] == ["c-30"]
    assert "7 snapshots" in choices.chosen(chosen)
    chosen = load.most_grown(home)
    assert [(p.parent.name, p.name[:6]) for p in chosen.paths] == [
        ("b-20", "000001"),
        ("b-20", "000003"),
    ]
    assert "grew most: +6.0 MiB RSS" in choices.chosen(chosen)
    assert chosen.problems == ()


def test_a_process_that_does_tasks_is_chosen_before_one_that_does_none(tmp_path: Path) -> None:
    """The main process of a pool grows by Celery's own report of each thread, on the same signal."""
    for number in (1, 2, 3):
        put(tmp_path / "main", number, pid=1, rss=9 * number * MIB, tasks_done=0)
        put(tmp_path / "child", number, pid=2, rss=number * MIB, tasks_done=100 * number)
    for chosen in (load.most_grown(tmp_path), load.most_telling(load.series(tmp_path))):
        assert {path.parent.name for path in chosen.paths} == {"child"}


def test_growth_without_rss_is_traced_growth(tmp_path: Path) -> None:
    for number in (1, 2):
        put(tmp_path / "a", number, pid=1, rss=None, traced=number * MIB)
        put(tmp_path / "b", number, pid=2, rss=None, traced=MIB)
    chosen = load.most_grown(tmp_path)
    assert "+1.0 MiB traced" in choices.chosen(chosen)


def test_a_bad_file_among_many_is_told(home: Path) -> None:
    bad = home / "b-20" / "000002-x-signal.bin"
    bad.write_bytes(b"\x80\x04 no snapshot")
    problems: list[str] = []
    assert [len(line.entries) for line in load.series(home, problems)] == [3, 2, 1]
    assert len(problems) == 1
    assert problems[0].startswith(f"{bad}: ")
    chosen = load.most_grown(home)
    assert chosen.problems == tuple(problems)
    assert "1 not read" in choices.chosen(chosen)
    told: list[str] = []
    paths = load.expand([str(home / "b-20")], told)
    assert len(paths) == 2
    assert told == problems


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


def test_words_become_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert len(load.expand(["a-10", "c-30"])) == 4
    assert [path.name[:6] for path in load.expand(["b-20/00000[13]*.bin"])] == ["000001", "000003"]
    assert load.expand(["missing.bin"]) == [Path("missing.bin")]
    (home / "a[1].bin").write_bytes(b"")
    assert load.expand(["a[1].bin"]) == [Path("a[1].bin")]  # a name before a pattern
    os.mkdir("empty")
    with pytest.raises(SnapshotError, match="no file matches"):
        load.expand(["*.dump"])
    with pytest.raises(SnapshotError, match="no snapshots in this folder"):
        load.expand(["empty"])


@pytest.mark.parametrize("choose", [load.newest, load.most_grown])
def test_nothing_to_choose_from(choose: Any, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="there are no snapshots here"):
        choose(tmp_path)
    put(tmp_path / "a", 1)
    if choose is load.most_grown:
        with pytest.raises(SnapshotError, match="a diff needs two"):
            choose(tmp_path)


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


def test_of_processes_that_had_one_pid_the_one_that_runs_is_meant_else_the_newest(
    tmp_path: Path,
) -> None:
    for name, number in (("a", 1), ("b", 5), ("c", 9)):
        put(tmp_path / name, number, pid=7, started_at=1_800_000_000.0 + number)

    def meant(runs: load.Runs = load.nobody_looked) -> list[str]:
        return [path.parent.name for path in load.expand(["7"], None, tmp_path, runs)]

    assert meant() == ["c"]
    assert meant(lambda meta: meta.sequence == 5) == ["b"]


def test_the_process_to_judge_has_snapshots_enough_runs_and_grew_most(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        put(tmp_path / "least", number, pid=1, rss=100 * MIB + number * MIB)
        put(tmp_path / "most", number, pid=2, rss=100 * MIB + 5 * number * MIB)
        put(tmp_path / "ended", number, pid=3, rss=100 * MIB + 9 * number * MIB)
    for number in (1, 2):
        put(tmp_path / "short", number, pid=4, rss=100 * MIB + 50 * number * MIB)

    def chosen(*names: str) -> str:
        lines = load.series(tmp_path, runs=lambda meta: meta.pid != 3)
        choice = load.most_telling([line for line in lines if line.folder.name in names])
        assert choice.line is not None
        return choice.line.folder.name

    assert chosen("least", "most", "ended", "short") == "most"
    assert chosen("least", "short") == "least"
    assert chosen("short") == "short"
    assert chosen("ended") == "ended"


def test_so_many_before_the_newest_of_a_process(home: Path) -> None:
    def back(word: str) -> str:
        (path,) = load.expand([word], home=home)
        return f"{path.parent.name} {int(path.name[:6])}"

    assert [back(word) for word in ("20~0", "20~1", "b-20~2", "a-10~2")] == [
        "b-20 3", "b-20 2", "b-20 1", "a-10 1",
    ]  # fmt: skip
    assert back("before~0") == "c-30 9"
    with pytest.raises(SnapshotError, match=r"20~3: there are 3 snapshots only"):
        back("20~3")
    with pytest.raises(SnapshotError, match=r"before~1: there is 1 snapshot only"):
        back("before~1")
