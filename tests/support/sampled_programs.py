"""Programs under the sampled engine, each in an interpreter of its own: shared by its tests.

The engine hooks the whole process, and a crash must fail one test only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.support.places import ROOT

try:
    from leakhunt.engine.sampled import Sampled as Sampled
except Exception as error:  # noqa: BLE001 - the reason is told
    pytest.skip(f"the sampled engine does not work here: {error}", allow_module_level=True)

PRELUDE = """
import gc, json, os, sys, threading, time
from leakhunt.engine import _sampler
from leakhunt.engine.interface import Life
from leakhunt.engine.sampled import Sampled

def harvest(engine, *tasks):
    return engine.harvest(engine.read(), Life(tasks))

def begin(interval=4096, nframe=8, seed=1):
    engine = Sampled(interval)
    _sampler.start(nframe, float(interval), 0.0, seed)
    assert _sampler.check() is None, _sampler.check()
    return engine

def here(engine, function):
    "Estimated bytes, blocks, samples and stderr of the stacks whose innermost frame is in `function`."
    told = harvest(engine)
    runs, names = told.runs, told.functions
    inside = lambda frames: names.get(frames[0], "").split(".")[-1] == function
    size = sum(trace[1] * n for trace, n in runs if inside(trace[2]))
    blocks = sum(n for trace, n in runs if inside(trace[2]))
    sure = [e for e in told.estimates if inside(e.frames)]
    return size, blocks, sum(e.samples for e in sure), sum(e.stderr ** 2 for e in sure) ** 0.5

def fine():
    assert _sampler.check() is None, _sampler.check()
    assert _sampler.problem() is None, _sampler.problem()
    figures = _sampler.stats()
    assert figures["unrouted"] == 0, figures

def say(**what):
    print(json.dumps(what), flush=True)
"""

#: The same program under tracemalloc once and sampled 200 times: live bytes by line.
ACCURACY = """
    import random, tracemalloc
    class Order:
        __slots__ = ("number", "name", "tags")
    def program():
        draw = random.Random(7)
        kept = []
        for n in range(1500):
            kept.append(bytes(draw.choice((30, 100, 300, 500, 1000, 4000))))
            kept.append(str(n) * draw.randrange(5, 60))
            order = Order(); kept.append(order)
            order.tags = {str(k) for k in range(n % 12)}
            array = bytearray()
            for _ in range(n % 5): array.extend(b"x" * 90)
            kept.append(array)
            gone = [bytes(200) for _ in range(5)]
        return kept
    def by_line(traces):
        found = {}
        for size, frame, count in traces:
            if frame[0] == "<string>": found[frame[1]] = found.get(frame[1], 0) + size * count
        return found
    tracemalloc.start(1)
    kept = program()
    truth = by_line((t.size, (t.traceback[0].filename, t.traceback[0].lineno), 1) for t in tracemalloc.take_snapshot().traces)
    tracemalloc.stop()
    truth = {line: size for line, size in truth.items() if size > 60000}
    estimates = {line: [] for line in truth}
    estimates[0] = []
    for seed in range(200):
        del kept
        engine = begin(int(sys.argv[1]), 1, seed + 1)
        kept = program()
        told = harvest(engine)
        runs = by_line((t[1], t[2][0], n) for t, n in told.runs)
        sure = {}
        for e in told.estimates:
            if e.frames[0][1] in truth: sure[e.frames[0][1]] = sure.get(e.frames[0][1], 0) + e.stderr ** 2
        for line in truth: estimates[line].append((runs.get(line, 0), sure.get(line, 0) ** 0.5))
        estimates[0].append((sum(runs.get(line, 0) for line in truth), sum(sure.values()) ** 0.5))
        engine.stop()
    truth[0] = sum(truth.values())
    say(lines=[[truth[line], estimates[line]] for line in truth])
"""

#: One leak beside 40 bounded caches of 14 MB in all: bytes leaked until it ranks first for good.
DETECTION = """
    import random
    seed, interval, size, limit = map(int, sys.argv[1:])
    random.seed(seed)
    space = {"random": random, "caches": [[] for _ in range(40)], "leaked": []}
    source = ""
    for n in range(40):
        source += f"def noise{n}(b):\\n    c = caches[{n}]\\n    c.append(bytes(b))\\n    if len(c) > 700: c.pop(0)\\n"
    source += "def leak(b):\\n    leaked.append(bytes(b))\\n"
    exec(compile(source, "noise.py", "exec"), space)
    noise = [space[f"noise{n}"] for n in range(40)]
    def churn(size):
        done = 0
        while done < size:
            b = random.randrange(50, 1000)
            random.choice(noise)(b)
            done += b
    def sizes(engine):
        told = harvest(engine)
        found = {}
        for trace, n in told.runs:
            name = told.functions[trace[2][0]]
            found[name] = found.get(name, 0) + trace[1] * n
        return found
    engine = begin(interval, 5, seed + 1)
    churn(60 << 20)  # until the caches are full: 14 MB live
    before, since = sizes(engine), None
    for step in range(1, (limit >> 17) + 9):
        for _ in range((128 << 10) // size):
            space["leak"](size)
        churn(1 << 20)
        now = sizes(engine)
        growth = {name: now.get(name, 0) - before.get(name, 0) for name in now}
        if max(growth, key=growth.get) != "leak":
            since = None
        elif since is None:
            since = step
    say(since=since and since << 17)
"""


def run(program: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """Run a program, with the same draws each time; what it says in its last line."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **variables},
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, (
        f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
