"""Hooked processes are asked, and waited for."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.hook import letterbox
from leakhunt.hook.process import alive, vitals
from leakhunt.live import processes, requests
from leakhunt.live.processes import Hooked
from leakhunt.snapfile.folders import PROCESSES
from tests.live.test_processes import program, record

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="looks into /proc")


def test_a_process_answers_by_name(tmp_path: Path) -> None:
    with program(tmp_path) as pid:
        process = processes.one(tmp_path, pid)
        asked = [requests.ask(process, request) for request in ("look", "sing", "dump")]
        answers = {each.identity: outcome for each, outcome in requests.wait(asked, 120)}
    assert [each.by for each in asked] == ["signal"] * 3
    (looks, sings, dumps) = (answers[each.identity][0] for each in asked)
    assert looks[1:] == (None, None, None)
    assert "does not know that request" in sings[2]
    assert (Path(process.record["series"]) / dumps[1]).exists()
    assert stat.S_IMODE((Path(process.record["series"]) / dumps[1]).stat().st_mode) == 0o600


def test_one_that_has_made_another_record_meanwhile_answers_there(tmp_path: Path) -> None:
    with program(tmp_path) as pid:
        (path,) = (tmp_path / PROCESSES).glob("*.json")
        process = Hooked(pid, str(path), processes.one(tmp_path, pid).record)
        path.unlink()
        first = requests.ask(
            processes.one(tmp_path, pid), "look"
        )  # it sees that its record is lost
        second = requests.Asked(process, first.identity, first.by)
        ((_, outcome),) = requests.wait([second], 120)
    assert not isinstance(outcome, CaptureError), outcome


def test_one_that_ends_meanwhile_is_told_so(tmp_path: Path) -> None:
    with program(tmp_path) as pid:
        process = processes.one(tmp_path, pid)
        os.kill(pid, signal.SIGSTOP)
        asked = requests.ask(process, "look")
        os.kill(pid, signal.SIGKILL)
    ((_, outcome),) = requests.wait([asked], 120)
    assert isinstance(outcome, CaptureError)
    assert str(outcome) == f"program {pid} has ended"


def test_one_whose_pid_is_anothers_by_now_has_ended(tmp_path: Path) -> None:
    asked = requests.Asked(
        Hooked(os.getpid(), str(tmp_path / "gone"), record(ticks=1)), "a1", "timer"
    )
    ((_, outcome),) = requests.wait([asked], 120)
    assert isinstance(outcome, CaptureError)
    assert str(outcome).endswith("has ended")


def test_one_that_neither_hears_nor_looks_is_not_asked() -> None:
    process = Hooked(os.getpid(), "/none", record(heard="taken", taken_by="gunicorn"))
    with pytest.raises(NotHookedError, match="cannot be asked: SIGUSR1 was taken by gunicorn"):
        requests.ask(process, "look")


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("task", "no task has ended meanwhile"),
        ("timer", "its timer has not looked"),
        ("signal", "it is busy in code that does not return to the interpreter"),
    ],
)
def test_why_none_has_answered_yet_depends_on_how_it_was_asked(
    by: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(letterbox.packed({"pid": 7, "signal": 10, "captures": 0, "series": "/s"}))
    asked = requests.Asked(Hooked(os.getpid(), str(path), record()), "a1", by)
    ((_, outcome),) = requests.wait([asked], 0)
    assert isinstance(outcome, CaptureError)
    assert words in str(outcome)


def test_a_capture_that_is_under_way_is_told_and_whether_it_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(letterbox.packed({"pid": 7, "signal": 10, "captures": 0, "series": "/s"}))
    named = f"open('/proc/self/comm', 'w').write({alive.COPY!r}); print(flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", named], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    asked = requests.Asked(Hooked(os.getpid(), str(path), record()), "a1", "signal")
    try:
        assert child.stdout is not None
        child.stdout.readline()
        ((_, outcome),) = requests.wait([asked], 0)
        assert str(outcome).endswith(f"its capture is under way in process {child.pid}")
        os.kill(child.pid, signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        ((_, outcome),) = requests.wait([asked], 0)
        assert f"which is stopped: `kill -CONT {child.pid}`" in str(outcome)
    finally:
        child.kill()
        child.communicate()
