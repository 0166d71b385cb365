"""What the engines cost in three micro-workloads: CPU-time ratios with an A/A control.

    python tests/benchmarks/bench_sampled.py [rounds]          all engines
    python tests/benchmarks/bench_sampled.py ROUNDS quick      without the slow engines

All engines take turns in one process, in shuffled order; each block with an engine is
divided by the mean of the blocks without one on both sides of it (``process_time``, so other
processes disturb caches only). The control is a block without an engine measured like the
others: what it differs from 1 by is the noise. The budget is measured as it runs, after
the credit of a young process has been spent.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.engine.sampled import Sampled
from tests.benchmarks import engines
from tests.benchmarks.workloads import WORKLOADS, at_depth

#: Seconds of CPU that one block is about to take.
BLOCK = 0.12
#: Slow engines are measured on this part of a block, this often.
SLOW_PART, SLOW_ROUNDS = 0.05, 5


def settle(work: Callable[[], None]) -> None:
    """Let the budget find its interval for this work, and spend what a young process may."""
    engine = Sampled()
    engine.start(25)
    began = time.process_time()
    while time.process_time() - began < 6.0:
        at_depth(15, work)
    interval = engine.facts()["interval"]
    engine.stop()
    print(f"{work.__doc__}: the budget settles at {interval / 1024:.1f} KiB", file=sys.stderr)


def repeats(work: Callable[[], None]) -> int:
    began, number = time.process_time(), 0
    while time.process_time() - began < BLOCK:
        at_depth(15, work)
        number += 1
    return number


def block(work: Callable[[], None], number: int) -> float:
    """Nanoseconds of CPU per turn."""
    began = time.process_time_ns()
    for _ in range(number):
        at_depth(15, work)
    return (time.process_time_ns() - began) / number


def ratios(rounds: int, only_quick: bool = False) -> dict[str, dict[str, list[float]]]:
    """{workload: {engine: ratios}}."""
    candidates = engines.found()
    quick = [name for name in candidates if name not in engines.SLOW]
    taken: dict[str, dict[str, list[float]]] = {}
    gc.collect()
    gc.freeze()
    for label, work in WORKLOADS.items():
        column = taken[label] = {name: [] for name in candidates}
        settle(work)
        number = repeats(work)
        for turn in range(rounds):
            names = list(candidates) if turn < SLOW_ROUNDS and not only_quick else list(quick)
            random.shuffle(names)
            before = block(work, number)
            for name in names:
                start, stop = candidates[name]
                start()
                part = number if name in quick else max(1, int(number * SLOW_PART))
                cost = block(work, part)
                stop()
                after = block(work, number)
                column[name].append(2 * cost / (before + after))
                before = after
    return taken


if __name__ == "__main__":
    words = sys.argv[1:]
    count = int(words[0]) if words else 40
    print(f"Python {sys.version.split()[0]}, {count} rounds: 25 % / **median** / 75 %\n")
    print(engines.table(ratios(count, "quick" in words)))
