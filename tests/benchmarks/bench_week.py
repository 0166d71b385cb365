"""A week of a busy worker, and one signal at its end: is a leak of 100 B per task named, and since when?

    python tests/benchmarks/bench_week.py                 10^7 tasks, the budget's own interval: some minutes
    python tests/benchmarks/bench_week.py --tasks 1000000 --leak 1000

The hook is the real one, and so are the tasks' allocations and the capture; the clock of its ledger is not:
fifty times in the week the load changes, between a tenth of a task and several hundred per second, so that
tasks and time are far from proportional. From the onset on one run in three of one of the two tasks keeps six
times the leak's mean. Beside it a cache turns over, another fills in the first hours, and each task makes garbage.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WEEK, CHANGES, DAY = 7 * 86400.0, 50, 86400.0

PROGRAM = '''
import collections, os, random, sys, time
import leakhunt
from leakhunt.hook import current
from leakhunt.hook.process import ledger

tasks, leak, onset, folder, interval, week, changes = eval(sys.argv[1])

class Clock:
    """Stands for the functions of the module `time` in the ledger."""
    began = real = time.time()
    passed = 0.0
    def time(self): return self.began - week + self.passed
    def monotonic(self): return 1e6 + self.passed

clock = Clock()
ledger.time, ledger.monotonic = clock.time, clock.monotonic
extra = {} if interval is None else {"interval": interval}
leakhunt.install(dir=folder, engine="sampled", **extra)
hook = current.hook()

draw = random.Random(5)
loads = [10 ** draw.uniform(-1, 2.5) for _ in range(changes)]
whole = sum(loads)
paces = [load / whole * tasks for load in loads]     # tasks in each of the equal stretches of time
KEPT, RECENT, TABLE = [], collections.deque(maxlen=2000), {}
each = int(6 * leak) - sys.getsizeof(b"") - 8        # a slot of the list beside it
moments = []

def charge(n):
    if n >= onset * tasks and n % 6 == 1:
        KEPT.append(bytes(each))

def look_up(n):
    RECENT.append(str(n) * 3)
    key = int(draw.expovariate(1 / 300.0))
    if key not in TABLE and len(TABLE) < 4000:
        TABLE[key] = bytes(400)
    return [str(n + i) for i in range(4)]

n, since = 0, None
for stretch, pace in enumerate(paces):
    end = min(tasks, round(sum(paces[: stretch + 1])))
    step = week / changes / max(1, end - n)
    while n < end:
        clock.passed += step
        name = "billing.charge" if n % 2 else "shop.look_up"
        hook.task_begins(name)
        charge(n); look_up(n)
        hook.task_done(name)
        if since is None and n >= onset * tasks:
            since = clock.time()
        n += 1
clock.passed = week
print(leakhunt.dump())
print(since, len(KEPT))
'''


def week(
    tasks: int, leak: int, onset: float, interval: str | None, seed: int = 1
) -> dict[str, Any]:
    """Run it; the finding of ``leakhunt verdict`` on its one snapshot, and the truth."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "shop.py")
        program.write_text(PROGRAM)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LEAKHUNT_")}
        environment = {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed)}
        ordered = (tasks, leak, onset, os.path.join(folder, "snapshots"), interval, WEEK, CHANGES)
        said = subprocess.run(
            [sys.executable, str(program), repr(ordered)],
            capture_output=True, text=True, env=environment, cwd=folder, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        snapshot, figures = said.stdout.splitlines()[-2:]
        since, _ = figures.split()
        told = subprocess.run(
            [sys.executable, "-m", "leakhunt", "verdict", snapshot, "--json"],
            capture_output=True, text=True, env=environment, cwd=folder, check=False,
        )  # fmt: skip
        assert told.stdout, told.stderr
        report = json.loads(told.stdout)
        line = 1 + PROGRAM.splitlines().index("        KEPT.append(bytes(each))")
        return {"report": report, "since": float(since), "line": line, "rate": float(leak)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=10_000_000)
    parser.add_argument("--leak", type=int, default=100, help="bytes per task, on average")
    parser.add_argument("--onset", type=float, default=random.Random(3).uniform(0.3, 0.7))
    parser.add_argument("--interval")
    options = parser.parse_args()
    answer = week(options.tasks, options.leak, options.onset, options.interval)
    first = answer["report"]["findings"][0]
    site = f"{Path(first['site']['file']).name}:{first['site']['line']}"
    late = (first["since"]["time"] - answer["since"]) / 3600
    low, high = first["ci95"]
    print(
        f"{options.tasks:,} tasks in a week, {options.leak} B a task from {options.onset:.0%} on, one snapshot:"
    )
    print(f"{first['verdict']} at {site} (true: {answer['line']}), task {first['task']},")
    print(
        f"{first['bytes_per_unit']:.1f} B per task ({low:.1f} to {high:.1f}), since {late:+.1f} hours from the truth,"
    )
    print(f"by {first['samples'][-1]} samples")


if __name__ == "__main__":
    main()
