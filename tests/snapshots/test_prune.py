"""What ``ls --prune`` removes, and everything that it must leave alone."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from leakhunt import units
from leakhunt.hook.capture.content import prune as hook_prune
from leakhunt.hook.process.alive import began_at
from leakhunt.snapfile import folders
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.prune import Liveness, _is_older, carry_out, plan
from leakhunt.snapshots.series import Entry, Series
from tests.support.console import inside, run, store
from tests.support.places import ROOT

DAY = 86400.0
NOW = 1_800_000_000.0
DEAD = Liveness(lambda line: False, lambda folder, pid: False)
ALIVE = Liveness(lambda line: True, lambda folder, pid: True)


def series(home: Path, number: int, pid: int = 4242, now: float = NOW, **facts: Any) -> list[Path]:
    """That many snapshots of one process, one a day, the newest taken at ``now``."""
    start = now - number * DAY
    folder = home / folders.series_name("celery@web1", pid, start)
    found = []
    for sequence in range(1, number + 1):
        taken = now - (number - sequence) * DAY
        path = folder / folders.snapshot_name(sequence, taken, "rss-step")
        known = {"pid": pid, "started_at": start, "sequence": sequence, "taken_at": taken, **facts}
        found.append(store(path, sequence, **known))
    return found


def gone(home: Path, keep: int | None, older: float | None, alive: Liveness = DEAD) -> set[str]:
    return {doomed.path.name[:6] for doomed in plan(home, keep, older, NOW, alive).files}


@pytest.mark.parametrize("keep", [0, 2, 3, 4, 5, 8, 9, 12, 40])
def test_keep_is_what_the_hook_keeps(tmp_path: Path, keep: int) -> None:
    paths = series(tmp_path, 9)
    chosen = plan(tmp_path, keep, None, NOW, DEAD)
    hook_prune(paths[0].parent, keep)
    assert {doomed.path for doomed in chosen.files} == {path for path in paths if not path.exists()}
    assert chosen.kept == len(paths) - len(chosen.files)


def test_by_age_and_where_both_are_given_both_must_agree(tmp_path: Path) -> None:
    series(tmp_path, 9)
    assert gone(tmp_path, None, None) == set()
    assert gone(tmp_path, None, 6.5 * DAY) == {"000001", "000002"}
    assert gone(tmp_path, 4, None) == {f"00000{number}" for number in range(2, 7)}
    assert gone(tmp_path, 4, 6.5 * DAY) == {"000002"}
    assert len(gone(tmp_path, None, 0.0)) == 9


def test_of_what_no_time_is_known_is_not_old(tmp_path: Path) -> None:
    """Neither does it say when it was taken, nor is the file there to be asked."""
    assert not _is_older(Entry(tmp_path / "gone.bin", meta({})), NOW)


def test_of_a_living_process_first_baseline_and_newest_stay(tmp_path: Path) -> None:
    paths = series(tmp_path, 6)
    store(
        paths[2],
        3,
        pid=4242,
        started_at=NOW - 6 * DAY,
        sequence=3,
        taken_at=NOW - 3 * DAY,
        baseline=True,
    )
    assert gone(tmp_path, None, 0.0, ALIVE) == {"000002", "000004", "000005"}
    assert plan(tmp_path, None, 0.0, NOW, ALIVE).folders == ()


def test_the_folder_of_an_ended_process_goes_when_empty(tmp_path: Path) -> None:
    paths = series(tmp_path, 3)
    torn = paths[0].parent / ".000004-20270115T080000Z-signal.tmp"
    torn.write_bytes(b"half")
    chosen = plan(tmp_path, None, 0.0, NOW, DEAD)
    assert chosen.folders == (paths[0].parent,)
    size = sum(path.stat().st_size for path in paths) + 4
    assert chosen.size == size
    assert carry_out(chosen) == (size, [])
    assert list(tmp_path.iterdir()) == []


def test_empty_folders_go_after_an_hour(tmp_path: Path) -> None:
    folder = tmp_path / folders.series_name("celery@web1", 7, NOW)
    folder.mkdir()
    os.utime(folder, (NOW, NOW))
    assert plan(tmp_path, None, None, NOW + 60, DEAD).is_empty
    assert plan(tmp_path, None, None, NOW + 4000, DEAD).folders == (folder,)
    assert plan(tmp_path, None, None, NOW + 4000, ALIVE).is_empty


def test_nothing_else_is_ever_removed(tmp_path: Path) -> None:
    import tracemalloc

    home = tmp_path / "home"
    (path,) = series(home, 1)
    folder = path.parent
    mine = [
        folder / "notes.bin",
        folder / "000009-20270115T080000Z-signal.txt",
        folder / "000002-20270115T080000Z-signal.bin",
        folder / ".hidden.tmp",
        home / "000001-20270115T080000Z-signal.bin",
        home / "backup" / "000001-20270115T080000Z-signal.bin",
        home / "processes" / "web1-4242.json",
    ]
    for file in mine:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"mine")
    store(folder / "mine.bin", 3, taken_at=1.0)
    store(home / "backup" / "000002-20270115T080000Z-signal.bin", 3, taken_at=1.0)
    plain = folder / "000007-20270115T080000Z-signal.bin"
    tracemalloc.Snapshot((), 1).dump(str(plain))
    outside = series(tmp_path / "outside", 2, pid=8)
    link = folder / "000003-20270115T080000Z-signal.bin"
    link.symlink_to(outside[0])
    (home / outside[0].parent.name).symlink_to(outside[0].parent)
    before = {file for file in tmp_path.rglob("*") if not file.is_dir()}
    chosen = plan(home, None, 0.0, NOW + DAY, DEAD)
    assert [doomed.path for doomed in chosen.files] == [path]
    assert chosen.folders == ()
    carry_out(chosen)
    after = {file for file in tmp_path.rglob("*") if not file.is_dir()}
    assert before - after == {path}


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    paths = series(tmp_path, 2)
    chosen = plan(tmp_path, None, 0.0, NOW, DEAD)
    moved = tmp_path / "moved"
    paths[0].parent.rename(moved)
    paths[0].parent.symlink_to(moved)  # a link that leads elsewhere by now
    freed, problems = carry_out(chosen)
    assert (freed, len(problems)) == (0, 2)
    assert len(list(moved.iterdir())) == 2


# -- the command ----------------------------------------------------------------------


def test_it_shows_first_and_removes_only_when_told(tmp_path: Path) -> None:
    paths = series(tmp_path, 9, now=1_700_000_000.0)
    arguments = ("ls", "--dir", str(tmp_path), "--prune", "--keep", "4")
    for more in ((), ("--dry-run",), ("--dry-run", "--yes"), ("--json",)):
        done = run(*arguments, *more)
        assert done.returncode == 0, done.stderr
        assert all(path.exists() for path in paths)
    assert "to remove: 5 snapshots" in run(*arguments).stdout
    assert "add --yes" in run(*arguments).stderr
    size = sum(path.stat().st_size for path in paths[1:6])
    done = run(*arguments, "--yes")
    assert done.returncode == 0, done.stderr
    assert [path.exists() for path in paths] == [True] + [False] * 5 + [True] * 3
    assert f"freed {units.size(size)}" in done.stderr
    assert "nothing to remove, 4 snapshots stay" in run(*arguments, "--yes").stdout
    document = json.loads(
        run("ls", "--dir", str(tmp_path), "--prune", "--older-than", "0s", "-y", "--json").stdout
    )
    assert document["schema"] == "leakhunt/prune@1"
    assert document["removed"] is True
    assert document["freed"] == document["size"] == sum(file["size"] for file in document["files"])
    assert list(tmp_path.iterdir()) == []


def test_this_process_is_alive_and_another_host_may_be(tmp_path: Path) -> None:
    me: dict[str, Any] = {
        "pid": os.getpid(),
        "started_at": began_at(os.getpid()),
        "host": os.uname().nodename,
    }
    mine = series(tmp_path, 4, **me)
    for path in mine:
        store(path, 1, **me, taken_at=float(path.name[:6]))
    elsewhere = series(tmp_path, 4, pid=77, host="web9")
    for sequence, path in enumerate(elsewhere):
        known = {"pid": 77, "host": "web9", "started_at": 1.0, "sequence": sequence}
        store(path, 1, **known, taken_at=time.time() - 4 + sequence)
    done = run("ls", "--dir", str(tmp_path), "--prune", "--older-than", "0s", "--yes")
    assert done.returncode == 0, done.stderr
    assert [path.exists() for path in mine] == [True, False, False, True]
    assert [path.exists() for path in elsewhere] == [True, False, False, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--keep", "4"), "needs --prune"),
        (("--yes",), "needs --prune"),
        (("--prune", "--keep", "1"), "one snapshot cannot be compared"),
        (("--prune", "--older-than", "soon"), "not a duration such as 7d"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run("ls", "--dir", str(tmp_path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(("answer", "left"), [("y\n", 4), ("n\n", 9), ("\n", 9)])
def test_on_a_terminal_it_asks(tmp_path: Path, answer: str, left: int) -> None:
    series(tmp_path, 9)
    main, side = pty.openpty()
    with os.fdopen(main, "r+b", buffering=0) as terminal:
        child = subprocess.Popen(
            [sys.executable, "-m", "leakhunt", "ls", "--dir", str(tmp_path), "--prune", "--keep", "4"],
            stdin=side, stdout=subprocess.DEVNULL, stderr=side, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        os.close(side)
        said = b""
        while b"[y/N]" not in said:
            said += terminal.read(1000)
        terminal.write(answer.encode())
        assert child.wait(timeout=400) == 0
    assert len(list(tmp_path.rglob("*.bin"))) == left


def test_liveness_is_asked_per_series(tmp_path: Path) -> None:
    series(tmp_path, 3, pid=1)
    series(tmp_path, 3, pid=2)

    def lives(line: Series) -> bool:
        return line.newest.meta.pid == 1

    chosen = plan(tmp_path, None, 0.0, NOW, Liveness(lives, lambda folder, pid: True))
    assert sorted((line.alive, len(line.doomed)) for line in chosen.series) == [
        (False, 3),
        (True, 1),
    ]
    assert [folder.name.split("-")[1] for folder in chosen.folders] == ["2"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7d", 604800), ("1.5h", 5400), ("30 min", 1800), ("90S", 90), ("2w", 1209600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds
    for bad in ("", "d", "-1d", "7", "7y", "1d2h"):
        with pytest.raises(ValueError, match="not a duration"):
            units.parse_duration(bad)


def test_a_file_that_was_swapped_for_another_since_is_left_and_told(tmp_path: Path) -> None:
    """The user was asked meanwhile: what was shown is no longer what is there."""
    paths = series(tmp_path, 2)
    chosen = plan(tmp_path, None, 0.0, NOW, DEAD)
    precious = tmp_path / "precious.txt"
    precious.write_text("kept")
    paths[0].unlink()
    paths[0].symlink_to(precious)
    freed, problems = carry_out(chosen)
    assert paths[0].is_symlink()
    assert precious.read_text() == "kept"
    assert freed == chosen.files[1].size
    assert [problem.partition(": ")[2] for problem in problems] == [
        "is no snapshot of this user's any more"
    ]


def test_a_failure_to_remove_is_an_exit_status_for_cron(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series(tmp_path, 3)
    command = ("ls", "--dir", str(tmp_path), "--prune", "--keep", "2", "--yes")
    monkeypatch.setattr("leakhunt.cli.pruning.carry_out", lambda chosen: (0, ["a.bin: is held"]))
    status, _, said = inside(*command)
    assert status == 2
    assert "not removed: a.bin: is held" in said
    monkeypatch.undo()
    assert inside(*command)[0] == 0
