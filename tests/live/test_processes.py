"""Hooked processes are found, and told apart from others."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.errors import NotHookedError
from leakhunt.hook import letterbox
from leakhunt.hook.process import alive, vitals
from leakhunt.live import processes
from leakhunt.live.processes import Hooked
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
        "pid": os.getpid(), "host": os.uname().nodename, "started_at": alive.began_at(os.getpid()),
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
