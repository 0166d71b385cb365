"""A forked capture is exact to the byte and block, also with other threads alive."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt.hook.capture import fork
from tests.live import harness

pytestmark = pytest.mark.live

PROGRAM = """
import gc, json, os, sys, threading, time, tracemalloc
import leakhunt
from collections import Counter
from leakhunt.hook.capture import own

leakhunt.install(engine="exact", start="boot", nframe=10, dir=sys.argv[1])
local, ready, leave = threading.local(), threading.Barrier(6), threading.Event()

class Goodbye:
    def __del__(self):
        os.write(1, b"finalized by %d\\n" % os.getpid())

def generate():
    held = [bytes(n % 50 + 1) for n in range(3000)]
    yield len(held)
    yield held

def work(number):
    kept = [bytearray(n % 90 + 1) for n in range(4000)]
    local.kept = [str(n) * 3 for n in range(4000)]
    local.goodbye = Goodbye()
    running = generate()
    next(running)
    ready.wait()
    leave.wait()
    return kept, running

threads = [threading.Thread(target=work, args=([bytes(n % 7 + 1) for n in range(500)],)) for _ in range(5)]
for thread in threads:
    thread.start()
ready.wait()
while len(leave._cond._waiters) < len(threads):  # none may be on its way between the two moments
    time.sleep(0.001)
gc.collect()
gc.disable()
path = leakhunt.dump()
here = tracemalloc.take_snapshot()
forked = tracemalloc.Snapshot.load(path)

def count(traces):
    runs = own.without_own(Counter(traces).items(), own.judge(own.prefixes()))
    return Counter({trace: n for trace, n in runs})

mine, theirs = count(forked.traces._traces), count(here.traces._traces)
program = os.path.abspath(__file__)
differing = {
    trace: (mine[trace], theirs[trace])
    for trace in mine.keys() | theirs.keys()
    if mine[trace] != theirs[trace] and any(frame[0] == program for frame in trace[2][:1])
}
# This program's own lines between the two moments are the only ones that may differ.
between = {"path = leakhunt.dump()", "here = tracemalloc.take_snapshot()", "forked = tracemalloc.Snapshot.load(path)"}
lines = open(program).read().splitlines()
wrong = {t: n for t, n in differing.items() if lines[t[2][0][1] - 1].strip() not in between}
elsewhere = sum((theirs - mine).values()) + sum((mine - theirs).values()) - len(differing)
size = sum(t[1] * n for t, n in mine.items() if t[2][0][0] == program)
os.write(1, (json.dumps({"wrong": len(wrong), "size": size, "exact": forked.leakhunt["exact"],
    "forked": forked.leakhunt["forked"], "threads": forked.leakhunt["threads"], "elsewhere": elsewhere}) + "\\n").encode())
os.write(1, b"leaving\\n")
leave.set()
"""


def run(tmp_path: Path, *without: str) -> tuple[list[str], dict[str, Any]]:
    program = tmp_path / "program.py"
    program.write_text("".join(without) + PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "snapshots")],
        env=harness.environment(tmp_path), capture_output=True, text=True, timeout=harness.HANGS, check=True,
    )  # fmt: skip
    before, _, _ = done.stdout.partition("leaving\n")
    *finalized, answer = before.splitlines()
    return finalized, json.loads(answer)


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_threads_locals_and_generators_are_seen(tmp_path: Path) -> None:
    finalized, answer = run(tmp_path)
    assert answer["forked"] is True
    assert answer["exact"] is True
    assert answer["threads"] == 6
    assert answer["wrong"] == 0
    assert answer["elsewhere"] < 20  # the standard library's, between the two moments
    assert answer["size"] > 5 * (4000 * 100 + 4000 * 50)
    assert finalized == []  # nothing of the worker's was torn down in the child


def test_without_the_c_part_such_a_process_is_captured_in_place(tmp_path: Path) -> None:
    without = "import sys; sys.modules['leakhunt.hook.capture._fork'] = None\n"
    finalized, answer = run(tmp_path, without)
    assert answer["forked"] is False
    assert answer["wrong"] == 0
    assert finalized == []


def test_every_python_opens_it(tmp_path: Path) -> None:
    """Whichever wrote it: plain Snapshot.load of each interpreter from 3.9 on agrees."""
    program = tmp_path / "program.py"
    program.write_text(
        "import leakhunt, sys\n"
        "leakhunt.install(start='boot', dir=sys.argv[1])\n"
        "kept = [bytes(n) for n in range(3000)]\n"
        "print(leakhunt.dump())\n"
    )
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "snapshots")],
        env=harness.environment(tmp_path), capture_output=True, text=True, timeout=harness.HANGS, check=True,
    )  # fmt: skip
    path = done.stdout.strip()
    look = (
        "import sys, tracemalloc\n"
        "s = tracemalloc.Snapshot.load(sys.argv[1])\n"
        "print(sorted((t.traceback[0].lineno, t.size, t.count) for t in s.statistics('lineno')"
        " if t.traceback[0].filename.endswith('program.py')), s.leakhunt['python'])\n"
    )
    answers = {}
    for python in interpreters():
        answer = subprocess.run(
            [python, "-c", look, path], capture_output=True, text=True, check=True
        )
        answers[python] = answer.stdout
    assert len(set(answers.values())) == 1
    assert "(3, " in next(iter(answers.values()))


def interpreters() -> list[str]:
    """This interpreter and the others from 3.9 on that pyenv or the PATH have."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = [sys.executable]
    for minor in range(9, 16):
        found += [str(p) for p in sorted(root.glob(f"3.{minor}.*/bin/python"))]
        on_path = shutil.which(f"python3.{minor}")
        if on_path and "shims" not in on_path:
            found.append(on_path)
    return found
