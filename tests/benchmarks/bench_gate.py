"""How often ``leakhunt check`` is right, and how fast: tables for the gate's README.

    python tests/benchmarks/bench_gate.py collection [--times 20] [--engine exact] [--only NAME] [--at-most 60]
    python tests/benchmarks/bench_gate.py series [--number 1000]
    python tests/benchmarks/bench_gate.py pytest [--number 1000]

``collection`` checks every program of ``fixtures/collection``: those that leak must fail and the healthy ones
pass. Its tasks run as a worker would run them, mixed as they are declared, as plain functions. ``series`` draws random
healthy and leaking histories, judges them look by look as a check does, and prints false alarms and a
power curve. ``pytest`` repeats the plugin on healthy code. Timings are worth something on a quiet machine only.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
COLLECTION = ROOT / "fixtures" / "collection"
sys.path[:0] = [str(ROOT), str(COLLECTION)]

VERDICTS = {0: "no-leak", 3: "leak", 4: "unsure", 2: "BROKEN"}


# -- the target of a program: imported by the process that is checked -------------------


def run(number: int) -> None:
    """One task of the program, drawn as it is mixed."""
    _runs()[number % len(_runs())](number)


def numbers() -> Iterator[tuple[int]]:
    """The numbers of the messages."""
    for number in itertools.count():
        yield (number,)


_CHOSEN: list[Callable[[int], Any]] = []


def _runs() -> list[Callable[[int], Any]]:
    if not _CHOSEN:
        stage = importlib.import_module("stage")

        name = os.environ["BENCH_GATE_PROGRAM"]
        path = stage.programs()[name]
        sys.path[:0] = [str(path.parent), str(COLLECTION / "fresh")]
        module = importlib.import_module(name)
        dice = random.Random(7)
        mix = module.PROGRAM.mix
        for task in dice.choices(list(mix), list(mix.values()), k=997):
            _CHOSEN.append(module.app.tasks[task].run)
    return _CHOSEN


# -- the collection ---------------------------------------------------------------------


def collection(options: argparse.Namespace) -> None:
    stage = importlib.import_module("stage")

    totals: Counter[tuple[str, str]] = Counter()
    seconds: dict[str, list[float]] = {}
    for name, path in stage.programs().items():
        program = stage.declared(path)
        if options.only and name not in options.only:
            continue
        if program.kind not in ("leak", "healthy") or stage.missing(program):
            continue
        if program.process == "main" or program.eta or program.one_child:
            continue  # what only a worker does
        found: Counter[str] = Counter()
        for _ in range(options.times):
            began = time.monotonic()
            verdict = _check(name, options)
            seconds.setdefault(verdict, []).append(time.monotonic() - began)
            found[verdict] += 1
            totals[program.kind, verdict] += 1
        told = ", ".join(f"{number} {verdict}" for verdict, number in found.items())
        print(f"{name}: {program.kind}: {told}", flush=True)
    for (kind, verdict), number in sorted(totals.items()):
        print(f"{kind}: {verdict} {number}")
    for verdict, each in sorted(seconds.items()):
        print(
            f"{verdict}: decided in {statistics.median(each):.1f} s (median), {max(each):.1f} s (most)"
        )


def _check(name: str, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "leakhunt", "check", "tests.benchmarks.bench_gate:run",
             "--args", "tests.benchmarks.bench_gate:numbers", "--engine", options.engine,
             "--at-most", f"{options.at_most}s"],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "BENCH_GATE_PROGRAM": name, "COLLECTION_FOLDER": scratch},
        )  # fmt: skip
    return VERDICTS.get(done.returncode, f"exit {done.returncode}")


# -- random series ------------------------------------------------------------------------


def series(options: argparse.Namespace) -> None:
    from leakhunt.gate.decision import LOOKS, Limits, decide
    from leakhunt.gate.plan import FEWEST
    from tests.support.builders import history

    def judged(rate: float, noise: str, dice: random.Random) -> str:
        """As a check does it: stage after stage, look by look."""
        for stage in range(1, 7):
            start = 1000 * 2 ** (stage - 1)
            tasks = [start + round(start * look / (LOOKS - 1)) for look in range(LOOKS)]
            sizes = _sizes(tasks, rate, noise, dice)
            for looks in range(FEWEST, LOOKS + 1):
                part = ("/srv/shop/tasks.py:40", sizes[:looks], [s // 100 for s in sizes[:looks]])
                found = decide(history(part, tasks=tasks[:looks]), stage, Limits(), looks == LOOKS)
                if found.verdict is not None:
                    return found.verdict
        return "unsure"

    for noise in ("none", "wanders", "adds up", "turnover"):
        for rate in (0, 3, 6, 12, 24, 50, 100, 400):
            dice = random.Random(rate)
            verdicts = Counter(judged(rate, noise, dice) for _ in range(options.number))
            print(f"{noise}, {rate} B a run: {dict(verdicts)}", flush=True)


def _sizes(tasks: list[int], rate: float, noise: str, dice: random.Random) -> list[int]:
    sizes, walk, kept = [], 0.0, 0.0
    last = tasks[0]
    for done in tasks:
        runs, last = done - last, done
        if noise == "adds up":  # the same rate, in one run of fifty
            kept += sum(dice.expovariate(1 / (50 * rate)) for _ in range(runs // 50)) if rate else 0
            walk += sum(dice.choice((-1, 1)) * 100 for _ in range(runs // 50))
        else:
            kept += rate * runs
        level = {"wanders": dice.gauss(0, 20_000), "turnover": dice.expovariate(1 / 50_000)}
        sizes.append(max(0, round(1_000_000 + kept + walk + level.get(noise, 0.0))))
    return sizes


# -- the plugin ---------------------------------------------------------------------------

HEALTHY = """
import collections, functools, random, re
import pytest

PAGES = collections.OrderedDict()
DICE = random.Random()

@functools.lru_cache(maxsize=50)
def squared(number):
    return number * number * [0]

@pytest.mark.leakhunt
def test_healthy():
    squared(DICE.randrange(100))
    PAGES[DICE.randrange(10**9)] = bytes(DICE.randrange(2000))
    if len(PAGES) > 100:
        PAGES.popitem(last=False)
    re.compile(f"a{DICE.randrange(300)}b")
"""


def plugin(options: argparse.Namespace) -> None:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_healthy.py").write_text(HEALTHY)
        for number in range(1, options.number + 1):
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder],
                cwd=folder, capture_output=True, text=True, check=False,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            if done.returncode:
                failed += 1
                print(done.stdout, flush=True)
            if number % 50 == 0 or number == options.number:
                print(f"{failed} of {number} failed", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("collection", "series", "pytest"))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--engine", choices=("exact", "sampled"), default="exact")
    parser.add_argument("--at-most", type=int, default=60)
    parser.add_argument("--only", action="append", metavar="NAME")
    options = parser.parse_args()
    {"collection": collection, "series": series, "pytest": plugin}[options.what](options)


if __name__ == "__main__":
    main()
