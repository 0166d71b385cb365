"""How often ``leakhunt check`` is right, and how fast: tables for the gate's README.

    python tests/benchmarks/bench_gate.py collection [--times 20] [--engine both] [--only NAME] [--programs N] [--worker] [--at-most 60] [--within SECONDS]
    python tests/benchmarks/bench_gate.py series [--number 1000] [--power 20] [--jobs 2] [--within SECONDS]
    python tests/benchmarks/bench_gate.py pytest [--number 1000] [--at-most 60] [--within SECONDS]

``collection`` checks the programs of ``fixtures/collection``: those that leak must fail and the healthy ones
pass. Its tasks run as a worker would run them, mixed as they are declared, as plain functions; with ``--worker`` through
a real worker. ``--programs`` takes so many of each kind. ``series`` draws random
healthy and leaking programs of several lines (``tests/support/random_programs.py``), judges them look by look as a check
does, says whether that was wrong more often than is claimed, and prints a power curve. ``pytest`` repeats the plugin on
healthy code, and says how many were decided: what is not sure passes too, and shows nothing. ``--number`` counts sessions of eight checks. Each stops when ``--within`` is over and says how far it came; the exit status is 1 where something was wrong
(of ``series``: where a claimed rate is refuted). Timings are worth something on a quiet machine only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
COLLECTION = ROOT / "fixtures" / "collection"
sys.path[:0] = [str(ROOT), str(COLLECTION)]

from leakhunt.gate.decision import FALSE_ALARM, MISSED  # noqa: E402 - after the path
from tests.support import random_programs  # noqa: E402
from tests.support.chances import at_most, by_chance  # noqa: E402
from tests.support.random_programs import Checked  # noqa: E402

VERDICTS = {0: "no-leak", 3: "leak", 4: "unsure", 2: "BROKEN"}


# -- the collection ---------------------------------------------------------------------

#: What a check must say of a program, by its kind.
RIGHT = {"leak": "leak", "native": "leak", "healthy": "no-leak"}


class Check(NamedTuple):
    """One check of one program."""

    engine: str
    kind: str
    name: str
    verdict: str
    seconds: float


def collection(options: argparse.Namespace) -> int:
    """Round after round over all programs, in an order drawn once: where the time ends early, what was checked is a fair sample."""
    stage = importlib.import_module("stage")

    chosen, left = [], Counter[str]()
    for name, path in stage.programs().items():
        program = stage.declared(path)
        if options.only and name not in options.only:
            continue
        if program.kind not in RIGHT:
            left["neither leaking nor healthy"] += 1
        elif program.process == "main" or program.eta or program.one_child:
            left["need a worker"] += 1
        elif stage.missing(program):
            left["lack a library"] += 1
        elif options.worker and "solo" not in program.pools:
            left["do not run in a solo pool"] += 1
        else:
            chosen.append((name, program.kind))
    random.Random(7).shuffle(chosen)
    if options.programs:
        kinds = {kind: [each for each in chosen if each[1] == kind] for kind in RIGHT}
        some = {each for those in kinds.values() for each in those[: options.programs]}
        chosen = [each for each in chosen if each in some]
    print(f"{len(chosen)} programs; left out: {dict(left) or 'none'}", flush=True)
    ends = time.monotonic() + options.within
    checks: list[Check] = []
    asked = [
        (engine, kind, name)
        for _ in range(options.times)
        for name, kind in chosen
        for engine in (("exact", "sampled") if options.engine == "both" else (options.engine,))
    ]
    for engine, kind, name in asked:
        if time.monotonic() > ends:
            print(f"the time is over: {len(checks)} of {len(asked)} checks", flush=True)
            break
        began = time.monotonic()
        verdict = _check(name, kind, engine, options)
        checks.append(Check(engine, kind, name, verdict, time.monotonic() - began))
        if verdict != RIGHT[kind]:
            print(f"  {name}: {kind}, {engine}: {verdict}", flush=True)
    _table(checks)
    return sum(check.verdict not in (RIGHT[check.kind], "unsure") for check in checks)


def _table(checks: list[Check]) -> None:
    print("| engine | kind | programs | checks | right | not sure | wrong | broken | decided in (median, most) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for engine, kind in sorted({(check.engine, check.kind) for check in checks}):
        those = [check for check in checks if (check.engine, check.kind) == (engine, kind)]
        told = Counter(check.verdict for check in those)
        right, unsure = told[RIGHT[kind]], told["unsure"]
        wrong = told["leak"] + told["no-leak"] - right
        decided = [check.seconds for check in those if check.verdict in ("leak", "no-leak")]
        spent = f"{statistics.median(decided):.1f} s, {max(decided):.1f} s" if decided else "never"
        print(
            f"| {engine} | {kind} | {len({check.name for check in those})} | {len(those)} | {right} | {unsure} | {wrong} "
            f"| {len(those) - right - unsure - wrong} | {spent} |", flush=True,
        )  # fmt: skip


def _check(name: str, kind: str, engine: str, options: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "leakhunt", "check", f"tests.benchmarks.collected:{'task' if options.worker else 'run'}",
             "--args", "tests.benchmarks.collected:numbers", "--engine", engine,
             "--at-most", f"{options.at_most}s", *(["--native"] if kind == "native" else [])],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "BENCH_GATE_PROGRAM": name, "COLLECTION_FOLDER": scratch},
        )  # fmt: skip
    return VERDICTS.get(done.returncode, f"exit {done.returncode}")


# -- random series ------------------------------------------------------------------------

#: Rates of the power curve, in bytes a run; the limit is 12.
RATES = (0.0, 6.0, 13.0, 18.0, 25.0, 50.0, 100.0, 400.0)
#: Mistakes that would be so rare at the claimed rate refute it.
REFUTED = 0.01
#: Programs between two looks at the clock.
BATCH = 40


def series(options: argparse.Namespace) -> int:
    """Healthy programs, leaking ones, and a power curve. Returns how many of the claims are refuted."""
    ends = time.monotonic() + options.within
    refuted = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for left, (name, made, claimed, wrong) in enumerate(
            (
                ("leaking", random_programs.leaking, MISSED, "no-leak"),
                ("healthy", random_programs.healthy, FALSE_ALARM, "leak"),
            ),
            start=1,
        ):
            # An equal part of what is left, the power curve's too: all must be seen.
            share = 1 / (4 - left if options.power else 3 - left)
            until = time.monotonic() + share * (ends - time.monotonic())
            checks = _until(until, pool, made, [(number,) for number in range(options.number)])
            refuted += _told(name, checks, claimed, wrong, options.number)
        if not options.power:
            return refuted
        noises = (None, *random_programs.KINDS)
        asked = [
            (noise, rate, number)
            for number in range(options.power)
            for noise in noises
            for rate in RATES
        ]
        checks = _until(ends, pool, random_programs.beside, asked)
        _curve(dict(zip(asked, checks)), len(asked))
    return refuted


def _until(
    ends: float,
    pool: ProcessPoolExecutor,
    made: Callable[..., Checked],
    asked: list[tuple[Any, ...]],
) -> list[Checked]:
    """The checks in their order, as many as there is time for."""
    checks: list[Checked] = []
    for at in range(0, len(asked), BATCH):
        if time.monotonic() > ends:
            break
        checks += pool.map(made, *zip(*asked[at : at + BATCH]))
    return checks


def _told(name: str, checks: list[Checked], claimed: float, wrong: str, of: int) -> bool:
    """Prints what came of them; whether the claim is refuted."""
    for number, check in enumerate(checks):
        if check.verdict == wrong:
            print(f"  {name} {number}: {wrong} after {check.runs} runs: {', '.join(check.kinds)}")
    if not checks:
        print(f"{name}: no time for any")
        return False
    told = Counter(check.verdict for check in checks)
    decided = [check.runs for check in checks if check.verdict != "unsure"]
    mistaken = told[wrong]
    chance = by_chance(mistaken, len(checks), claimed)
    refuted = chance < REFUTED
    print(
        f"{name}: {len(checks):,} of {of:,} judged: {told['leak']} leak, {told['no-leak']} no-leak, {told['unsure']} unsure; "
        f"decided after {statistics.median(decided) if decided else 0:,.0f} runs (median). {mistaken} called {wrong}: at most "
        f"{at_most(mistaken, len(checks)):.2%} (95 %), claimed {claimed:.1%}: so many or more come about with probability "
        f"{chance:.2g}, {'REFUTED' if refuted else 'not refuted'}", flush=True,
    )  # fmt: skip
    return refuted


def _curve(checks: dict[tuple[Any, ...], Checked], of: int) -> None:
    told: dict[tuple[str | None, float], Counter[str]] = {}
    for (noise, rate, _), check in checks.items():
        told.setdefault((noise, rate), Counter())[check.verdict] += 1
    print(
        f"Of a leak of so many B a run: called leak / no-leak / unsure ({len(checks):,} of {of:,})"
    )
    print(f"| beside | {' | '.join(f'{rate:g}' for rate in RATES)} |")
    print("|---" * (len(RATES) + 1) + "|")
    for noise in dict.fromkeys(noise for noise, _ in told):
        cells = (told.get((noise, rate), Counter()) for rate in RATES)
        row = " | ".join(f"{each['leak']}/{each['no-leak']}/{each['unsure']}" for each in cells)
        print(f"| {noise or 'nothing'} | {row} |", flush=True)


# -- the plugin ---------------------------------------------------------------------------

#: Each test is one check of its session; each keeps something for a while, and nothing for good.
HEALTHY = """
import collections, functools, json, random, re
import pytest

