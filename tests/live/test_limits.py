"""Soft time limits and revocations beside snapshots: each strikes once, in the right task.

Billiard uses SIGUSR1 for them. ``arbitrated`` is the way without real-time signals.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from tests.live import harness

pytestmark = pytest.mark.live

WAYS = [False, True]
#: Outlives a limit of 1 s, which the main process of the filesystem transport enforces once a second.
LASTS = 3.0


def variables(arbitrated: bool) -> dict[str, str]:
    return {"SHOP_NO_REAL_TIME": "1"} if arbitrated else {}


@pytest.fixture(scope="module", params=WAYS, ids=["real-time", "arbitrated"])
def arbitrated(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture(scope="module")
def worker(
    arbitrated: bool, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[harness.Worker]:
    """One child, so that every task and signal meets in it.

    On Redis, because remote control does not get through on the filesystem transport.
    """
    folder = tmp_path_factory.mktemp("limits")
    broker = {"SHOP_BROKER": redis_url, "SHOP_BACKEND": redis_url}
    with harness.worker(folder, "-c", "1", **broker, **variables(arbitrated)) as found:
        found.hooked("child")
        yield found


def child_of(worker: harness.Worker, *gone: int) -> dict[str, Any]:
    """The pool child, or its successor."""

    def look() -> dict[str, Any] | None:
        found = [r for r in worker.records() if r["role"] == "child" and r["pid"] not in gone]
        return found[0] if found else None

    return worker.until(look, "a hooked child")


def test_the_way_is_the_one_meant(worker: harness.Worker, arbitrated: bool) -> None:
    """The kernel knows whether the child catches a real-time signal."""
    status = Path(f"/proc/{child_of(worker)['pid']}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    caught = int(line.split()[1], 16)
    real_time = range(signal.SIGRTMIN, signal.SIGRTMAX + 1)
    assert any(caught >> (number - 1) & 1 for number in real_time) is not arbitrated
    assert caught >> (signal.SIGUSR1 - 1) & 1


@pytest.mark.parametrize(
    ("task", "options"),
    [("limited", {}), ("unlimited", {"soft_time_limit": 1})],
    ids=["of the task", "of the call"],
)
def test_it_strikes_once_with_snapshots_before_during_and_after(
    worker: harness.Worker, task: str, options: dict[str, Any]
) -> None:
    child = child_of(worker)
    worker.dump(child)
    began, struck = worker.notes("limited"), worker.notes("struck")
    result = worker.send(task, LASTS, **options)
    worker.noted("limited", began + 1)
    path, _ = worker.dump(child)
    assert harness.facts(path)["running"] == [task]
    worker.noted("struck", struck + 1)
    path, _ = worker.dump(child)  # the task has caught its limit and lives on
    assert harness.facts(path)["running"] == [task]
    assert result.get(timeout=harness.PATIENCE) == 1
    worker.dump(child)
    assert worker.do("unlimited", 0.1) == 0
    assert worker.do("pid") == child["pid"]


def test_one_that_is_not_caught_fails_that_task_only(worker: harness.Worker) -> None:
    child = child_of(worker)
    began = worker.notes("strict")
    result = worker.send("strict", 30)
    following = worker.send("unlimited", 0.5)
    worker.noted("strict", began + 1)
    worker.dump(child)
    with pytest.raises(SoftTimeLimitExceeded):
        result.get(timeout=harness.PATIENCE, interval=0.02)
    worker.dump(child)
    assert following.get(timeout=harness.PATIENCE) == 0
    assert worker.do("pid") == child["pid"]


def test_a_hard_limit_next_to_a_snapshot(worker: harness.Worker) -> None:
    child = child_of(worker)
    began = worker.notes("limited")
    result = worker.send("unlimited", 60, time_limit=1)
    worker.noted("limited", began + 1)
    worker.dump(child)
    with pytest.raises(TimeLimitExceeded):
        result.get(timeout=harness.PATIENCE, interval=0.02)
    worker.dump(child_of(worker, child["pid"]))
    assert worker.do("leak", 5) == 5


def test_a_task_revoked_by_sigusr1_is_told(worker: harness.Worker, arbitrated: bool) -> None:
    if arbitrated:
        pytest.skip("one signal for both: a revocation cannot be told from a snapshot's")
    child = child_of(worker)
    began, struck = worker.notes("limited"), worker.notes("struck")
    captures = worker.current(child)["captures"]
    result = worker.send("unlimited", 3.0)
    worker.noted("limited", began + 1)
    worker.app.control.revoke(result.id, terminate=True, signal="SIGUSR1")
    worker.noted("struck", struck + 1)
    assert worker.do("pid") == child["pid"]
    assert worker.notes("struck") == struck + 1
    assert worker.current(child)["captures"] == captures  # and it was no snapshot


def test_a_task_revoked_by_sigterm_ends_and_the_new_child_is_hooked(
    worker: harness.Worker,
) -> None:
    child = child_of(worker)
    began = worker.notes("nap")
    result = worker.send("nap", 60)
    worker.noted("nap", began + 1)
    worker.dump(child)
    worker.app.control.revoke(result.id, terminate=True)
    worker.dump(child_of(worker, child["pid"]))
    assert worker.do("leak", 5) == 5


@pytest.mark.parametrize("way", WAYS, ids=["real-time", "arbitrated"])
@pytest.mark.parametrize("where", ["command line", "configuration"])
def test_a_limit_of_the_whole_worker(where: str, way: bool, tmp_path: Path) -> None:
    """The one of the command line lives in the main process: the child cannot know it."""
    options = ["--soft-time-limit", "1"] if where == "command line" else []
    settings = {"SHOP_SOFT": "1"} if where == "configuration" else {}
    with harness.worker(tmp_path, "-c", "1", *options, **settings, **variables(way)) as worker:
        child = child_of(worker)
        worker.dump(child)
        result = worker.send("unlimited", LASTS)
        worker.noted("limited")
        worker.dump(child)
        worker.noted("struck")
        worker.dump(child)
        assert result.get(timeout=harness.PATIENCE) == 1
        worker.dump(child)
        assert worker.do("unlimited", 0.2) == 0
        # A call's own limit wins over the worker's.
        began = worker.notes("limited")
        result = worker.send("unlimited", LASTS, soft_time_limit=30)
        worker.noted("limited", began + 1)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:  # the worker's limit has passed by then
            worker.dump(child)
        assert result.get(timeout=harness.PATIENCE) == 0
        assert worker.do("pid") == child["pid"]
