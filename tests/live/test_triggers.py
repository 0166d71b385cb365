"""What else writes a snapshot, what is kept, and what happens when it cannot be written."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.live import harness

pytestmark = pytest.mark.live


def test_from_boot_every_n_tasks_at_exit_and_what_is_kept(tmp_path: Path) -> None:
    worker = harness.Worker(
        tmp_path, "-P", "solo",
        LEAKHUNT_START="boot", LEAKHUNT_EVERY="4", LEAKHUNT_KEEP="4", LEAKHUNT_AT_EXIT="1",
        LEAKHUNT_NFRAME="3", LEAKHUNT_INTERVAL="64", LEAKHUNT_WALK="off",
    )  # fmt: skip
    try:
        record = worker.ready().hooked("worker")[0]
        worker.feed(record, 4, 26, "leak", 1000)
        worker.stop()

        # A capture that takes longer than a worker's farewell goes on alone.
        def all_four() -> list[Path] | None:
            files = worker.snapshots(record)
            return files if len(files) == 4 and files[-1].match("*-exit.bin") else None

        files = harness.until(all_four, "the last snapshot")
        found = [harness.facts(path) for path in files]
        assert found[0]["sequence"] == 1
        assert [known["trigger"] for known in found] == ["tasks", "tasks", "tasks", "exit"]
        assert found[-1]["sequence"] == 7
        assert found[-1]["tasks_done"] == 26
        assert found[-1]["nframe"] == 3
        assert not any(known["baseline"] for known in found)
        # Everything the tasks kept is seen, to the byte: nothing was allocated before boot.
        kept = 26 * 1000
        grown = harness.size_at(worker.snapshots(record)[-1], "shop.py")
        assert kept < grown < kept + 26 * 200 + 40_000
    finally:
        worker.kill()


def test_rss(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path, "-c", "1", LEAKHUNT_RSS_STEP="8MiB", LEAKHUNT_RSS="75MiB"
    ) as worker:
        child = worker.hooked("child")[0]
        worker.do("leak", 1000)
        triggers: set[str] = set()
        for _ in range(60):  # up to 300 MiB: how large a fresh child is differs by Python
            worker.do("nap", 0.15)  # RSS is looked at twenty times a second at most
            worker.do("leak", 5 << 20)
            worker.do("pid")  # the task before is booked, and what it made due is under way by now
            worker.until(lambda: not harness.children(child), "no capture is under way")
            triggers = {harness.facts(path)["trigger"] for path in worker.snapshots(child)}
            if len(triggers) > 1:
                break
        assert triggers == {"rss", "rss-step"}


def test_the_engine_can_be_off(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", LEAKHUNT_ENGINE="off") as worker:
        path, _ = worker.dump(worker.hooked("child")[0])
        known = harness.facts(path)
        assert known["engine"] == "off"
        assert known["traced"] is None
        assert known["rss"] > 0
        assert worker.do("limited", 1) == 1


def test_without_fork(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", LEAKHUNT_FORK="0", LEAKHUNT_INTERVAL="64") as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)
        worker.do("leak", 300_000)
        path, _ = worker.dump(child)
        assert harness.facts(path)["forked"] is False
        assert harness.size_at(path, "shop.py") >= 300_000
        worker.logged("LEAKHUNT_FORK=0")


def test_a_bad_setting_is_said_and_the_worker_runs(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", LEAKHUNT_EVERY="often") as worker:
        worker.logged("the worker runs without the hook: LEAKHUNT_EVERY=often")
        assert worker.do("limited", 1) == 1
        assert worker.records() == []


def test_a_capture_that_hangs_is_ended(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", SHOP_HANG="1") as worker:
        child = worker.hooked("child")[0]
        os.kill(child["pid"], signal.SIGUSR1)
        assert worker.do("leak", 7) == 7
        worker.logged("no snapshot: it hung and was ended after")
        assert worker.snapshots(child) == []
        worker.until(lambda: not harness.children(child), "the capture's child was reaped")
        assert worker.do("limited", 1) == 1


def test_a_full_disk(tmp_path: Path) -> None:
    with harness.worker(
        tmp_path,
        "-c",
        "1",
        SHOP_FILE_LIMIT="12000",
        LEAKHUNT_WALK="off",
        LEAKHUNT_START="signal",
        LEAKHUNT_INTERVAL="64",
    ) as worker:
        child = worker.hooked("child")[0]
        worker.dump(child)  # a baseline is small
        for size in range(40):
            worker.do("leak", size)
        os.kill(child["pid"], signal.SIGUSR1)
        worker.logged("no snapshot: cannot write")
        worker.logged("File too large")
        assert len(worker.snapshots(child)) == 1
        assert list(Path(child["series"]).glob(".*")) == []
        assert worker.do("leak", 7) == 7


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    worker = harness.Worker(tmp_path, "-c", "1", LEAKHUNT_DIR=str(blocked / "snapshots"))
    try:
        worker.ready().logged("cannot record this process")
        assert "writes to" not in worker.log, "nothing is said to be written where nothing can be"
        pid = worker.do("pid")
        os.kill(pid, signal.SIGUSR1)
        worker.logged("no snapshot: ")
        assert worker.do("pid") == pid
        assert worker.do("limited", 1) == 1
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(harness.PATIENCE) == 0
    finally:
        worker.kill()


def test_after_three_failures_in_a_row_only_a_signal_is_tried_and_a_success_forgives_them(
    tmp_path: Path,
) -> None:
    with harness.worker(
        tmp_path, "-c", "1", LEAKHUNT_EVERY="1", LEAKHUNT_START="boot", LEAKHUNT_WALK="off"
    ) as worker:
        child = worker.hooked("child")[0]
        series = Path(child["series"])

        def taken(number: int) -> None:
            for _ in range(number):
                before = worker.current(child)["captures"]
                worker.do("pid")
                worker.until(lambda n=before: worker.current(child)["captures"] > n, "it was tried")  # type: ignore[misc]

        def broken() -> None:
            series.rename(tmp_path / "away")
            series.write_text("a file where the folder should be")

        def mended() -> None:
            series.unlink()
            (tmp_path / "away").rename(series)

        taken(1)
        for _ in range(2):  # what was forgiven does not count
            broken()
            taken(2)
            mended()
            taken(1)
        assert "are off until a signal succeeds" not in worker.log
        broken()
        taken(3)
        worker.logged("are off until a signal succeeds")
        mended()
        before = worker.current(child)["captures"]
        for _ in range(3):
            worker.do("pid")
        assert worker.do("limited", 1) == 1
        assert worker.current(child)["captures"] == before
        worker.dump(child)
        taken(2)


def test_a_capture_that_is_killed_leaves_no_torn_file(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", SHOP_SLOW="1.5") as worker:
        child = worker.hooked("child")[0]
        series = Path(child["series"])

        def capturing() -> list[psutil.Process] | None:
            if not list(series.glob(".*.tmp")):
                return None
            found: list[psutil.Process] = psutil.Process(child["pid"]).children()
            return found

        os.kill(child["pid"], signal.SIGUSR1)
        worker.until(capturing, "a capture is writing")[0].kill()
        worker.logged("no snapshot: its process was killed by signal 9")
        worker.until(lambda: not list(series.iterdir()), "what was half written is gone")

        # In a task: a pool child that dies while it waits for one takes billiard's lock along.
        worker.send("nap", 30)
        worker.noted("nap")
        os.kill(child["pid"], signal.SIGUSR1)
        capture = worker.until(capturing, "a capture is writing")[0]
        os.kill(child["pid"], signal.SIGKILL)  # the worker itself dies in the middle
        worker.until(lambda: not capture.is_running(), "the capture has ended by itself")
        assert list(series.glob(".*")) == []
        for path in series.glob("*.bin"):
            assert harness.facts(path)["pid"] == child["pid"]
        worker.until(
            lambda: [r for r in worker.hooked("child") if r["pid"] != child["pid"]], "a new child"
        )
        assert worker.do("leak", 7) == 7
