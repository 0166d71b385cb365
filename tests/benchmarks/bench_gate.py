"""How often ``leakhunt check`` is right, and how fast: tables for the gate's README.

    python tests/benchmarks/bench_gate.py collection [--times 20] [--engine exact] [--only NAME] [--at-most 60]
    python tests/benchmarks/bench_gate.py series [--number 1000]
    python tests/benchmarks/bench_gate.py pytest [--number 1000]

``collection`` checks every program of ``fixtures/collection``: those that leak must fail and the healthy ones
pass. Its tasks run as a worker would run them, mixed as they are declared, as plain functions. ``series`` draws random
healthy and leaking programs of several lines, judges them look by look as a check does, and prints how often that
was wrong, and a power curve. ``pytest`` repeats the plugin on healthy code. Timings are worth something on a quiet machine only.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
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

#: Rates of the power curve, in bytes a run; the limit is 12.
RATES = (0.0, 6.0, 13.0, 18.0, 25.0, 50.0, 100.0, 400.0)
STAGES = 5
WARM_UP = 1000


def series(options: argparse.Namespace) -> None:
    """Random programs, of one to twelve lines: healthy ones, leaking ones, and a power curve."""
    from leakhunt.gate.decision import FALSE_ALARM, LIMIT, MISSED

    for name, leaks, claimed, wrong in (
        ("healthy", False, FALSE_ALARM, "leak"),
        ("leaking", True, MISSED, "no-leak"),
    ):
        verdicts: Counter[str] = Counter()
        runs: list[int] = []
        blamed: Counter[str] = Counter()
        for number in range(options.number):
            dice = random.Random(f"{name} {number}")
            lines, kinds = _program(dice)
            if leaks:
                lines.append(_leak(dice, 2 * LIMIT * 170 ** dice.random()))
                kinds.append("leak")
            verdict, used = _judged(lines, dice)
            verdicts[verdict] += 1
            runs.append(used)
            if verdict == wrong:
                blamed.update(set(kinds))
                print(
                    f"  {name} {number}: {verdict} after {used} runs: {', '.join(kinds)}",
                    flush=True,
                )
        mistaken = verdicts[wrong]
        print(
            f"{name}: {dict(verdicts)}; decided after {statistics.median(runs):.0f} runs (median); "
            f"{mistaken} of {options.number} called {wrong}, at most {_at_most(mistaken, options.number):.2%} "
            f"(95 %), claimed {claimed:.1%}; among the lines of those: {dict(blamed)}", flush=True,
        )  # fmt: skip
    for noise in ("quiet", *KINDS):
        told = []
        for rate in RATES:
            verdicts = Counter()
            for number in range(max(1, options.number // 10)):
                dice = random.Random(f"{noise} {rate} {number}")
                lines = [] if noise == "quiet" else [KINDS[noise](dice)]
                verdicts[_judged([*lines, _leak(dice, rate, every=1)], dice)[0]] += 1
            told.append(f"{rate:g}: {verdicts['leak']}/{verdicts['no-leak']}/{verdicts['unsure']}")
        print(f"power beside {noise} (B a run: leak/no-leak/unsure): {', '.join(told)}", flush=True)


def _at_most(hits: int, of: int) -> float:
    """The chance that gives so few hits, or fewer, once in twenty times (Clopper and Pearson 1934)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        few = sum(math.comb(of, n) * middle**n * (1 - middle) ** (of - n) for n in range(hits + 1))
        low, high = (middle, high) if few > 0.05 else (low, middle)
    return high


#: A line of a program: run it so many times more, and it says how many bytes it holds then.
Line = Callable[[int], float]


