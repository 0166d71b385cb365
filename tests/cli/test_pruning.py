"""``leakhunt ls --prune``: what would go is told, the question is asked, and nothing goes without an answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from leakhunt.cli import pruning
from leakhunt.snapshots import prune
from tests.support.console import Asked, Terminal, inside, store

#: Longer ago than any process of this host.
ENDED = 1_000_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Six snapshots of a process of this host that has ended."""
    series(tmp_path, os.uname().nodename)
    return tmp_path


def series(home: Path, host: str, taken: float = ENDED, pid: int = (1 << 22) - 3) -> Path:
    folder = home / f"celery@web1-{pid}-20010909T014640Z"
    for number in range(1, 7):
        store(folder / f"{number:06d}-20010909T01464{number}Z-signal.bin", 10 * number, sequence=number,
              host=host, pid=pid, started_at=ENDED, taken_at=taken + number)  # fmt: skip
    return folder


def left(home: Path) -> list[int]:
    return sorted(int(path.name[:6]) for path in home.glob("*/*.bin"))


def test_it_tells_what_would_go_and_leaves_it(home: Path) -> None:
    status, out, err = inside("ls", "--prune", "--keep", "2", "--dry-run", "--dir", str(home))
    assert (status, err) == (0, "")
    assert "celery@web1-4194301-20010909T014640Z" in out
    assert left(home) == [1, 2, 3, 4, 5, 6]


def test_where_nobody_can_be_asked_nothing_goes(home: Path) -> None:
    status, out, err = inside("ls", "--prune", "--keep", "2", "--dir", str(home))
    assert (status, err) == (0, "leakhunt: nothing was removed; add --yes to do it\n")
    assert out
    assert left(home) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("agrees", [True, False])
def test_in_a_terminal_there_is_a_question(
    agrees: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(agrees)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("click.confirm", asked)
    plan = prune.Plan(home, (), (prune.Doomed(home / "x", 2048, None),), (), 0)
    assert pruning._asked(plan) is agrees
    assert asked.questions == ["Remove them and free 2.0 KiB?"]


def test_with_yes_it_is_done_and_told(home: Path) -> None:
    status, _, err = inside("ls", "--prune", "--keep", "2", "--yes", "--dir", str(home))
    assert status == 0
    assert left(home) == [1, 6]
    assert err.startswith("freed ")
    document = json.loads(inside("ls", "--prune", "--keep", "2", "--json", "--dir", str(home))[1])
    assert (document["kept"], document["files"], document["removed"]) == (2, [], False)


def test_the_document_says_whether_it_was_done(home: Path) -> None:
    asked = ("ls", "--prune", "--older-than", "1h", "--json", "--dir", str(home))
    size = sum(path.stat().st_size for path in home.glob("*/*.bin"))
    status, out, err = inside(*asked)
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert (document["removed"], document["freed"], document["size"]) == (False, 0, size)
    assert len(document["files"]) == len(left(home)) == 6
    document = json.loads(inside(*asked, "--yes")[1])
    assert (document["removed"], document["freed"]) == (True, size)
    assert list(home.iterdir()) == []


def test_of_another_host_one_counts_as_running_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = ENDED + 100.0 + pruning.ELSEWHERE
    monkeypatch.setattr("leakhunt.cli.pruning.time.time", lambda: now)
    series(tmp_path, "another", taken=ENDED + 99.0)
    asked = ("ls", "--prune", "--older-than", "1s", "--yes", "--dir", str(tmp_path))
    assert inside(*asked)[0] == 0
    assert left(tmp_path) == [1, 6]
    monkeypatch.setattr("leakhunt.cli.pruning.time.time", lambda: now + 10)
    assert inside(*asked)[0] == 0
    assert left(tmp_path) == []


def test_one_that_runs_keeps_its_first_and_its_newest(tmp_path: Path) -> None:
    """This very process: whoever asks is alive."""
    import psutil

    folder = series(tmp_path, os.uname().nodename, pid=os.getpid())
    for path in folder.iterdir():
        number = int(path.name[:6])
        store(path, 10, sequence=number, host=os.uname().nodename, pid=os.getpid(),
              started_at=psutil.Process().create_time(), taken_at=ENDED + number)  # fmt: skip
    assert inside("ls", "--prune", "--older-than", "1h", "--yes", "--dir", str(tmp_path))[0] == 0
    assert left(tmp_path) == [1, 6]


def test_what_cannot_be_removed_is_exit_two(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "carry_out", lambda plan: (0, ["000002.bin: it is locked"]))
    asked = ("ls", "--prune", "--keep", "2", "--yes", "--dir", str(home))
    status, _, err = inside(*asked)
    assert status == 2
    assert err == "freed 0 B\nleakhunt: not removed: 000002.bin: it is locked\n"
    status, out, _ = inside(*asked, "--json")
    assert status == 2
    assert "000002.bin: it is locked" in json.loads(out)["notes"]


def test_a_file_that_cannot_be_read_stays(home: Path) -> None:
    bad = next(home.glob("*/000003*"))
    bad.write_bytes(b"torn")
    status, out, _ = inside("ls", "--prune", "--older-than", "1h", "--yes", "--dir", str(home))
    assert status == 0
    assert "not read, so it stays" in " ".join(out.split())
    assert left(home) == [3]


@pytest.mark.parametrize("name", ["", "none"])
def test_where_nothing_is_there_nothing_goes(name: str, tmp_path: Path) -> None:
    status, out, err = inside(
        "ls", "--prune", "--keep", "2", "--yes", "--dir", str(tmp_path / name)
    )
    assert (status, err) == (0, "")
    assert "nothing to remove, 0 snapshots stay" in " ".join(out.split())


def test_without_a_rule_nothing_goes_and_it_says_which_there_are(home: Path) -> None:
    status, out, _ = inside("ls", "--prune", "--yes", "--dir", str(home))
    assert status == 0
    assert "add --keep N or --older-than 7d" in out
    assert len(left(home)) == 6


def test_one_snapshot_alone_is_not_kept(home: Path) -> None:
    status, out, err = inside("ls", "--prune", "--keep", "1", "--yes", "--dir", str(home))
    assert (status, out) == (2, "")
    assert err == "leakhunt: --keep 1: one snapshot cannot be compared; use 2 or more\n"
    assert len(left(home)) == 6
