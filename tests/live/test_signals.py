"""The signal and its neighbours: tasks under way, soft limits, other handlers, storms."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from tests.live import harness
from tests.live.harness import leakhunt

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("task", "answer"), [("asleep", "woke up"), ("spinning", True), ("listening", "x")]
)
def test_a_task_under_way_is_not_disturbed(
    prefork: harness.Worker, task: str, answer: object
) -> None:
    """Each goes on until it is told: what ends it is not the signal, and not the clock."""
    released, pipe = prefork.folder / "released", prefork.folder / "pipe"
    os.mkfifo(pipe)
    results = [prefork.send(task), prefork.send(task)]
    try:
        prefork.noted(task, 2)
        for child in prefork.hooked("child", 2):
            path, _ = prefork.dump(child)
            assert harness.facts(path)["running"] == [task]
        assert not any(result.ready() for result in results)
    finally:
        released.touch()
        with pipe.open("r+b", buffering=0) as both:  # open at both ends: blocks nobody
            both.write(b"xx")
            answers = [result.get(timeout=harness.PATIENCE) for result in results]
        released.unlink()
        pipe.unlink()
    assert answers == [answer, answer]


def test_the_main_process_tells_every_child_and_celery_still_reports(
    prefork: harness.Worker,
) -> None:
    main = prefork.hooked("main")[0]
    everyone = [main, *prefork.hooked("child", 2)]
    before = {record["pid"]: len(prefork.snapshots(record)) for record in everyone}
    reports = prefork.log.count("LOCAL VARIABLES")
    os.kill(main["pid"], signal.SIGUSR1)

    def everybody_dumped() -> bool:
        return all(len(prefork.snapshots(record)) > before[record["pid"]] for record in everyone)

    prefork.until(everybody_dumped, "a snapshot of every process")
    prefork.until(lambda: prefork.log.count("LOCAL VARIABLES") > reports, "Celery's stack report")
    assert "ForkPoolWorker-1] Traceback" not in prefork.log
    assert prefork.do("leak", 5) == 5


def test_nothing_accumulates(prefork: harness.Worker) -> None:
    def state() -> dict[int, tuple[int, int]]:
        return {
            record["pid"]: (
                psutil.Process(record["pid"]).num_fds(),
                psutil.Process(record["pid"]).num_threads(),
            )
            for record in prefork.hooked("child", 2)
        }

    for record in prefork.hooked("child", 2):
        prefork.dump(record)
    reaped(prefork)
    before = state()
    for _ in range(5):
        for record in prefork.hooked("child", 2):
            prefork.dump(record)
    reaped(prefork)
    # What belonged to the last capture may be closed a moment after its child is reaped.
    prefork.until(lambda: state() == before, f"as many descriptors and threads as before: {before}")


def reaped(worker: harness.Worker) -> None:
    worker.until(lambda: not children_of(worker), "every capture's child was reaped")


def children_of(worker: harness.Worker) -> list[int]:
    return [pid for record in worker.hooked("child") for pid in harness.forked(record["pid"])]


def test_a_soft_limit_strikes_once_whatever_the_signals(prefork: harness.Worker) -> None:
    before = prefork.notes("limited")
    results = [prefork.send("limited", 1), prefork.send("limited", 1)]
    prefork.noted("limited", before + 2)
    while not all(result.ready() for result in results):
        for child in prefork.hooked("child", 2):
            prefork.dump(child)
    assert [result.get(timeout=harness.PATIENCE) for result in results] == [1, 1]


def test_a_soft_limit_of_the_call_and_a_revoked_task(prefork: harness.Worker) -> None:
    assert prefork.do("limited_by_others", 1, soft_time_limit=1) == 1
    assert prefork.do("unlimited", 0.3) == 0
    with pytest.raises(SoftTimeLimitExceeded):
        prefork.do("strict", 100)
    struck = prefork.notes("limited")
    result = prefork.send("unlimited", 100)
    prefork.noted("limited", struck + 1)
    prefork.app.control.revoke(result.id, terminate=True, signal="SIGUSR1")
    prefork.send("pid")  # whatever was sent is delivered with it
    prefork.logged("Terminating " + result.id)
    prefork.until(lambda: len(prefork.hooked("child", 2)) >= 2, "two children")
    assert prefork.do("leak", 5) == 5


def test_a_hard_limit_still_ends_the_task(tmp_path: Path) -> None:
    """The last thing asked of this worker: billiard may lose a queue's lock with the child it ends."""
    worker = harness.Worker(tmp_path, "-c", "1")
    try:
        worker.dump(worker.hooked("child")[0])
        with pytest.raises(TimeLimitExceeded):
            worker.do("unlimited", 100, time_limit=1)
    finally:
        worker.kill()


