"""``leakhunt`` without a command."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.console import grown, run


def test_with_nothing_yet_it_says_how_to_begin(tmp_path: Path) -> None:
    done = run(LEAKHUNT_DIR=str(tmp_path / "none"), COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert "snapshots  none yet" in done.stdout
    assert "leakhunt.worker" in done.stdout or "leakhunt dump --all" in done.stdout
    assert not (tmp_path / "none").exists()


def test_with_a_leak_it_says_so_and_where_the_evidence_is(tmp_path: Path) -> None:
    (tmp_path / "a-1-x").mkdir()
    grown(tmp_path / "a-1-x", 8)
    done = run(LEAKHUNT_DIR=str(tmp_path), COLUMNS="80")
    assert "8 snapshots of 1 process" in done.stdout
    assert "verdict    Leak: +10.0 KiB per task at" in done.stdout
    assert "next  leakhunt verdict -v" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_of_a_process_that_is_gone_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "a-1-x").mkdir()
    grown(tmp_path / "a-1-x", 2, host=os.uname().nodename, pid=2**22 - 1)
    done = run(LEAKHUNT_DIR=str(tmp_path))
    assert "this process has ended" in done.stdout
