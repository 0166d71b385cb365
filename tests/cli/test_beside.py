"""The judgement beside a worker, as a process of its own: what it prints, and when it gives way."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.cli import beside
from leakhunt.hook.summary import BUSY
from tests.support.console import grown
from tests.support.places import ROOT

#: Judges as the worker has it done; its bounds are told on standard error.
PROGRAM = """
import os, resource, sys
sys.path.insert(0, sys.argv.pop(1))
from leakhunt.cli import beside
bound = beside._bound
def bounded():
    bound()
    limits = [resource.getrlimit(each)[0] for each in (resource.RLIMIT_CPU, resource.RLIMIT_AS)]
    print(limits, os.nice(0), file=sys.stderr)
beside._bound = bounded
beside.main()
"""


def judged(home: Path, series: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), str(home), str(series)],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    grown(tmp_path / "series", 8)
    (tmp_path / "processes").mkdir()
    return tmp_path


def test_a_verdict_is_one_object_with_a_sentence(home: Path) -> None:
    done = judged(home / "processes", home / "series")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"verdict", "sentence"}
    assert told["verdict"] == "leak"
    assert told["sentence"].startswith("Leak: +10.0 KiB per task at ")
    assert done.stderr == f"[{beside.CPU}, {beside.MEMORY}] 19\n"
    assert (home / "processes" / ".verdict.lock").stat().st_mode & 0o777 == 0o600


def test_who_finds_another_at_work_leaves_it(home: Path) -> None:
    with (home / "processes" / ".verdict.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = judged(home / "processes", home / "series")
    assert (done.returncode, done.stdout) == (BUSY, "")


def test_what_cannot_be_judged_is_a_status_and_no_traceback(home: Path) -> None:
    (home / "empty").mkdir()
    done = judged(home / "processes", home / "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_nobody_is_alone_in_a_folder_that_is_not_there_or_behind_a_link(tmp_path: Path) -> None:
    assert not beside._is_alone(str(tmp_path / "none"))
    (tmp_path / ".verdict.lock").symlink_to(tmp_path / "somebodys")
    assert not beside._is_alone(str(tmp_path))
    assert not (tmp_path / "somebodys").exists()
