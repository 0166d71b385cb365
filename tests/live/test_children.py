"""Pool children come and go: the new ones are hooked, and a signal on the way harms nobody."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness

pytestmark = pytest.mark.live


def successor(worker: harness.Worker, *gone: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = [r for r in worker.records() if r["role"] == "child" and r["pid"] not in gone]
        return found[0] if found else None

    return worker.until(look, "a new child is hooked")


def test_more_memory_than_allowed(tmp_path: Path) -> None:
    """max-memory-per-child, with a snapshot before the child is replaced and after."""
    with harness.worker(tmp_path, "-c", "1", "--max-memory-per-child", "120000") as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        assert worker.do("leak", 100 << 20) == 100 << 20
        new = successor(worker, child["pid"])
        path, _ = worker.dump(new)
        assert harness.facts(path)["sequence"] == 1
        assert new["series"] != child["series"]
        assert worker.do("pid") == new["pid"]


@pytest.mark.parametrize("how", ["exit", "SIGSEGV"])
def test_a_crash(how: str, redis_url: str, tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url
    ) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        worker.send("crash", how)
        worker.dump(successor(worker, child["pid"]))
        assert worker.do("leak", 5) == 5
        assert child["pid"] not in {record["pid"] for record in worker.records()}


def test_children_that_autoscaling_adds(redis_url: str, tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "--autoscale", "3,1", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url
    ) as worker:
        naps = [worker.send("nap", 2.0) for _ in range(6)]
        children = worker.hooked("child", 3)
        os.kill(worker.hooked("main")[0]["pid"], signal.SIGUSR1)
        for child in children:
            worker.until(lambda c=child: worker.snapshots(c), "every child dumps")  # type: ignore[misc]
        assert [nap.get(timeout=harness.PATIENCE) for nap in naps] == [2.0] * 6


def test_a_signal_while_the_child_is_being_born(redis_url: str, tmp_path: Path) -> None:
    """It comes before the child has its hook: the child lives, and the snapshot follows."""
    with harness.worker(
        tmp_path, "-c", "1", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url, SHOP_SLOW_INIT="0.7"
    ) as worker:
        first = worker.hooked("child")[0]
        worker.send("crash", "exit")

        def newborn() -> int | None:
            notes = worker.noticed().split()
            born = [int(w.partition("-")[2]) for w in notes if w.startswith("born-")]
            return born[1] if len(born) > 1 else None

        pid = worker.until(newborn, "the new child begins")
        os.kill(pid, signal.SIGUSR1)
        child = successor(worker, first["pid"])
        assert child["pid"] == pid
        worker.until(lambda: worker.snapshots(child), "the snapshot that was asked for early")
        assert worker.do("pid") == pid


def test_the_worker_restarts_itself(redis_url: str, tmp_path: Path) -> None:
    """SIGHUP: the main process executes itself anew, under the same pid."""
    program = [str(Path(sys.executable).with_name("celery")), "-A", "shop"]  # not -m: Celery fails
    worker = harness.Worker(
        tmp_path, "-c", "1", program=program, SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url
    )  # fmt: skip
    try:
        worker.ready()
        child, main = worker.hooked("child")[0], worker.hooked("main")[0]
        worker.dump(child)
        first, _ = worker.dump(main)
        os.kill(main["pid"], signal.SIGHUP)
        worker.until(lambda: worker.log.count(" ready.") == 2, "the worker is ready again")
        new = successor(worker, child["pid"])
        worker.dump(new)
        second, _ = worker.dump(worker.hooked("main")[0])
        assert first.exists()
        # Another program under the same pid: neither its snapshots nor its counters mix.
        assert second.parent != first.parent or second.name > first.name
        assert worker.do("leak", 5) == 5
        worker.stop()
    finally:
        worker.kill()


def test_signals_while_the_worker_shuts_down(redis_url: str, tmp_path: Path) -> None:
    """Whoever signals everybody all the while must not keep them from ending cleanly."""
    worker = harness.Worker(tmp_path, "-c", "2", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url)
    try:
        worker.ready()
        records = [*worker.hooked("main"), *worker.hooked("child", 2)]
        nap = worker.send("nap", 0.5)
        worker.noted("nap")
        worker.process.send_signal(signal.SIGTERM)

        def ended() -> bool:
            for record in records:
                if worker.process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(record["pid"], signal.SIGUSR1)
            time.sleep(0.05)
            return worker.process.poll() is not None

        harness.until(ended, "the worker has shut down")
        assert worker.process.returncode == 0, worker.log[-4000:]
        assert nap.get(timeout=harness.PATIENCE) == 0.5
        assert "exited with" not in worker.log
        assert worker.records() == []
        for record in records:
            for path in worker.snapshots(record):
                assert harness.facts(path)["pid"] == record["pid"]
    finally:
        worker.kill()


def test_a_capture_under_way_at_shutdown_is_finished(redis_url: str, tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url, SHOP_SLOW="1.5"
    ) as worker:
        child = worker.hooked("child")[0]
        os.kill(child["pid"], signal.SIGUSR1)
        worker.until(lambda: list(Path(child["series"]).glob(".*.tmp")), "a capture is writing")
        worker.stop()
        assert len(worker.snapshots(child)) == 1
        harness.facts(worker.snapshots(child)[0])
