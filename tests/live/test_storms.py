"""A hundred signals in a second, for every pool: each task's result is right, nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live import harness

pytestmark = pytest.mark.live

SIGNALS = 100


class Storm:
    """Sends each process a hundred signals in about a second."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.pids = [record["pid"] for record in records]
        self._thread = threading.Thread(target=self._blow)
        self._thread.start()

    def _blow(self) -> None:
        for _ in range(SIGNALS):
            for pid in self.pids:
                os.kill(pid, signal.SIGUSR1)
            time.sleep(0.01)

    def over(self) -> None:
        self._thread.join()


def settled(worker: harness.Worker, record: dict[str, Any], descriptors: int, children: int) -> None:
    """No child, zombie or descriptor more than before."""
    worker.until(lambda: len(harness.children(record)) == children, "every capture was reaped")
    worker.until(lambda: opened(record) <= descriptors, "descriptors as before")


def opened(record: dict[str, Any]) -> int:
    """Descriptors other than sockets: green pools open connections to Redis as they need them."""
    folder = Path(f"/proc/{record['pid']}/fd")
    links = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(path))
    return sum(not link.startswith("socket:") for link in links)


def one_at_a_time(worker: harness.Worker, record: dict[str, Any]) -> int:
    """Each capture began after the one before was finished; returns how many there were."""
    known = [harness.facts(path) for path in worker.snapshots(record)]
    for earlier, later in zip(known, known[1:]):
        assert later["taken_at"] >= earlier["taken_at"] + earlier["pause"]
    assert [k["sequence"] for k in known] == sorted({k["sequence"] for k in known})
    return len(known)


@pytest.mark.parametrize("arbitrated", [False, True], ids=["real-time", "arbitrated"])
def test_prefork_children(arbitrated: bool, redis_url: str, tmp_path: Path) -> None:
    """Beside soft limits, programs that a task starts, and a task's own timer."""
    variables = {"SHOP_NO_REAL_TIME": "1"} if arbitrated else {}
    with harness.worker(
        tmp_path, "-c", "2", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url, LEAKHUNT_KEEP="0",
        **variables,
    ) as worker:  # fmt: skip
        children = worker.hooked("child", 2)
        for child in children:
            worker.dump(child)
        rehearsed = [worker.send("nap", 0.5) for _ in range(2)]
        for result in rehearsed:
            result.get(timeout=harness.PATIENCE, interval=0.02)
        before = {child["pid"]: opened(child) for child in children}
        for task, argument, answer in (
            ("limited", 2.4, 1),
            ("shell", 60, [n % 7 for n in range(60)]),
            ("alarms", 15, 15),
        ):
            begun = worker.notes(task)
            results = [worker.send(task, argument) for _ in range(2)]
            worker.noted(task, begun + 2)
            storm = Storm(*children)
            leaks = [worker.send("leak", number) for number in range(20)]
            storm.over()
            assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in results] == [answer] * 2
            assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in leaks] == list(range(20))
        for child in children:
            settled(worker, child, before[child["pid"]], 0)
            assert one_at_a_time(worker, child) > 3
        assert {child["pid"] for child in worker.hooked("child", 2)} == set(before)
        assert "Traceback" not in worker.log
        assert "no snapshot" not in worker.log


def test_the_main_process(redis_url: str, tmp_path: Path) -> None:
    """It passes each signal on, and Celery reports its stack: the tasks must not notice."""
    with harness.worker(
        tmp_path, "-c", "2", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url
    ) as worker:
        main, children = worker.hooked("main")[0], worker.hooked("child", 2)
        worker.dump(main)
        for child in children:
            worker.until(lambda c=child: worker.snapshots(c), "the child was told")  # type: ignore[misc]
        before = {record["pid"]: opened(record) for record in [main, *children]}
        results = [worker.send("limited", 5.0) for _ in range(2)]  # the main process is busy with reports
        worker.noted("limited", 2)
        storm = Storm(main)
        leaks = [worker.send("leak", number) for number in range(20)]
        storm.over()
        assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in results] == [1, 1]
        assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in leaks] == list(range(20))
        for child in children:
            settled(worker, child, before[child["pid"]], 0)
        settled(worker, main, before[main["pid"]], 2)
        assert "RecursionError" not in worker.log
        assert "no snapshot" not in worker.log


@pytest.mark.parametrize("pool", ["solo", "threads", "gevent", "eventlet"])
def test_another_pool(pool: str, redis_url: str, tmp_path: Path) -> None:
    """The same process runs the tasks, starts programs, and is signalled."""
    with harness.worker(
        tmp_path, "-P", pool, "-c", "4", SHOP_BROKER=redis_url, SHOP_BACKEND=redis_url,
        LEAKHUNT_KEEP="0", PYTHONWARNINGS="default",
    ) as worker:  # fmt: skip
        record = worker.hooked("worker")[0]
        worker.dump(record)
        rehearsed = [worker.send("shell", 3) for _ in range(4)]
        rehearsed += [worker.send("nap", 0.2) for _ in range(8)]
        for result in rehearsed:
            result.get(timeout=harness.PATIENCE, interval=0.02)
        worker.dump(record)
        before = opened(record)
        shells = [worker.send("shell", 20) for _ in range(2)]
        naps = [worker.send("nap", 0.5) for _ in range(2)]
        worker.noted("shell", 2)
        storm = Storm(record)
        leaks = [worker.send("leak", number) for number in range(20)]
        storm.over()
        codes = [n % 7 for n in range(20)]
        assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in shells] == [codes] * 2
        assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in naps] == [0.5] * 2
        assert [r.get(timeout=harness.PATIENCE, interval=0.02) for r in leaks] == list(range(20))
        settled(worker, record, before + 2, 0)
        assert one_at_a_time(worker, record) > 3
        assert psutil.Process(record["pid"]).status() != psutil.STATUS_ZOMBIE
        # Python 3.12 and later warn of a fork beside threads; nobody may be told of ours.
        assert "use of fork() may lead to deadlocks" not in worker.log
        assert "no snapshot" not in worker.log
