"""The table that blogs print: RSS of a leaky and of a fixed worker after 1,000, 5,000 and 10,000 tasks.

    python tests/benchmarks/bench_blog.py [TASKS ...]

Two real workers with one child each, hooked, do the same tasks; the leaky one keeps what a task made in a list of
its module. The figures are read from the CSV file of ``leakhunt watch --csv``, so they are what a user sees.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.celery_worker import ROOT, worker

APP = """
import json, os
from celery import Celery
app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
app.conf.task_ignore_result = True
AUDIT = []
@app.task(name="ready", ignore_result=False)
def ready():
    return os.getpid()
@app.task(name="order")
def order(number):
    made = json.loads(json.dumps({"number": number, "items": [{"sku": str(n), "price": n} for n in range(20)]}))
    if os.environ["BENCH_LEAKS"] == "1":
        AUDIT.append(made)
"""
STEPS = tuple(map(int, sys.argv[1:])) or (1_000, 5_000, 10_000)
HEAD = ("tasks", "leaky", "fixed")


def rows(table: Path, pid: int) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["pid"] == str(pid) and row["tasks"]]


def sizes(leaks: bool) -> dict[int, int]:
    """RSS of the child after so many tasks, from the first row of ``watch`` that has them done."""
    with tempfile.TemporaryDirectory() as folder, worker(
        "prefork", APP, "-I", "leakhunt.worker",
        LEAKHUNT_DIR=folder, BENCH_LEAKS=str(int(leaks)),
    ) as (app, _):  # fmt: skip
        pid = app.send_task("ready").get(timeout=120)
        table = Path(folder) / "memory.csv"
        watcher = subprocess.Popen(
            [sys.executable, "-m", "leakhunt", "watch", str(pid), "--interval", "0.5s", "--csv", str(table)],
            cwd=ROOT, stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LEAKHUNT_DIR": folder},
        )  # fmt: skip
        try:
            found = {0: _reached(table, pid, 1, watcher)}
            for before, tasks in zip((0, *STEPS), STEPS):
                for number in range(before, tasks):
                    app.send_task("order", (number,))
                found[tasks] = _reached(table, pid, tasks + 1, watcher)  # `ready` is one
            return found
        finally:
            watcher.kill()
            watcher.wait()


def _reached(table: Path, pid: int, tasks: int, watcher: Any) -> int:
    deadline = time.monotonic() + 600
    while True:
        for row in rows(table, pid):
            if int(row["tasks"]) >= tasks:
                return int(row["rss"])
        assert watcher.poll() is None
        assert time.monotonic() < deadline, f"{tasks} tasks are not done"
        time.sleep(0.2)


if __name__ == "__main__":
    leaky, fixed = sizes(True), sizes(False)
    print("{:>8}  {:>12}  {:>12}".format(*HEAD))
    for tasks in (0, *STEPS):
        print(
            f"{tasks:8,}  {leaky[tasks] / (1 << 20):8.1f} MiB  {fixed[tasks] / (1 << 20):8.1f} MiB"
        )
