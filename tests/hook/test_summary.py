"""A verdict is made in a process beside, never waited for, one at a time, and bounded."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook import summary
from leakhunt.hook.summary import BUSY, Summary
from tests.live.harness import until
from tests.support.console import grown
from tests.support.places import ROOT
from tests.support.programs import hurried


@pytest.fixture
def series(tmp_path: Path) -> Path:
    (tmp_path / "processes").mkdir()
    folder = tmp_path / "celery@web1-7-20270115T080000Z"
    folder.mkdir()
    grown(folder, 8)
    return folder


def test_a_verdict_after_every_second_snapshot(
    series: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    found = Summary(2)
    found.captured(str(series), str(series.parent), ())
    assert not found._child
    found.captured(str(series), str(series.parent), ())
    assert found._child
    before = set(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else set()
    until(hurried(found.poll), "the verdict")
    assert found.verdict == "leak"
    assert found.sentence is not None
    assert found.sentence.startswith("Leak: +10.0 KiB per task at ")
    assert "1 line that grows, per task: " in found.sentence
    assert f"after 2 snapshots of process {os.getpid()}: Leak" in caplog.text
    assert "tasks.py:40" in found.sentence
    assert not found.poll()
    if before:
        assert len(os.listdir("/proc/self/fd")) < len(before)
    assert [path.name for path in series.iterdir() if path.name.startswith(".")] == []


def test_one_at_a_time_for_a_folder(series: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock = (series.parent / "processes" / ".verdict.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    found = Summary(1)
    found.captured(str(series), str(series.parent), ())
    until(hurried(lambda: found.poll() or not found._child), "it has ended")
    assert found.verdict is None
    assert caplog.text == ""
    lock.close()
    found.captured(str(series), str(series.parent), ())
    until(hurried(found.poll), "the verdict")
    assert found.verdict == "leak"


def test_none_is_begun_while_one_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def begin(found: Summary, series: str, folder: str) -> None:
        found._child = 4242
        begun.append(series)

    monkeypatch.setattr(Summary, "_begin", begin)
    found = Summary(1)
    for series in ("first", "second"):
        found.captured(series, "", ())
    assert begun == ["first"]


def test_what_cannot_be_judged_is_said_and_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "processes").mkdir()
    (tmp_path / "s").mkdir()
    found = Summary(1)
    found.captured(str(tmp_path / "s"), str(tmp_path), ())
    until(hurried(lambda: found.poll() or not found._child), "it has ended")
    assert found.verdict is None
    assert "no verdict: the judgement beside has ended with status" in caplog.text
    found.captured(str(tmp_path / "missing"), str(tmp_path), ())
    assert "no verdicts in this log" in caplog.text
    assert not found._child


def test_never_where_memory_is_short(
    series: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        "leakhunt.hook.process.vitals.memory_left", lambda groups: summary.NEEDS - 1
    )
    found = Summary(1)
    found.captured(str(series), str(series.parent), ())
    assert not found._child
    assert "too little memory" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"x", b'{"verdict": 1, "sentence": "x"}'])
def test_an_answer_that_is_none(content: bytes) -> None:
    assert summary._read(content) is None


def test_the_worker_itself_imports_nothing_of_the_judgement() -> None:
    program = (
        "import sys, leakhunt.hook.hook, leakhunt.hook.celery.worker, leakhunt.hook.celery.saying\n"
        "from leakhunt.hook.summary import Summary\n"
        "strange = [n for n in sys.modules if n.partition('.')[0] in ('rich', 'click')\n"
        "           or n.startswith(('leakhunt.judge', 'leakhunt.model', 'leakhunt.cli'))]\n"
        "assert not [n for n in strange if not n.startswith('click')], strange"
    )
    subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )


def test_it_is_told_nothing_secret(series: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    seen: dict[str, Any] = {}

    def spawn(path: str, arguments: list[str], environment: dict[str, str], **_: Any) -> int:
        seen.update(environment)
        raise OSError("seen")

    monkeypatch.setattr("posix.posix_spawn", spawn)
    Summary(1).captured(str(series), str(series.parent), ())
    assert set(seen) <= set(summary.VARIABLES)
    assert BUSY == 75


def test_nothing_is_left_of_a_judgement_that_could_not_be_begun(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its file nor the file's descriptor; and none is tried again."""

    def spawn(*_: Any, **__: Any) -> int:
        raise OSError("refused")

    monkeypatch.setattr("posix.posix_spawn", spawn)
    before = set(os.listdir("/dev/fd"))
    found = Summary(1)
    for _ in range(3):
        found.captured(str(series), str(series.parent), ())
    assert set(os.listdir("/dev/fd")) == before
    assert [path.name for path in series.iterdir() if path.name.startswith(".")] == []
    assert not found._child


def test_the_file_of_an_answer_has_no_name_while_it_is_written(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else can open it, and whoever is killed meanwhile leaves nothing."""
    seen: list[str] = []

    def spawn(*_: Any, **__: Any) -> int:
        seen.extend(path.name for path in series.iterdir())
        raise OSError("refused")

    monkeypatch.setattr("posix.posix_spawn", spawn)
    Summary(1).captured(str(series), str(series.parent), ())
    assert seen
    assert not [name for name in seen if name.startswith(".")]
