"""What the demo makes and takes down again: a folder, a worker's group, signals; and what it says when that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from leakhunt.demo import stage as stages
from leakhunt.demo.stage import Stage
from leakhunt.errors import LeakhuntError
from tests.support.letters import record
from tests.support.programs import waiting


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The folder as a worker finds it, and in the worker's place a program that waits."""
    for name in stages.FOLDERS:
        (tmp_path / name).mkdir()
    (tmp_path / "worker.log").write_text("".join(f"line {n}\n" for n in range(30)))
    with waiting() as program:
        yield Stage(tmp_path, program, lambda: None)


def told(stage: Stage, **facts: object) -> None:
    folder = stage.folder / "snapshots" / "processes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{facts['role']}.json").write_bytes(record(**facts))


def test_what_is_waited_for_is_given(stage: Stage) -> None:
    looks = iter([None, 0, "it"])
    assert stage.until(lambda: next(looks), "that") == "it"


def test_a_worker_that_has_ended_is_told_with_the_end_of_its_log(stage: Stage) -> None:
    stage.worker.kill()
    stage.worker.wait()
    with pytest.raises(LeakhuntError, match="the demo's worker ended before it began") as raised:
        stage.until(lambda: None, "it began")
    lines = str(raised.value).splitlines()
    assert lines[1:] == [f"  line {n}" for n in range(15, 30)]


def test_it_is_not_waited_for_ever(stage: Stage) -> None:
    with pytest.raises(LeakhuntError, match=r"gave up after 0\.0 s, before that;"):
        stage.until(lambda: None, "that", 0.0)


def test_who_interrupts_is_heard_while_it_waits(stage: Stage) -> None:
    def heed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stage(stage.folder, stage.worker, heed).until(lambda: "it", "that")


def test_the_child_is_known_by_its_record(stage: Stage) -> None:
    told(stage, role="main", pid=1)
    (stage.folder / "snapshots" / "processes" / "half.json").write_text("{")
    told(stage, role="child", pid=2)
    assert stage.child()["pid"] == 2


def test_messages_are_moved_whole_and_in_their_order(stage: Stage) -> None:
    for number in range(3):
        stage.send("shop.quote", number)
    assert list((stage.folder / "queue").iterdir()) == []
    sent = sorted(path.name for path in (stage.folder / "outbox").iterdir())
    assert len(sent) == 3
    stage.deliver()
    assert sorted(path.name for path in (stage.folder / "queue").iterdir()) == sent
    assert list((stage.folder / "outbox").iterdir()) == []


def test_a_result_counts_when_it_has_its_name(stage: Stage) -> None:
    for name in ("celery-task-meta-1", "celery-task-meta-2", ".celery-task-meta-3"):
        (stage.folder / "results" / name).touch()
    assert stage.done() == 2


@pytest.mark.parametrize("path", ["/s/000002.bin", None])
def test_a_snapshot_is_the_one_that_came_after_the_signal(path: str | None, stage: Stage) -> None:
    """A program that tells one more when it gets the signal, in the child's place."""
    before = {"role": "child", "captures": 1, "path": "/s/000001.bin", "problem": None}
    told(stage, **before)
    file = stage.folder / "snapshots" / "processes" / "child.json"
    after = record(**{**before, "captures": 2, "path": path, "problem": "no space"})
    source = f"""
import os, signal
def capture(*_):
    with open({str(file)!r} + "~", "wb") as out:
        out.write({after!r})
    os.replace({str(file)!r} + "~", {str(file)!r})
signal.signal(signal.SIGUSR1, capture)
"""
    with waiting(source) as child:
        known = {**before, "pid": child.pid}
        if path is not None:
            assert stage.capture(known) == Path(path)
        else:
            with pytest.raises(LeakhuntError, match="took no snapshot: no space"):
                stage.capture(known)


# -- taken down -----------------------------------------------------------------------------------


def test_the_whole_group_of_the_worker_ends(tmp_path: Path) -> None:
    """It pays no heed to SIGTERM's kinder forms: a child of it would live on."""
    source = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, start_new_session=True
    )
    assert worker.stdout is not None
    child = psutil.Process(int(worker.stdout.readline()))
    stages._stop(worker)
    worker.stdout.close()
    assert worker.returncode == -signal.SIGTERM
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    stages._stop(worker)


def test_a_folder_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    stages._remove(tmp_path / "a")
    stages._remove(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_signals_are_noted_and_given_back() -> None:
    before = {number: signal.getsignal(number) for number in stages.ENDING}
    caught: list[int] = []
    with stages._noting(caught):
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
    assert caught == [signal.SIGTERM, signal.SIGINT]
    assert {number: signal.getsignal(number) for number in stages.ENDING} == before


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        caught: list[int] = []
        with stages._noting(caught):
            os.kill(os.getpid(), signal.SIGHUP)
        assert caught == []
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("signum", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_demo_that_is_ended_leaves_nothing(
    signum: int, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> subprocess.Popen[bytes]:
        (folder / "queue").mkdir()
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
            )
        )
        return started[0]

    monkeypatch.setattr(stages, "_start", start)

    def ended() -> None:
        with stages.stage() as made:
            os.kill(os.getpid(), signum)
            assert made.folder.is_dir()
            made.until(lambda: "never", "that")

    with pytest.raises(error):
        ended()
    assert started[0].stdin is not None
    started[0].stdin.close()
    assert started[0].returncode is not None
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_celery_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "find_spec", lambda name: None)
    with (
        pytest.raises(LeakhuntError, match=r"the demo needs Celery: .* -m pip install celery"),
        stages.stage(),
    ):
        pass


def test_the_worker_gets_nothing_that_would_make_it_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = ("LEAKHUNT_ENGINE", "CELERY_BROKER_URL", "PYTHONTRACEMALLOC", "PYTHONMALLOC")
    with monkeypatch.context() as patch:
        for name in unwanted:
            patch.setenv(name, "x")
        patch.setenv("PYTHONPATH", "/mine")
        told = stages._environment(tmp_path)
    assert not set(unwanted) & set(told)
    assert told["LEAKHUNT_DIR"] == str(tmp_path / "snapshots")
    assert told["PYTHONPATH"].split(os.pathsep)[:2] == [str(tmp_path), "/mine"]