PAGES = collections.OrderedDict()
RECENT = collections.deque(maxlen=200)
READY = {}
DICE = random.Random()

@functools.lru_cache(maxsize=50)
def squared(number):
    return number * number * [0]

class Node:
    def __init__(self):
        self.me, self.load = self, bytearray(DICE.randrange(200))

@pytest.mark.leakhunt
def test_nothing():
    sorted(DICE.random() for _ in range(20))

@pytest.mark.leakhunt
def test_bounded_cache():
    PAGES[DICE.randrange(10**9)] = bytes(DICE.randrange(2000))
    if len(PAGES) > 100:
        PAGES.popitem(last=False)

@pytest.mark.leakhunt
def test_last_ones():
    RECENT.append({"order": DICE.randrange(10**9)})

@pytest.mark.leakhunt
def test_cycles():
    Node()

@pytest.mark.leakhunt
def test_lru_cache():
    squared(DICE.randrange(100))

@pytest.mark.leakhunt
def test_warm_up():
    READY.setdefault(DICE.randrange(64), [0] * 100)

@pytest.mark.leakhunt
def test_json():
    json.loads(json.dumps({str(DICE.randrange(10**6)): [DICE.random()] * DICE.randrange(9)}))

@pytest.mark.leakhunt
def test_patterns():
    re.compile(f"a{DICE.randrange(300)}b")