def _judged(lines: list[Line], dice: random.Random) -> tuple[str, int]:
    """(verdict, runs) as a check has it: stage after stage, look by look."""
    from leakhunt.gate.decision import LOOKS, Limits, decide
    from leakhunt.gate.plan import FEWEST, JITTER
    from tests.support.builders import history

    done = WARM_UP
    sizes = [line(WARM_UP) for line in lines]
    for stage in range(1, STAGES + 1):
        tasks, columns = [done], [[size] for size in sizes]
        weights = [1 + JITTER * (2 * dice.random() - 1) for _ in range(LOOKS - 1)]
        total = done
        for look, weight in enumerate(weights, 2):
            runs = max(1, round(total * weight / sum(weights)))
            done += runs
            sizes = [line(runs) for line in lines]
            tasks.append(done)
            for column, size in zip(columns, sizes):
                column.append(size)
            if look < FEWEST:
                continue
            parts = []
            for number, column in enumerate(columns):
                rounded = [max(0, round(size)) for size in column]
                parts.append(
                    (f"/srv/shop/tasks.py:{40 + number}", rounded, [s // 100 for s in rounded])
                )
            ruling = decide(history(*parts, tasks=tasks), stage, Limits(), look == LOOKS)
            if ruling.verdict is not None:
                return ruling.verdict, done
    return "unsure", done


def _program(dice: random.Random) -> tuple[list[Line], list[str]]:
    kinds = [dice.choice(list(KINDS)) for _ in range(dice.randint(1, 12))]
    return [KINDS[kind](dice) for kind in kinds], kinds


def _level(dice: random.Random) -> float:
    """Bytes that a line holds, from some hundred to some million."""
    return 300 * 10 ** (4 * dice.random())


def _still(dice: random.Random) -> Line:
    level = _level(dice)
    return lambda runs: level


def _wanders(dice: random.Random) -> Line:
    """About a level, anew at each look."""
    level = _level(dice)
    spread = level * dice.random() / 2
    return lambda runs: level + dice.gauss(0, spread)


def _lingers(dice: random.Random) -> Line:
    """About a level, with a memory of many runs: a working set whose parts come and go."""
    level, memory = _level(dice), 10 ** (1 + 2.3 * dice.random())
    spread = level * dice.random() / 4
    state = [dice.gauss(0, spread)]

    def after(runs: int) -> float:
        kept = math.exp(-runs / memory)
        state[0] = kept * state[0] + dice.gauss(0, spread * math.sqrt(1 - kept * kept))
        return level + state[0]

    return after


def _drifts(dice: random.Random) -> Line:
    """What is added stays, and as much is taken away."""
    share, size = 1 / dice.randint(1, 50), 10 ** (1.5 + 2 * dice.random())
    state = [20 * size * 200]

    def after(runs: int) -> float:
        state[0] += dice.gauss(0, size * math.sqrt(runs * share))
        return state[0]

    return after


def _sawtooth(dice: random.Random) -> Line:
    """A buffer that is emptied every so many runs."""
    period, size = round(10 ** (0.7 + 2 * dice.random())), 10 ** (1.5 + 2 * dice.random())
    done = [0]

    def after(runs: int) -> float:
        done[0] += runs
        return 1000 + size * (done[0] % period)

    return after


def _cache(dice: random.Random) -> Line:
    """Full before the warm-up is over; then what is replaced has another size."""
    entries, size = dice.randint(10, 500), 10 ** (1.5 + 2 * dice.random())
    kept = [0.0]
    filled = [0]

    def after(runs: int) -> float:
        new = min(runs, entries - filled[0])
        kept[0] += sum(dice.expovariate(1 / size) for _ in range(new))
        filled[0] += new
        replaced = min(runs - new, 3 * entries)
        for _ in range(replaced):
            kept[0] += dice.expovariate(1 / size) - kept[0] / entries
        return kept[0]

    return after


def _steps(dice: random.Random) -> Line:
    """What is loaded once, at some run."""
    at, level, size = round(10 ** (1 + 3.5 * dice.random())), _level(dice), _level(dice)
    done = [0]

    def after(runs: int) -> float:
        done[0] += runs
        return level + (size if done[0] >= at else 0)

    return after


KINDS: dict[str, Callable[[random.Random], Line]] = {
    "still": _still, "wanders": _wanders, "lingers": _lingers, "drifts": _drifts,
    "sawtooth": _sawtooth, "cache": _cache, "steps": _steps,
}  # fmt: skip


def _leak(dice: random.Random, rate: float, every: int | None = None) -> Line:
    """So many bytes a run on average: in one run of some, of sizes that vary."""
    every = every or (1 if dice.random() < 0.5 else dice.randint(2, 50))
    varies = every > 1
    state = [5000.0]

    def after(runs: int) -> float:
        if not varies:
            state[0] += rate * runs
            return state[0]
        hits = sum(dice.random() < 1 / every for _ in range(runs))
        state[0] += sum(dice.expovariate(1 / (every * rate)) for _ in range(hits))
        return state[0]

    return after


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
