"""Who has the signal is told, and a process is asked without it: servers, loops, masks, strangers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.hook.capture import fork
from leakhunt.live import processes
from tests.live import harness
from tests.live.harness import leakhunt

pytestmark = pytest.mark.live

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program that says a word when it is ready; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def program(source: str, *launcher: str) -> subprocess.Popen[str]:
        (tmp_path / "program.py").write_text(textwrap.dedent(source))
        found = subprocess.Popen(
            [*launcher, sys.executable, "program.py"], cwd=tmp_path,
            env=harness.environment(tmp_path, LEAKHUNT_START="signal"),
            stdout=subprocess.PIPE, stderr=(tmp_path / "err.txt").open("wb"), text=True,
        )  # fmt: skip
        started.append(found)
        assert found.stdout is not None
        assert found.stdout.readline() == "ready\n"
        return found

    yield program
    for each in started:
        each.kill()
        each.communicate()


def record(folder: Path, pid: int) -> dict[str, Any]:
    return processes.one(folder / "snapshots", pid).record


REPORT = """
import faulthandler, signal, sys, time, leakhunt
out = open("report.txt", "wb", buffering=0)
{first}
leakhunt.install()
{then}
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""
REGISTER = "faulthandler.register(signal.SIGUSR1, out, chain={chain})"


@pytest.mark.parametrize("chain", [False])
def test_faulthandlers_report_is_not_lost(chain: bool, start: Start, tmp_path: Path) -> None:
    """It had the signal first; with chain=True it sets itself once more each time."""
    before = f"signal.signal(signal.SIGUSR1, lambda *_: None)\n{REGISTER.format(chain=chain)}"
    program = start(REPORT.format(first=before, then=""))
    snapshots = tmp_path / "snapshots"
    for number in (1, 2):
        os.kill(program.pid, signal.SIGUSR1)
        harness.until(lambda: len(list(snapshots.glob("*/*.bin"))) >= number, "a snapshot")  # noqa: B023
        report = (tmp_path / "report.txt").read_text()
        assert report.count("most recent call first") >= number
    assert record(tmp_path, program.pid)["heard"] == "heard"
    assert program.poll() is None


TAKEN = {
    "faulthandler": ("", REGISTER.format(chain=False), "taken", "faulthandler"),
    "another": ("", "signal.signal(signal.SIGUSR1, lambda *_: None)", "taken", "__main__"),
    "default": ("", "signal.signal(signal.SIGUSR1, signal.SIG_DFL)", "none", ""),
    "blocked": ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])", "", "blocked", "mask"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAKEN)
def test_a_process_is_asked_though_its_signal_is_not_heard(
    how: str, start: Start, tmp_path: Path
) -> None:
    first, then, state, said = TAKEN[how]
    program = start(REPORT.format(first=first, then=then))
    done = leakhunt(tmp_path, "dump", str(program.pid))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).exists()
    assert program.poll() is None
    (found,) = [
        each for each in processes.hooked(tmp_path / "snapshots") if each.pid == program.pid
    ]
    assert found.hearing == state
    assert said in (found.silence or "")
    assert found.record["looks"] is None
    assert "SIGUSR1 is not heard" in (tmp_path / "err.txt").read_text()


def test_an_answer_is_the_file_that_was_asked_for(start: Start, tmp_path: Path) -> None:
    """Whatever else is captured in the same moment."""
    program = start(REPORT.format(first="", then=""))
    for _ in range(3):
        os.kill(program.pid, signal.SIGUSR1)
        done = leakhunt(tmp_path, "dump", str(program.pid))
        assert done.returncode == 0, done.stderr
        (path,) = done.stdout.split()
        assert path.endswith("-dump.bin")
        assert Path(path).exists()


TURNS = """
import contextlib, os, signal, leakhunt
from leakhunt.hook.capture import capture, fork, turns
real = turns.turn
turns.places = lambda: 1
def note(word):
    descriptor = os.open("notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, word.encode() + b"\\n")
    os.close(descriptor)
def noted(word):
    with open("notes") as notes:
        return notes.read().split().count(word)
@contextlib.contextmanager
def turn(folder):
    note("comes")
    with real(folder) as held:
        note("begins")
        while noted("comes") < 3:
            fork.rest()
            signal.sigtimedwait((), 0.01)
        yield held
        note("ends")
turns.turn = turn
leakhunt.install(start="boot")
print("ready", flush=True)
while True:
    signal.sigtimedwait((), 0.01)
"""


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_all_are_asked_at_once_and_work_one_after_the_other(start: Start, tmp_path: Path) -> None:
    """The first to have its turn keeps it until all have come: without turns all would begin."""
    for _ in range(3):
        start(TURNS)
    done = leakhunt(tmp_path, "dump", "--all", "--dir", str(tmp_path / "snapshots"))
    assert (done.returncode, len(done.stdout.split())) == (0, 3), done.stderr
    notes = [word for word in (tmp_path / "notes").read_text().split() if word != "comes"]
    assert notes == ["begins", "ends"] * 3


def test_the_embedded_beat_is_spared(tmp_path: Path) -> None:
    """It has no handler, and would die of the signal that the main process passes on to its pool."""
    with harness.worker(tmp_path, "-c", "1", "-B") as worker:
        (child,) = worker.hooked("child")
        main = psutil.Process(worker.process.pid)
        beats = [each for each in main.children() if each.pid != child["pid"]]
        assert beats
        done = leakhunt(tmp_path, "dump", str(main.pid))
        assert (done.returncode, len(done.stdout.split())) == (0, 2), done.stderr
        os.kill(main.pid, signal.SIGUSR1)
        series = Path(child["series"])
        worker.until(lambda: list(series.glob("*-signal.bin")), "the pool child's snapshot")
        assert all(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in beats)


def test_a_worker_is_asked_before_its_broker_answers(tmp_path: Path) -> None:
    worker = harness.Worker(tmp_path, "-c", "1", SHOP_BROKER="redis://127.0.0.1:9/0")
    try:
        worker.logged("Cannot connect to redis")
        done = leakhunt(tmp_path, "dump", str(worker.process.pid))
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()
    finally:
        worker.kill()