"""


def plugin(options: argparse.Namespace) -> int:
    """The plugin on healthy code, again and again: checks until one is decided or its time is over. Returns how often it failed."""
    told, ends = Counter[tuple[str, str]](), time.monotonic() + options.within
    for number in range(1, options.number + 1):
        told += _repeated(options.at_most)
        over = time.monotonic() > ends
        _failures(number, told, by_test=over or number % 20 == 0 or number == options.number)
        if over:
            break
    return sum(count for (_, verdict), count in told.items() if verdict in ("leak", "broken"))


def _failures(sessions: int, told: Counter[tuple[str, str]], by_test: bool) -> None:
    by_verdict = Counter[str]()
    for (_, verdict), count in told.items():
        by_verdict[verdict] += count
    print(
        f"{sessions} sessions: {dict(by_verdict)}: at most {at_most(by_verdict['leak'], told.total()):.2%} "
        "are called leaking (95 %)",
        flush=True,
    )
    for test in sorted({test for test, _ in told}) if by_test else ():
        verdicts = {verdict: count for (name, verdict), count in told.items() if name == test}
        print(f"  {test}: {verdicts}", flush=True)


def _repeated(seconds: int) -> Counter[tuple[str, str]]:
    """(test, verdict) of one session on the healthy tests; what fails otherwise is ``broken``."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_healthy.py").write_text(HEALTHY)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "leakhunt.pytest_plugin",
             "--leakhunt-at-most", f"{seconds}s", "--leakhunt-report", "report.json", folder],
            cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip
        report = Path(folder) / "report.json"
        checks = json.loads(report.read_text())["checks"] if report.exists() else []
        if done.returncode or not checks:
            print(done.stdout, done.stderr, flush=True)
        if not checks or (
            done.returncode and not any(each["verdict"] == "leak" for each in checks)
        ):
            return Counter({("the session", "broken"): 1})
        return Counter((each["test"].rpartition("::")[2], each["verdict"]) for each in checks)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("collection", "series", "pytest"))
    parser.add_argument("--times", type=int, default=20, help="checks of each program and engine")
    parser.add_argument("--number", type=int, default=1000, help="programs, or runs of pytest")
    parser.add_argument("--power", type=int, default=20, help="programs per point of the curve")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--engine", choices=("exact", "sampled", "both"), default="both")
    parser.add_argument("--at-most", type=int, default=60, help="seconds of one check")
    parser.add_argument("--within", type=float, default=math.inf, help="seconds of all")
    parser.add_argument("--programs", type=int, help="of each kind at most")
    parser.add_argument("--worker", action="store_true", help="tasks in a real worker")
    parser.add_argument("--only", action="append", metavar="NAME")
    options = parser.parse_args()
    ran = {"collection": collection, "series": series, "pytest": plugin}[options.what](options)
    sys.exit(1 if ran else 0)


if __name__ == "__main__":
    main()
