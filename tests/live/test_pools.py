"""Every pool, every way of hooking, every broker: a signal writes a snapshot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live import harness

pytestmark = pytest.mark.live

#: Nothing is traced before the first trigger, whatever the engine; samples so dense that blocks
#: of a few hundred bytes are all seen.
ARMED_LATE = {"LEAKHUNT_START": "signal"}
FINE = {"LEAKHUNT_INTERVAL": "64"}


@pytest.mark.parametrize("pool", ["prefork", "spawn", "solo", "threads", "gevent", "eventlet"])
def test_a_pool(pool: str, tmp_path: Path) -> None:
    if not harness.present(pool):
        pytest.skip(f"this Python or this Celery has no {pool}")
    options = ["-P", pool, "-c", "2"]
    if pool == "spawn":
        options = ["-P", "prefork", "--pool-start-method", "spawn", "-c", "1"]
    with harness.worker(tmp_path, *options, **ARMED_LATE, **FINE) as worker:
        separate = pool in ("prefork", "spawn")
        record = worker.hooked("child" if separate else "worker")[0]
        assert record["pool"] == ("prefork" if pool == "spawn" else pool)
        assert worker.do("leak", 10) == 10
        path, _ = worker.dump(record)
        first = harness.facts(path)
        assert first["baseline"] is True
        assert first["engine"] == harness.engine()
        assert (
            harness.size_at(path, ".py") < 4096
        )  # nothing but what fork hooks (gevent has some) made

        napping = worker.send("nap", 0.8)
        worker.noted("nap")
        path, _ = worker.dump(record)
        assert napping.get(timeout=harness.PATIENCE) == 0.8
        for _ in range(6):
            assert worker.do("leak", 50_000) == 50_000
        path, _ = worker.dump(record)
        if pool != "prefork":  # with two children, either may have had the tasks
            assert harness.size_at(path, "shop.py") >= 300_000
        known = harness.facts(path)
        assert known["sequence"] == 3
        assert known["forked"] is True
        assert known["exact"] is True
        assert known["node"].startswith("celery@")
        assert known["rss"] >= known["uss"] > 0
        assert known["traced"] > 0
        assert known["tasks_done"] == sum(task["runs"] for task in known["tasks"].values())
        if pool == "spawn":
            trackers = [
                p for p in worker_processes(worker) if "semaphore_tracker" in " ".join(p.cmdline())
            ]
            os.kill(worker.hooked("main")[0]["pid"], signal.SIGUSR1)
            worker.dump(record)
            assert all(tracker.is_running() for tracker in trackers)


def worker_processes(worker: harness.Worker) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(worker.process.pid).children(recursive=True)
    return found


def _gone(worker: harness.Worker, pid: int) -> Callable[[], bool]:
    return lambda: pid not in {record["pid"] for record in worker.records()}


def test_redis(redis_url: str, tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url, **FINE
    ) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        assert [worker.do("leak", 1000 * n) for n in range(20)] == [1000 * n for n in range(20)]
        path, _ = worker.dump(child)
        assert harness.size_at(path, "shop.py") >= 190_000
        assert (
            harness.facts(path)["tasks"]["leak"]["runs"] >= 19
        )  # the result is out before the task is booked
        main = worker.hooked("main")[0]
        worker.dump(main)
        assert worker.do("leak", 1) == 1


def test_install_beside_the_app_and_every_n_tasks(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", hook=False, SHOP_INSTALL="8", LEAKHUNT_EVERY="3", **ARMED_LATE
    ) as worker:
        child = worker.hooked("child")[0]
        worker.feed(child, 8, 25, "leak", 1000)
        found = [harness.facts(path) for path in worker.snapshots(child)]
        assert len(found) == 3  # keywords win over variables
        assert [known["trigger"] for known in found] == ["tasks"] * 3
        done = [known["tasks_done"] for known in found]
        assert all(0 <= 8 * n - at <= 1 for n, at in enumerate(done, 1)), done
        assert [known["baseline"] for known in found] == [True, False, False]


def test_children_that_the_pool_replaces_are_hooked(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", "--max-tasks-per-child", "2") as worker:
        seen = set()
        for _ in range(3):
            child = worker.hooked("child")[0]
            worker.dump(child)
            seen.add(child["pid"])
            assert worker.do("leak", 10) == 10
            assert worker.do("pid") == child["pid"]
            worker.until(_gone(worker, child["pid"]), "the old child has gone")
        assert len(seen) == 3
        crashing = worker.hooked("child")[0]["pid"]
        worker.send("crash")

        def successor() -> list[dict[str, Any]]:
            return [r for r in worker.records() if r["role"] == "child" and r["pid"] != crashing]

        child = worker.until(successor, "a new child is hooked after the crash")[0]
        worker.dump(child)
        assert crashing not in {record["pid"] for record in worker.records()}
