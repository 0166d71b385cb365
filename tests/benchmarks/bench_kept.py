"""How sure ``leakhunt tasks`` is of what a task keeps: the sampled engine's intervals against what tracemalloc counts.

    python tests/benchmarks/bench_kept.py [TIMES [RUNS [BYTES]]]

The same program under the same ledger: once with every allocation traced, which is the truth, and TIMES times sampled
every BYTES bytes (16384), each in a process of its own. What the program itself keeps per run (an entry in a table of
all ids, as Celery's worker has) is kept by each run, and so part of the truth.

``inside``: how often the interval of 95 % holds what tracemalloc has counted of these very runs. An interval is
of the runs to come as well: where they differ among themselves (one of fifty keeps, a cache is full by now), that is in it, in the
exact engine's as in the sampled one's, and it holds more than 95 %.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.engine.exact import Exact
from leakhunt.engine.sampled import Sampled
from leakhunt.hook.process.ledger import Ledger
from leakhunt.model.meta import Meta
from leakhunt.report.tasks import Task, tasks

KEPT: list[Any] = []
CACHE: dict[int, Any] = {}
DONE: dict[str, int] = {}
_CHANCE = random.Random(5)
RARELY = [_CHANCE.random() < 0.02 for _ in range(10**5)]


def _leaks(run: int) -> None:
    KEPT.append(bytes(1000))


def _leaks_little(run: int) -> None:
    KEPT.append([run + 1000, str(run)])


def _fills(run: int) -> None:
    CACHE.setdefault(run * 2654435761 % 4096 % 300, [bytes(600), str(run)])


def _turns_over(run: int) -> None:
    CACHE[run] = bytes(2000)
    if len(CACHE) > 64:
        del CACHE[next(iter(CACHE))]


def _leaks_rarely(run: int) -> None:
    if RARELY[run]:
        KEPT.append([bytes(1000) for _ in range(50)])


def _warms_up(run: int) -> None:
    if not run:
        CACHE[0] = [bytes(500) for _ in range(200)]


def _keeps_nothing(run: int) -> None:
    """But for its id, which the worker keeps."""


def _leaks_beside_another(run: int) -> None:
    if _named(run) == "leaks":
        KEPT.append(bytes(500))


def _named(run: int) -> str:
    """In spells of five: half of the runs are booked, or more."""
    return "leaks" if random.Random(run // 5).random() < 0.5 else "keeps nothing"


PROGRAMS: dict[str, tuple[Callable[[int], None], Callable[[int], str]]] = {
    "a steady leak, 1,000 B": (_leaks, lambda _: "leaks"),
    "a small leak, 160 B": (_leaks_little, lambda _: "leaks"),
    "a cache that fills": (_fills, lambda _: "fills"),
    "a cache that is full": (_turns_over, lambda _: "turns over"),
    "one run of 50 keeps 50 KiB": (_leaks_rarely, lambda _: "leaks"),
    "the first run warms up": (_warms_up, lambda _: "warms up"),
    "nothing": (_keeps_nothing, lambda _: "keeps nothing"),
    "two tasks in turn": (_leaks_beside_another, _named),
}


def ran(engine: Exact | Sampled, program: str, runs: int) -> dict[str, Any]:
    """The facts that a snapshot at the end would hold."""
    work, named = PROGRAMS[program]
    ledger = Ledger()

    def traced() -> int | None:
        return engine.counters().traced

    engine.start(1 if engine.name == "exact" else 25)
    ledger.armed(traced())
    for run in range(runs):
        name = named(run)
        ledger.begins(name, traced)
        engine.begin_task(ledger.number(name), None)
        json.loads(json.dumps({"texts": [str(at * 7919) for at in range(200)]}))
        work(run)
        DONE[f"{run:032x}"] = run  # an id of its own, as in the worker
        engine.end_task(0, ledger.count(name, traced, 0.001, 0.001), None)
    facts = {"tasks": ledger.facts(), "interval": engine.facts()["interval"]}
    engine.stop()
    return facts


def apart(make: Callable[[], Exact | Sampled], program: str, runs: int) -> dict[str, Task]:
    """The same in a forked child, which nothing has run in before."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        with os.fdopen(writing, "w") as file:
            json.dump(ran(make(), program, runs), file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        facts = json.load(file)
    os.waitpid(pid, 0)
    report = tasks([("1.bin", Meta(host="h", pid=1, started_at=1.0, facts=facts))])
    return {task.name: task for task in report.tasks}


def _half(task: Task) -> float:
    low, high = task.per_run_ci95 or (0.0, 0.0)
    return (high - low) / 2


def main(times: int = 200, runs: int = 500, grain: int = 16384) -> None:
    print(
        "| per run | tracemalloc | sampled, mean of all | ± stated | inside | too high | too low |"
    )
    print("|---|---|---|---|---|---|---|")
    for program in PROGRAMS:
        truths = apart(Exact, program, runs)
        found = [apart(lambda: Sampled(interval=grain), program, runs) for _ in range(times)]
        for name, truth in sorted(truths.items()):
            exactly = truth.kept_per_run or 0.0
            every = [each[name] for each in found]
            bounds = [task.per_run_ci95 for task in every if task.per_run_ci95 is not None]
            high, low = sum(ci[0] > exactly for ci in bounds), sum(ci[1] < exactly for ci in bounds)
            mean = statistics.mean(task.kept_per_run or 0.0 for task in every)
            what = program if len(truths) == 1 else f"{program}: {name}"
            print(
                f"| {what} | {exactly:,.0f} ± {_half(truth):,.0f} B | {mean:,.0f} B | "
                f"{statistics.mean(map(_half, every)):,.0f} B | "
                f"{(len(bounds) - high - low) / times:.1%} | {high} | {low} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
