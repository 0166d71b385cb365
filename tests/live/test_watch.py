"""``leakhunt watch`` on a real worker: its rows, snapshots, command, and children that are replaced."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import harness

pytestmark = pytest.mark.live


def watching(worker: harness.Worker, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "leakhunt", "watch", str(worker.process.pid), "--interval", "0.2s", *arguments],
        env={**os.environ, "LEAKHUNT_DIR": str(worker.dir)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(watcher: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = watcher.communicate(timeout=harness.PATIENCE)
    finally:
        watcher.kill()
        watcher.wait()
    return watcher.returncode, out, err


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_snapshots_and_the_command(tmp_path: Path) -> None:
    table, marks = tmp_path / "memory.csv", tmp_path / "marks"
    script = f"import os; open({str(marks)!r}, 'a').write(os.environ['WATCH_PID'] + '\\n')"
    with harness.worker(tmp_path, "-c", "1") as worker:
        child = worker.hooked("child")[0]
        worker.do("leak", 10)
        assert worker.snapshots(child) == []
        watcher = watching(
            worker, "--csv", str(table), "--snapshot-above", "100MiB", "--critical", "100MiB",
            "--exec", f'{sys.executable} -c "{script}"',
        )  # fmt: skip
        try:
            worker.until(lambda: len(rows(table)) >= 4, "rows are written")
            for _ in range(20):
                worker.do("swell", 4 << 20)
            worker.until(
                lambda: len(worker.snapshots(child)) == 1, "a snapshot is taken above the size"
            )
            worker.until(
                lambda: marks.exists() and marks.read_text() == f"{child['pid']}\n",
                "the command has run",
            )
            seen = len(rows(table))
            worker.until(lambda: len(rows(table)) >= seen + 8, "it goes on")

            def counted() -> bool:  # a task's result is out before it is booked
                mine = [row for row in rows(table) if row["pid"] == str(child["pid"])]
                return mine[-1]["tasks"] == "21"

            worker.until(counted, "its last task is counted")
            watcher.send_signal(signal.SIGINT)
            status, out, err = ended(watcher)
        finally:
            watcher.kill()
            watcher.wait()
        assert status == 3, err  # it ended above --critical
        assert len(worker.snapshots(child)) == 1  # once, not at every look
        assert marks.read_text() == f"{child['pid']}\n"
        assert f"child {child['pid']}" in out
        found = [row for row in rows(table) if row["pid"] == str(child["pid"])]
        assert [row["timestamp"] for row in found] == sorted(row["timestamp"] for row in found)
        assert int(found[-1]["rss"]) - int(found[0]["rss"]) >= 60 << 20
        for row in found:
            assert int(row["rss"]) >= int(row["pss"]) >= int(row["uss"]) > 0
            assert int(row["vms"]) > int(row["rss"])


def children(path: Path) -> int:
    return len({row["pid"] for row in rows(path) if row["role"] == "child"})


def test_children_that_are_replaced(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", "--max-tasks-per-child", "1") as worker:
        table = tmp_path / "memory.csv"
        watcher = watching(worker, "--json", "--csv", str(table))
        try:
            worker.until(lambda: children(table) == 1, "the child is seen")
            worker.do("leak", 10)
            worker.until(lambda: children(table) == 2, "its successor is seen")
            worker.do("leak", 10)
            worker.until(lambda: children(table) == 3, "the third one is seen")
            watcher.send_signal(signal.SIGINT)
            status, out, err = ended(watcher)
        finally:
            watcher.kill()
            watcher.wait()
        assert status == 0, err
        assert json.loads(out)["ended"] >= 2


def test_once(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "1", hook=False) as worker:
        status, out, err = ended(watching(worker, "--once", "--json"))
        assert status == 0, err
        document = json.loads(out)
        assert {row["role"] for row in document["processes"]} == {"main", "child"}
        assert all(row["per_minute"] is None for row in document["processes"])
