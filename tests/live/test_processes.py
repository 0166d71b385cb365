"""Hooked processes are found, told apart from others, asked, and waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.errors import CaptureError, NotHookedError
from leakhunt.hook import letterbox
from leakhunt.hook.process import alive, vitals
from leakhunt.live import processes
from leakhunt.live.processes import Hooked, Records
from leakhunt.snapfile.folders import PROCESSES
from tests.support.places import ROOT
from tests.support.programs import waiting

pytestmark = pytest.mark.skipif(not vitals.LINUX, reason="looks into /proc")

HOOKED = "import leakhunt, sys; leakhunt.install(dir=sys.argv[1], engine='off')"


@contextlib.contextmanager
def program(folder: Path, source: str = HOOKED) -> Iterator[int]:
    """The pid of a hooked program that waits for its input."""
    with waiting(source, str(folder), env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
        yield child.pid


def record(**told: Any) -> dict[str, Any]:
    """A record as :func:`letterbox.read` gives it."""
    return {
        **dict.fromkeys(letterbox.FACTS), "pid": 7, "signal": int(signal.SIGUSR1), "captures": 0,
        "series": "/s", "heard": "heard", "answers": [], **told,
    }  # fmt: skip


# -- found ------------------------------------------------------------------------------------


def test_a_hooked_process_is_found_whatever_folder_it_writes_to(tmp_path: Path) -> None:
    with program(tmp_path / "a") as pid:
        for folder in (tmp_path / "a", tmp_path / "elsewhere"):
            (process,) = (each for each in processes.hooked(folder) if each.pid == pid)
            assert process.record["role"] == "program"
            assert process.name == f"program {pid}"
            assert (process.hearing, process.silence) == ("heard", None)
            assert not process.is_strangers
            assert processes.one(folder, pid).record == process.record


def test_one_whose_folder_was_cleaned_is_found_all_the_same(tmp_path: Path) -> None:
    with program(tmp_path / "a") as pid:
        (path,) = (tmp_path / "a" / PROCESSES).glob("*.json")
        path.unlink()
        assert processes.one(tmp_path, pid).pid == pid


def test_why_a_process_is_none_is_said(tmp_path: Path) -> None:
    with waiting("") as child, pytest.raises(NotHookedError, match="does not carry the hook"):
        processes.one(tmp_path, child.pid)
    with pytest.raises(NotHookedError, match=f"there is no process {child.pid}"):
        processes.one(tmp_path, child.pid)


def test_one_that_has_become_another_program_is_not_hooked(tmp_path: Path) -> None:
    """It keeps its pid and its start, and the signal would end it."""
    becomes = f"{HOOKED}\nimport os; os.execv(sys.executable, [sys.executable, '-c', {WAITS!r}])"
    with program(tmp_path, becomes) as pid:
        assert list((tmp_path / PROCESSES).glob("*.json"))
        with pytest.raises(NotHookedError):
            processes.one(tmp_path, pid)


WAITS = "import sys; print('runs', flush=True); sys.stdin.read()"


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "folder"])
def test_what_is_no_plain_file_of_its_own_is_no_record(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "record.json", tmp_path / "other"
    other.write_bytes(letterbox.packed({"pid": 1, "signal": 10, "captures": 0, "series": "/s"}))
    assert processes._read(str(other), None) is not None
    if kind == "link":
        path.symlink_to(other)
    elif kind == "second name":
        os.link(other, path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert processes._read(str(path), None) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as somebody else")
def test_root_reads_a_record_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(letterbox.packed({"pid": 1, "signal": 10, "captures": 0, "series": "/s"}))
    path.chmod(0o600)
    before = (os.geteuid(), os.getegid(), os.getgroups())
    assert processes._read(str(path), (0, 0)) is not None
    assert processes._read(str(path), (12345, 12345)) is None, "it is root's, whoever leads there"
    with processes.acting_as((12345, 12346)):
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (12345, 12346, [])
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


def test_a_record_is_read_anew_where_it_was_written_since(tmp_path: Path) -> None:
    path, records = tmp_path / "record.json", Records()

    def says(captures: int, age: float) -> None:
        told = {"pid": 1, "signal": 10, "captures": captures, "series": "/s"}
        path.write_bytes(letterbox.packed(told))
        os.utime(path, (time.time() - age,) * 2)

    def read() -> Any:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            known = records.read(descriptor)
        finally:
            os.close(descriptor)
        records.forget()
        assert known is not None
        return known

    says(1, age=60)
    settled = read()
    assert settled["captures"] == 1
    assert read() is settled
    says(2, age=30)
    assert read()["captures"] == 2
    says(3, age=0)
    first = read()
    assert first["captures"] == 3
    assert read() is not first, (
        "what was written just now may be written again within the same tick"
    )


# -- whose signal it is, and whether it runs --------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"heard": "taken", "taken_by": "gunicorn\x1b[2J"}, "SIGUSR1 was taken by gunicorn"),
        ({"heard": "taken"}, "SIGUSR1 was taken by somebody else"),
        ({"heard": "none"}, "nobody has SIGUSR1 there: it would end the process"),
    ],
)
def test_why_a_signal_is_not_heard_is_said_in_words(told: dict[str, Any], words: str) -> None:
    process = Hooked(os.getpid(), "/none", record(**told))
    assert process.silence is not None
    assert process.silence.startswith(words)
    assert "\x1b" not in process.silence


def meta(**told: Any) -> Any:
    given = {
        "pid": os.getpid(), "host": os.uname().nodename, "started_at": vitals.started_at(os.getpid()),
        "facts": {"space": alive.space(), "ticks": alive.start_ticks(os.getpid())},
    }  # fmt: skip
    return SimpleNamespace(**{**given, **told})


def test_the_process_of_a_snapshot_runs_or_does_not_or_nobody_knows() -> None:
    assert processes.runs(meta()) is True
    assert processes.runs(meta(facts={"space": alive.space(), "ticks": 1})) is False
    assert processes.runs(meta(facts={})) is True
    assert processes.runs(meta(facts={}, started_at=None)) is None
    assert processes.runs(meta(host="another")) is None
    assert processes.runs(meta(pid=None)) is None
    assert processes.runs(meta(facts={"space": "another"})) is None


# -- asked ------------------------------------------------------------------------------------


def test_a_process_answers_by_name(tmp_path: Path) -> None:
    with program(tmp_path) as pid:
        process = processes.one(tmp_path, pid)
        asked = [processes.ask(process, request) for request in ("look", "sing", "dump")]
        answers = {each.identity: outcome for each, outcome in processes.wait(asked, 120)}
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
        first = processes.ask(
            processes.one(tmp_path, pid), "look"
        )  # it sees that its record is lost
        second = processes.Asked(process, first.identity, first.by)
        ((_, outcome),) = processes.wait([second], 120)
    assert not isinstance(outcome, CaptureError), outcome


def test_one_that_ends_meanwhile_is_told_so(tmp_path: Path) -> None:
    with program(tmp_path) as pid:
        process = processes.one(tmp_path, pid)
        os.kill(pid, signal.SIGSTOP)
        asked = processes.ask(process, "look")
        os.kill(pid, signal.SIGKILL)
    ((_, outcome),) = processes.wait([asked], 120)
    assert isinstance(outcome, CaptureError)
    assert str(outcome) == f"program {pid} has ended"


def test_one_that_neither_hears_nor_looks_is_not_asked() -> None:
    process = Hooked(os.getpid(), "/none", record(heard="taken", taken_by="gunicorn"))
    with pytest.raises(NotHookedError, match="cannot be asked: SIGUSR1 was taken by gunicorn"):
        processes.ask(process, "look")


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
    asked = processes.Asked(Hooked(os.getpid(), str(path), record()), "a1", by)
    ((_, outcome),) = processes.wait([asked], 0)
    assert isinstance(outcome, CaptureError)
    assert words in str(outcome)
