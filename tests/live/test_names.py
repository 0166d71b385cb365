"""A pid where snapshots are asked for: what that process is, is said by every command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.live import harness
from tests.live.harness import leakhunt
from tests.support.programs import waiting

pytestmark = pytest.mark.live

#: Commands that read what is there, with the pid as PID.
READING = [
    "tasks PID", "top PID", "diff PID", "trend PID", "account PID", "show PID tasks.py:1",
    "export PID -o x.csv", "compare PID PID",
]  # fmt: skip
#: ... and those that ask a hooked process first.
ALL = [*READING, "verdict PID", "report PID -o x.html"]


def asked(command: str, pid: object, folder: Path) -> str:
    """What is said on stderr by a command that fails."""
    done = leakhunt(folder, *command.replace("PID", str(pid)).split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


#: Above the highest pid that Linux gives, 2**22.
NOBODY = str(2**22 + 1)


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("growing")
    place = harness.environment(folder)
    with waiting("import leakhunt; leakhunt.install()", env=place) as child:
        yield folder, child.pid


@pytest.mark.parametrize("command", READING)
def test_one_that_runs_and_has_no_snapshot_yet(command: str, growing: tuple[Path, int]) -> None:
    folder, pid = growing
    said = asked(command, pid, folder)
    assert said.startswith(
        f"leakhunt: there is no snapshot of process {pid} in {folder / 'snapshots'}: "
    )
    assert said.endswith(f"it carries the hook, and `leakhunt dump {pid}` takes one of it\n")


def test_one_that_writes_elsewhere(growing: tuple[Path, int], tmp_path: Path) -> None:
    folder, pid = growing
    said = asked("tasks PID", pid, tmp_path)
    assert said.endswith(f": it carries the hook and writes to {folder / 'snapshots'}: add --dir\n")


@pytest.mark.parametrize("command", ALL)
def test_one_that_runs_without_the_hook(command: str, tmp_path: Path) -> None:
    said = asked(command, os.getpid(), tmp_path)
    assert f": process {os.getpid()} does not carry the hook" in said


@pytest.mark.parametrize("command", ALL)
def test_one_that_runs_no_more(command: str, tmp_path: Path) -> None:
    said = asked(command, NOBODY, tmp_path)
    assert said.startswith(f"leakhunt: {NOBODY}: there is no such file")


def test_a_main_process_forks_those_that_have_some(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1") as worker:
        worker.hooked("child")
        (main,) = worker.hooked("main")
        said = asked("tasks PID", main["pid"], tmp_path)
        assert said.endswith(f"`leakhunt dump {main['pid']}` takes one of each of its children\n")