@pytest.mark.once
@pytest.mark.parametrize("arbitrated", [False, True])
def test_a_soft_limit_from_the_command_line(arbitrated: bool, tmp_path: Path) -> None:
    """That limit lives in the main process only; with and without real-time signals."""
    variables = {"SHOP_NO_REAL_TIME": "1"} if arbitrated else {}
    with harness.worker(tmp_path, "-c", "1", "--soft-time-limit", "1", **variables) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        result = worker.send("limited_by_others", 1)
        worker.noted("limited")
        worker.dump(child)
        assert result.get(timeout=harness.PATIENCE) == 1
        worker.dump(child)
        assert worker.do("unlimited", 0) == 0
        assert worker.do("pid") == child["pid"]


@pytest.mark.once
def test_sigusr2_and_a_claimed_signal_is_chained(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", LEAKHUNT_SIGNAL="SIGUSR2", SHOP_CLAIM="module", SHOP_SOFT="1"
    ) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child, signal.SIGUSR2)
        worker.noted("claimed")
        assert worker.do("limited_by_others", 1) == 1
        assert worker.do("pid") == child["pid"]  # the task before is booked by now
        path, _ = worker.dump(child, signal.SIGUSR2)
        assert harness.facts(path)["tasks_done"] >= 1
        assert worker.notes("claimed") == 2


@pytest.mark.once
def test_the_second_signal_is_nobody_elses(tmp_path: Path) -> None:
    """What the console asks by is not passed on to whoever had the hook's signal before."""
    with harness.worker(
        tmp_path, "-c", "1", LEAKHUNT_SIGNAL="SIGUSR2", SHOP_CLAIM="module"
    ) as worker:
        child = worker.hooked("child")[0]
        assert child["second"] is not None
        for _ in range(2):
            done = leakhunt(tmp_path, "dump", str(child["pid"]))
            assert done.returncode == 0, done.stderr
        assert worker.notes("claimed") == 0
        worker.dump(child, signal.SIGUSR2)
        worker.noted("claimed")
        assert worker.notes("claimed") == 1


@pytest.mark.once
def test_handlers_set_later_are_chained(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", SHOP_CLAIM="process_init") as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        worker.noted("claimed", 1)
        worker.do("claim")
        # The answer is out before the hook takes the signal back; this one's is not.
        assert worker.do("pid") == child["pid"]
        worker.dump(child)
        worker.noted("claimed", 2)
        assert worker.do("limited", 1) == 1


def test_a_storm(tmp_path: Path) -> None:
    """A hundred signals in a second beside tasks with soft limits."""
    with harness.worker(tmp_path, "-c", "2") as worker:
        children = worker.hooked("child", 2)
        for child in children:
            worker.dump(child)
        reaped(worker)
        descriptors = {child["pid"]: psutil.Process(child["pid"]).num_fds() for child in children}
        limited = [worker.send("limited", 1) for _ in range(2)]
        worker.noted("limited", 2)
        leaks = [worker.send("leak", number) for number in range(30)]
        most = 0

        def storm() -> None:
            nonlocal most
            for _ in range(100):
                for child in children:
                    os.kill(child["pid"], signal.SIGUSR1)
                    most = max(most, len(harness.forked(child["pid"])))
                time.sleep(0.01)

        thread = threading.Thread(target=storm)
        thread.start()
        thread.join()
        assert [result.get(timeout=harness.PATIENCE) for result in limited] == [1, 1]
        assert [result.get(timeout=harness.PATIENCE) for result in leaks] == list(range(30))
        reaped(worker)
        assert most == 1
        assert {child["pid"] for child in worker.hooked("child", 2)} == set(descriptors)
        worker.until(
            lambda: {pid: psutil.Process(pid).num_fds() for pid in descriptors} == descriptors,
            f"as many descriptors as before: {descriptors}",
        )
        assert "Traceback" not in worker.log
