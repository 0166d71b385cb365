"""What the engines cost a real Celery worker: CPU-time ratios, toggled inside one worker.

    python tests/benchmarks/bench_worker.py [rounds]     solo and prefork, and the hook itself

One worker on a Redis of its own runs tasks of mixed work. In the process that runs them, every
``BLOCK`` tasks the next engine is started or stopped: with, without, with, without. The CPU
time (``process_time``, all threads) of each block with an engine is divided by the mean of
the blocks without on both sides. Workers beside each other cannot be compared at this
precision: two without any engine differ by tens of per cent.

A block is 100 tasks of about a millisecond. An engine that was just started knows no stacks yet; with
blocks of 25 tasks, 30 ms, learning them costs a half to one per cent that no running worker pays.
The budget is measured as it runs after ``WARM_UP`` tasks have spent the credit of the young process.
Slow engines come last, in fewer and smaller blocks. Then: what the hook adds to a task.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.celery_worker import celery_app, wait_for, worker

BLOCK, SLOW_BLOCK, SLOW_ROUNDS = 100, 5, 5
WARM_UP = 5000
OVERLAP = 200


# -- in the worker: the module that it imports, driven by tasks ------------------------------


def worker_app() -> Any:
    """The Celery app of the worker; the plan is a list of [engine, tasks] in its folder."""
    from celery import signals

    from tests.benchmarks import engines
    from tests.benchmarks.workloads import task

    app = celery_app()
    app.task(name="task")(task)
    folder = Path(os.environ["BENCH_FOLDER"])
    candidates = engines.found()
    steps: list[tuple[str | None, int]] = []
    costs: list[tuple[str | None, float]] = []
    state = {"left": 0, "began": 0}

    def task_starts(sender: Any = None, **_: Any) -> None:
        if sender.name != "task":
            return
        if state["left"]:
            return
        if not steps and not costs:
            steps.extend(json.loads((folder / "plan").read_text()))
        if steps:
            name, state["left"] = steps[0]
            if name is not None:
                candidates[name][0]()
            state["began"] = time.process_time_ns()

    def task_ends(sender: Any = None, **_: Any) -> None:
        if sender.name != "task" or not state["left"]:
            return
        state["left"] -= 1
        if state["left"] == 0:
            spent = time.process_time_ns() - state["began"]
            name, tasks = steps.pop(0)
            if name is not None:
                candidates[name][1]()
            costs.append((name, spent / tasks))
            if not steps:
                (folder / "out.part").write_text(json.dumps(costs))
                (folder / "out.part").rename(folder / "out")

    signals.task_prerun.connect(task_starts, weak=False)
    signals.task_postrun.connect(task_ends, weak=False)
    return app


# -- in the console ----------------------------------------------------------------------------


def plan(rounds: int) -> list[tuple[str | None, int]]:
    """Engine (None: without) and number of tasks of each block, in their order."""
    from tests.benchmarks import engines

    names = list(engines.found())
    quick = [name for name in names if name not in engines.SLOW]
    slow = [name for name in names if name in engines.SLOW]
    steps: list[tuple[str | None, int]] = [(engines.BUDGET, WARM_UP), (None, BLOCK)]
    for _ in range(rounds):
        random.shuffle(quick)
        for name in quick:
            steps += [(name, BLOCK), (None, BLOCK)]
    for _ in range(SLOW_ROUNDS):
        for name in slow:
            steps += [(name, SLOW_BLOCK), (None, BLOCK)]
    return steps


def ratios(costs: list[tuple[str | None, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for (_, before), (name, cost), (_, after) in zip(costs[1:], costs[2:], costs[3:]):
        if name is not None:
            found.setdefault(name, []).append(2 * cost / (before + after))
    return found


def run(pool: str, rounds: int) -> dict[str, list[float]]:
    """{engine: ratios} from one worker of this pool."""
    steps = plan(rounds)
    source = "from tests.benchmarks.bench_worker import worker_app\napp = worker_app()\n"
    with worker(pool, source) as (app, folder):
        (folder / "plan").write_text(json.dumps(steps))
        with app.producer_pool.acquire() as producer:
            for _ in range(sum(tasks for _, tasks in steps) + OVERLAP):
                app.send_task("task", producer=producer)
        return ratios(json.loads(wait_for(folder / "out", 3000)))


def booking() -> float:
    """Seconds that booking a finished task takes when nothing is due."""
    from leakhunt.hook import config
    from leakhunt.hook.hook import Hook

    with tempfile.TemporaryDirectory() as folder:
        settings = {"dir": folder, "every": 10**8, "rss": "1TiB", "rss_step": "1TiB"}
        hook = Hook(config.settings(settings, {}))
        times = []
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(5000):
                hook.task_done("mixed")
            times.append((time.perf_counter() - began) / 5000)
        return statistics.median(times)


def columns(rounds: int) -> dict[str, dict[str, list[float]]]:
    return {f"worker, {pool}": run(pool, rounds) for pool in ("solo", "prefork")}


if __name__ == "__main__":
    from tests.benchmarks import engines

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    version = sys.version.split()[0]
    print(f"Python {version}, {count} rounds of {BLOCK} tasks: 25 % / **median** / 75 %\n")
    print(engines.table(columns(count)), flush=True)
    print(f"\nbooking a task when nothing is due: {booking() * 1e6:.2f} us")
