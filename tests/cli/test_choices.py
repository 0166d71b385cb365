"""Which process a command takes without arguments, and what it accepts for one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import grown, run, store

HERE = os.uname().nodename
#: A pid that no process has.
GONE = 2**22 - 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Process 1 grew most, 2 less, 3 least; 4 most of all, in two snapshots only."""
    for pid, number, step in ((1, 4, 4), (2, 4, 2), (3, 4, 1), (4, 2, 90)):
        folder = tmp_path / f"celery@web{pid}-{pid}-20270115T080000Z"
        folder.mkdir()
        for index in range(1, number + 1):
            store(folder / f"{index:06d}-x-signal.bin", 1000 * index, pid=pid, sequence=index,
                  node=f"celery@web{pid}", tasks_done=100 * index, rss=(100 << 20) + (step * index << 20),
                  taken_at=1_800_000_000.0 + 10 * index)  # fmt: skip
    return tmp_path


def pids(*arguments: str, **environment: str) -> Any:
    done = run(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    key = "series" if "series" in found else "after" if "after" in found else "snapshot"
    return (found[key][0] if key == "series" else found[key])["pid"]


def test_trend_takes_the_process_that_grew_most_of_those_with_enough(home: Path) -> None:
    assert pids("trend", LEAKHUNT_DIR=str(home)) == 1


def test_what_runs_comes_before_what_has_ended(home: Path) -> None:
    folder = home / "mine"
    folder.mkdir()
    from leakhunt.hook.process.alive import began_at

    mine: dict[str, Any] = {"pid": os.getpid(), "host": HERE, "started_at": began_at(os.getpid())}
    grown(folder, 4, **mine, rss=120 << 20)
    assert pids("trend", LEAKHUNT_DIR=str(home)) == os.getpid()
    assert pids("diff", LEAKHUNT_DIR=str(home)) == os.getpid()
    assert pids("top", LEAKHUNT_DIR=str(home)) == os.getpid()


def test_of_one_that_has_ended_it_is_said_and_when(tmp_path: Path) -> None:
    grown(tmp_path, 4, pid=GONE, host=HERE)
    for command in ("trend", "diff", "top"):
        said = " ".join(run(command, LEAKHUNT_DIR=str(tmp_path)).stdout.split())
        assert "this process has ended, after 2027-01-15 08:00:40Z" in said, command
    listed = run("ls", LEAKHUNT_DIR=str(tmp_path)).stdout
    assert "ended" in listed


@pytest.mark.parametrize(
    ("word", "pid"),
    [("2", 2), ("celery@web3", 3), ("celery@web3-3-20270115T080000Z", 3), ("celery@web2-*", 2)],
)
def test_what_ls_prints_is_accepted(home: Path, word: str, pid: int) -> None:
    for command in ("trend", "diff", "top"):
        assert pids(command, word, LEAKHUNT_DIR=str(home)) == pid


def test_so_many_before_the_newest(home: Path) -> None:
    done = run("top", "2~1", "--json", LEAKHUNT_DIR=str(home))
    assert json.loads(done.stdout)["snapshot"]["sequence"] == 3
    newest = run("top", "before~0", "--json", LEAKHUNT_DIR=str(home))
    assert json.loads(newest.stdout)["snapshot"]["sequence"] == 4
    found = json.loads(run("diff", "3~2", "3", "--json", LEAKHUNT_DIR=str(home)).stdout)
    assert (found["before"]["sequence"], found["after"]["sequence"]) == (2, 4)
    far = run("top", "2~9", LEAKHUNT_DIR=str(home))
    assert (far.returncode, "4 snapshots only" in far.stderr) == (2, True)


def test_a_word_that_means_nothing_is_told_with_the_nearest(home: Path) -> None:
    done = run("top", "celery@wbe2", LEAKHUNT_DIR=str(home))
    assert done.returncode == 2
    assert "did you mean celery@web2" in done.stderr


def test_a_clock_that_was_set_back_changes_no_verdict(tmp_path: Path) -> None:
    """The wall clock goes back an hour after each snapshot; the process counts on."""
    for index in range(1, 9):
        store(tmp_path / f"{index:06d}-x-signal.bin", 1000 * index, sequence=index,
              tasks_done=100 * index, taken_at=1_800_000_000.0 - 3600 * index,
              monotonic=5000.0 + 10 * index)  # fmt: skip
    found = json.loads(run("trend", str(tmp_path), "--json").stdout)
    assert found["verdict"] == "leak"
    assert [each["sequence"] for each in found["series"]] == list(range(1, 9))
    between = run("diff", str(tmp_path)).stdout
    assert "between 1 min 10 s, 700 tasks" in between
    assert "BEFORE was taken after" not in between


def test_a_diff_is_within_one_stretch_of_one_engine(tmp_path: Path) -> None:
    for index in range(1, 6):
        engine = (
            {"engine": "sampled", "armed_at": 1.0}
            if index < 3
            else {"engine": "exact", "armed_at": 2.0}
        )
        store(tmp_path / f"{index:06d}-x-signal.bin", 1000 * index, sequence=index,
              tasks_done=100 * index, **engine)  # fmt: skip
    found = json.loads(run("diff", "--json", LEAKHUNT_DIR=str(tmp_path)).stdout)
    assert (found["before"]["sequence"], found["after"]["sequence"]) == (3, 5)
    assert not [note for note in found["notes"] if "different engines" in note]


def test_excludes_and_thresholds_look_at_what_is_shown(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    dropped = json.loads(run("trend", str(tmp_path), "-x", "shop", "--json").stdout)
    assert dropped["findings"] == []
    kept = run("trend", str(tmp_path), "-x", "shop", "--fail-above", "1KiB")
    assert kept.returncode == 0
    pair = [str(tmp_path / "000001.bin"), str(tmp_path / "000008.bin")]
    assert run("diff", *pair, "--fail-above", "1MiB").returncode == 3
    assert run("diff", *pair, "-f", "webshop", "--fail-above", "1MiB").returncode == 0


def test_the_largest_leak_is_held_against_the_threshold(tmp_path: Path) -> None:
    from leakhunt.snapfile.write import write
    from tests.support.builders import FACTS

    for index in range(1, 9):
        runs = [((0, 1024, (("/srv/shop/a.py", 1),), 1), 1000 * index),
                ((0, 1024, (("/srv/shop/b.py", 1),), 1), 100 * index + index % 3)]  # fmt: skip
        write(tmp_path / f"{index:06d}.bin", runs, 5, {**FACTS, "tasks_done": 100 * index, "sequence": index})  # fmt: skip
    assert run("trend", str(tmp_path), "--fail-above", "5KiB").returncode == 3
    assert run("trend", str(tmp_path), "--fail-above", "20KiB").returncode == 0


@pytest.mark.parametrize("command", ["trend", "verdict"])
@pytest.mark.parametrize("expanded", [True, False], ids=["by the shell", "by leakhunt"])
def test_a_pattern_that_matches_more_than_series(home: Path, command: str, expanded: bool) -> None:
    """`leakhunt verdict DIR/*/`: the folder of records is no series, and no error."""
    (home / "processes").mkdir()
    (home / "empty-9-20270115T080000Z").mkdir()
    folders = sorted(f"{path}/" for path in home.iterdir())
    words = folders if expanded else [f"{home}/*/"]
    done = run(command, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert "3 processes" in " ".join(run(command, *words).stdout.split())
    assert json.loads(done.stdout)["verdict"] == "leak"
    assert "processes" not in done.stderr
    assert ("empty-9" in done.stderr) is expanded
    alone = run(command, str(home / "empty-9-20270115T080000Z"))
    assert alone.returncode == 2
    assert "there are no snapshots in this folder" in alone.stderr
