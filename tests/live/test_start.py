"""What is traced from when, what the log says of it, and ways of hooking that nobody tested."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live import harness
from tests.live.test_pools import SPAWN

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Worker]:
    with harness.worker(tmp_path_factory.mktemp("start"), "-c", "1") as found:
        found.hooked("child")
        yield found


def test_nothing_is_traced_before_the_first_trigger(worker: harness.Worker) -> None:
    child = worker.hooked("child")[0]
    assert worker.do("leak", 300_000) == 300_000
    modules = set(worker.do("modules"))
    assert child["armed_at"] is None
    assert "tracing began" not in worker.log
    assert "traces after the first signal" in worker.log

    baseline, _ = worker.dump(child)
    line = next(line for line in worker.log.splitlines() if "tracing began" in line)
    assert f"process {child['pid']}" in line
    assert "what was allocated before" in line
    assert "is not seen" in line
    assert "WARNING/ForkPoolWorker" in line
    assert worker.current(child)["armed_at"] is not None
    known = harness.facts(baseline)
    assert (known["baseline"], known["start"], known["nframe"]) == (True, "signal", 5)
    assert known["armed_rss"] > 0
    assert harness.size_at(baseline, "shop.py") == 0

    assert worker.do("leak", 200_000) == 200_000
    later, _ = worker.dump(child)
    assert harness.facts(later)["baseline"] is False
    assert 200_000 <= harness.size_at(later, "shop.py") < 210_000  # not the 300,000 before
    assert worker.log.count("tracing began") == 1
    assert set(worker.do("modules")) == modules  # two captures imported nothing


def test_files_and_folders_are_private(worker: harness.Worker) -> None:
    child = worker.hooked("child")[0]
    path, _ = worker.dump(child)
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, worker.dir, worker.dir / "processes"):
        assert folder.stat().st_mode & 0o777 == 0o700
    for record in (worker.dir / "processes").iterdir():
        assert record.stat().st_mode & 0o777 == 0o600


def test_no_finalizer_runs_in_the_capture(worker: harness.Worker) -> None:
    """An object in another thread's local says goodbye in the worker, and only there."""
    child = worker.hooked("child")[0]
    assert worker.do("finalize") == child["pid"]
    for _ in range(2):
        worker.dump(child)
    assert "finalized" not in worker.noticed()
    worker.do("leave")
    worker.noted(f"finalized-{child['pid']}")
    assert worker.noticed().count("finalized") == 1


def test_dump_from_a_task(worker: harness.Worker) -> None:
    path = Path(worker.do("dump"))
    known = harness.facts(path)
    assert (known["trigger"], known["forked"], known["running"]) == ("code", True, ["dump"])


def test_a_process_that_a_task_forks_takes_the_signal_unharmed(worker: harness.Worker) -> None:
    child = worker.hooked("child")[0]
    result = worker.send("forks", 1.0)

    def grandchild() -> int | None:
        notes = worker.noticed().split()
        return next((int(w.partition("-")[2]) for w in notes if w.startswith("forked-")), None)

    pid = worker.until(grandchild, "the task has forked")
    before = worker.current(child)["captures"]
    os.kill(pid, signal.SIGUSR1)
    assert result.get(timeout=harness.PATIENCE) == 5
    assert worker.current(child)["captures"] == before


def test_the_folder_is_removed_under_the_worker(worker: harness.Worker) -> None:
    child = worker.hooked("child")[0]
    everything = [path for path in worker.dir.rglob("*") if path.is_file()]
    for path in everything:
        path.unlink()
    for path in sorted(worker.dir.rglob("*"), reverse=True):
        path.rmdir()
    worker.dir.rmdir()
    os.kill(child["pid"], signal.SIGUSR1)
    series = Path(child["series"])
    worker.until(lambda: list(series.glob("*.bin")), "a snapshot in a new folder")
    worker.until(
        lambda: [r for r in worker.records() if r["pid"] == child["pid"]], "the record is back"
    )


METHODS = ["fork", pytest.param("spawn", marks=pytest.mark.skipif(not SPAWN, reason="no spawn"))]


@pytest.mark.parametrize("method", METHODS)
def test_from_boot_and_at_exit(method: str, tmp_path: Path) -> None:
    options = ["--pool-start-method", "spawn"] if method == "spawn" else []
    with harness.worker(
        tmp_path, "-c", "1", *options, LEAKHUNT_START="boot", LEAKHUNT_AT_EXIT="yes"
    ) as worker:
        child, main = worker.hooked("child")[0], worker.hooked("main")[0]
        assert child["armed_at"] is not None
        assert worker.do("leak", 100_000) == 100_000
        path, _ = worker.dump(child)
        known = harness.facts(path)
        assert (known["baseline"], known["start"]) == (False, "boot")
        assert harness.size_at(path, "shop.py") >= 100_000
        assert "tracing began" not in worker.log
        worker.stop()
        for record in (child, main):
            triggers = [harness.facts(p)["trigger"] for p in worker.snapshots(record)]
            assert triggers.count("exit") == 1, (record["role"], triggers)
            assert triggers[-1] == "exit"


def test_a_program_that_starts_its_own_worker(tmp_path: Path) -> None:
    """``leakhunt.install()`` in the program, ``app.worker_main()`` after it."""
    worker = harness.Worker(
        tmp_path, "-c", "2", hook=False, program=[str(harness.APPS / "shop.py")],
        LEAKHUNT_AT_EXIT="1",
    )  # fmt: skip
    try:
        worker.ready()
        main, children = worker.hooked("main")[0], worker.hooked("child", 2)
        os.kill(main["pid"], signal.SIGUSR1)
        for record in [main, *children]:
            worker.until(lambda r=record: worker.snapshots(r), "everybody dumps")  # type: ignore[misc]
        assert worker.do("limited", 3.0) == 1
        worker.stop()
        for record in [main, *children]:
            triggers = [harness.facts(p)["trigger"] for p in worker.snapshots(record)]
            assert triggers == ["signal", "exit"], (record["role"], triggers)
    finally:
        worker.kill()


@pytest.mark.skipif(not SPAWN, reason="no spawn")
def test_install_beside_the_app_reaches_spawned_children(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", "--pool-start-method", "spawn", hook=False, SHOP_INSTALL="4"
    ) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        for _ in range(5):
            worker.do("leak", 10)
        worker.until(lambda: len(worker.snapshots(child)) == 2, "one after four tasks")
        assert [harness.facts(p)["trigger"] for p in worker.snapshots(child)] == ["signal", "tasks"]
        assert worker.do("limited", 3.0) == 1
        trackers = [
            process
            for process in psutil.Process(worker.process.pid).children(recursive=True)
            if "semaphore_tracker" in " ".join(process.cmdline())
        ]
        assert trackers
        os.kill(worker.hooked("main")[0]["pid"], signal.SIGUSR1)
        worker.until(lambda: len(worker.snapshots(child)) == 3, "the child was told")
        assert all(t.is_running() and t.status() != psutil.STATUS_ZOMBIE for t in trackers)
