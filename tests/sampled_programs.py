"""Programs under the sampled engine, each in an interpreter of its own: shared by its tests.

The engine hooks the whole process, and a crash must fail one test only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

try:
    from leakhunt.engine.sampled import Sampled as Sampled
except Exception as error:  # noqa: BLE001 - the reason is told
    pytest.skip(f"the sampled engine does not work here: {error}", allow_module_level=True)

PRELUDE = """
import gc, json, os, sys, threading, time
from leakhunt.engine import _sampler
from leakhunt.engine.sampled import Sampled

def begin(interval=4096, nframe=8):
    engine = Sampled(interval)
    engine.start(nframe)
    assert _sampler.check() is None, _sampler.check()
    return engine

def here(engine, function):
    "Estimated bytes, blocks, samples and stderr of the stacks whose innermost frame is in `function`."
    runs = list(engine.runs(engine.read()))
    names = engine.functions()
    inside = lambda frames: names.get(frames[0], "").split(".")[-1] == function
    size = sum(trace[1] * n for trace, n in runs if inside(trace[2]))
    blocks = sum(n for trace, n in runs if inside(trace[2]))
    sure = [e for e in engine.estimates() if inside(e.frames)]
    return size, blocks, sum(e.samples for e in sure), sum(e.stderr ** 2 for e in sure) ** 0.5

def fine():
    assert _sampler.check() is None, _sampler.check()
    assert _sampler.problem() is None, _sampler.problem()
    figures = _sampler.stats()
    assert figures["unrouted"] == 0, figures

def say(**what):
    print(json.dumps(what), flush=True)
"""


def run(program: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """Run a program; what it says in its last line."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, (
        f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
