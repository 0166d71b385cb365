"""The sampled engine in real workers: every pool, every trigger, the same files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leakhunt.engine.choice import choose
from leakhunt.model.snapshot import Frame
from leakhunt.snapshots import load
from tests.live import harness

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        choose("sampled").name != "sampled", reason=f"no sampled engine: {choose('sampled').why}"
    ),
]

SAMPLED = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_INTERVAL": "8KiB"}


def leaked(path: Path) -> int:
    return harness.size_at(path, "shop.py")


def sums_up(path: Path) -> dict[str, Any]:
    """The facts of a snapshot whose estimates are whole."""
    known = harness.facts(path)
    snapshot = load.load(path)
    assert known["engine"] == "sampled"
    assert known["samples"] == sum(told.samples for told in snapshot.facts.values()) > 0
    assert set(snapshot.facts) == set(snapshot.tallies)
    assert all(told.samples > 0 for told in snapshot.facts.values())
    assert known["lost"] == {
        "dropped": 0,
        "unplaced": 0,
        "ghosts": known["lost"]["ghosts"],
        "unrouted": 0,
    }
    assert 0 <= known["overhead"] * known["overhead_cpu"] <= known["overhead_cpu"]
    return known


@pytest.mark.parametrize(
    "pool",
    ["prefork", "solo", "threads", "gevent", pytest.param("eventlet", marks=pytest.mark.once)],
)
def test_a_pool(pool: str, tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-P", pool, "-c", "1", **SAMPLED) as worker:
        record = worker.hooked("child" if pool == "prefork" else "worker")[0]
        assert record["engine"] == "sampled"
        assert record["armed_at"]
        path, _ = worker.dump(record)
        first = sums_up(path)
        assert first["baseline"] is False
        assert first["start"] == "boot"
        assert first["nframe"] == 25
        napping = worker.send("nap", 0.8)
        worker.noted("nap")
        worker.dump(record)
        assert napping.get(timeout=harness.PATIENCE) == 0.8
        for _ in range(40):
            assert worker.do("leak", 50_000) == 50_000
        path, _ = worker.dump(record)
        assert leaked(path) == pytest.approx(2_000_000, rel=0.3)
        known = sums_up(path)
        assert known["forked"] is known["exact"] is True
        snapshot = load.load(path)
        stack = max(
            (stack for stack in snapshot.tallies if stack[-1].file.endswith("shop.py")),
            key=lambda stack: snapshot.tallies[stack].size,
        )
        assert snapshot.spots[stack[-1]].function == "leak"
        assert all(isinstance(frame, Frame) for frame in stack)
        # Each greenlet has its own stack, down to the pool.
        assert len(stack) > 5
        assert (snapshot.told(stack).stderr or 0) < 0.3 * snapshot.tallies[stack].size


def test_every_n_tasks_at_exit_and_with_the_budget(tmp_path: Path) -> None:
    options = {"LEAKHUNT_ENGINE": "sampled", "LEAKHUNT_EVERY": "5", "LEAKHUNT_BUDGET": "2%"}
    with harness.worker(tmp_path, "-c", "1", **options) as worker:
        child = worker.hooked("child")[0]
        worker.feed(child, 5, 16, "leak", 100_000)
        assert len(worker.snapshots(child)) == 3
        known = sums_up(worker.snapshots(child)[-1])
        assert known["trigger"] == "tasks"
        assert known["budget"] == 0.02
        assert known["tasks"]["leak"]["kept"] is not None
        main = worker.hooked("main")[0]
        path, _ = worker.dump(main)
        sums_up(path)


def test_the_main_process_tells_its_children(tmp_path: Path) -> None:
    with harness.worker(tmp_path, "-c", "2", **SAMPLED) as worker:
        worker.hooked("child", 2)
        for _ in range(20):
            worker.do("leak", 1000)
        os.kill(worker.hooked("main")[0]["pid"], signal.SIGUSR1)
        worker.until(
            lambda: len(list(worker.dir.glob("*/*.bin"))) >= 3, "a snapshot of each process"
        )


def test_a_worker_is_armed_with_another_engine(tmp_path: Path) -> None:
    def console(*arguments: str) -> subprocess.CompletedProcess[str]:
        return harness.console(*arguments, env=worker.environment)

    with harness.worker(tmp_path, "-c", "1", **SAMPLED) as worker:
        child = worker.hooked("child")[0]
        pid = str(child["pid"])
        armed = console("arm", pid, "--engine", "exact", "--nframe", "3")
        assert armed.returncode == 0, armed.stderr
        assert f"the exact engine traces process {pid} from now on (nframe 3)" in armed.stderr
        path, _ = worker.dump(child)
        assert harness.facts(path)["engine"] == "exact"
        for _ in range(5):
            worker.do("leak", 100_000)
        path, _ = worker.dump(child)
        assert leaked(path) >= 500_000
        back = console("arm", pid, "--engine", "sampled")
        if "goes on" in back.stderr:  # this Python's tracemalloc cannot be stopped beside threads
            assert back.returncode == 2
        else:
            assert back.returncode == 0, back.stderr
            for _ in range(20):
                worker.do("leak", 100_000)
            path, _ = worker.dump(child)
            assert leaked(path) == pytest.approx(2_000_000, rel=0.3)
        stopped = console("dump", "--disarm", pid)
        assert "tracing" in stopped.stderr
        assert worker.do("leak", 10) == 10
        assert console("arm", "--engine", "sampled").returncode == 2


LOAD = """
import json, os, sys, threading, time
import leakhunt
# To walk over the heap would take most of the time, and it is the samples that may suffer.
leakhunt.install(engine="sampled", interval="4KiB", dir=sys.argv[1], walk="off")
kept, stop = [], threading.Event()
def work():
    while not stop.is_set():
        [str(n) * 5 for n in range(1000)]
        if len(kept) < 8000:  # or a slow machine would have ever more to capture, ever more slowly
            kept.append(bytes(1000))
        time.sleep(0.001)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
rounds = 0
while rounds < 15 or len(kept) < 5000:  # so many that the estimate of their sum is good to 3 %
    rounds += 1
    assert leakhunt.dump()
    pid = os.fork()
    if pid == 0:
        mine = [leakhunt.dump() for _ in range(2)]
        os._exit(0 if all(map(os.path.exists, mine)) else 3)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads: thread.join()
print(json.dumps([leakhunt.dump(), len(kept)]))
"""


def test_captures_and_forks_under_load(tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text(LOAD)
    done = subprocess.run(
        [sys.executable, "load.py", str(tmp_path / "snapshots")],
        env=harness.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    path, kept = json.loads(done.stdout.splitlines()[-1])
    size = sum(
        tally.size
        for stack, tally in load.load(path).tallies.items()
        if stack[-1].file.endswith("load.py") and tally.size // tally.count > 900
    )
    # A block of 1,033 bytes is a sample with probability 0.22: 5,000 of them are estimated with a
    # standard error of 2.6 %, and 20 % are more than seven of those.
    assert kept >= 5000
    assert size == pytest.approx(kept * 1033, rel=0.2)


def test_run_with_the_sampled_engine(tmp_path: Path) -> None:
    (tmp_path / "once.py").write_text("kept = [bytes(1000) for _ in range(20000)]\nprint('done')\n")
    done = subprocess.run(
        [sys.executable, "-m", "leakhunt", "run", "--engine", "sampled", "--at-exit", "once.py"],
        env=harness.environment(tmp_path, LEAKHUNT_INTERVAL="16KiB"),
        cwd=tmp_path, capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    (path,) = (tmp_path / "snapshots").glob("*/*.bin")
    assert harness.size_at(path, "once.py") == pytest.approx(20000 * 1033, rel=0.15)


def written(folder: Path, text: str) -> tuple[Path, dict[str, Any]]:
    """A program that dumps once and prints the path: its file, and the facts of the snapshot."""
    program = folder / "program.py"
    program.write_text(text)
    done = subprocess.run(
        [sys.executable, str(program), str(folder / "snapshots")],
        env=harness.environment(folder), capture_output=True, text=True, timeout=harness.HANGS, check=True,
    )  # fmt: skip
    return program, harness.facts(Path(done.stdout.strip()))


GARBAGE = """
import gc, sys
import leakhunt

leakhunt.install(engine="sampled", interval="64", dir=sys.argv[1])
gc.disable()
KEPT = []

class Node:
    def __init__(self, number):
        self.me = self
        self.text = str(number) * 50

class Slim:
    __slots__ = ("me",)

def node(number):
    return Node(number)

def slim():
    found = Slim()
    found.me = [found]

def kept():
    KEPT.append(Node(1))  # reachable: none of its blocks may count

for number in range(5000):
    node(number)
    slim()
    kept()
print(leakhunt.dump())
"""


def test_garbage_is_found_by_the_sampled_blocks(tmp_path: Path) -> None:
    """tracemalloc is off, so nobody but the sampler knows who made an unreachable object."""
    program, known = written(tmp_path, GARBAGE)
    found = known["garbage"]
    made = dict.fromkeys(GARBAGE.splitlines(), 0)
    for stack, number in found["stacks"]:
        file, line = stack[0]
        if file == str(program):
            made[GARBAGE.splitlines()[line - 1]] += number
    for line in (
        "    return Node(number)",
        "        self.text = str(number) * 50",
        "    found = Slim()",
        "    found.me = [found]",
    ):
        assert made[line] == pytest.approx(5000, rel=0.1), line
    assert made["    KEPT.append(Node(1))  # reachable: none of its blocks may count"] == 0
    assert found["objects"] == pytest.approx(
        25_000 if made["        self.me = self"] else 20_000, rel=0.01
    )


def test_births_tell_what_only_waits_from_what_is_kept(tmp_path: Path) -> None:
    """Of one line, half of the objects are kept and half are cycles, with the texts that these hold."""
    program = GARBAGE.replace(
        "node(number)\n    slim()\n    kept()", "(node if number % 2 else kept)(number)"
    )
    program = program.replace("def kept():", "def kept(number):").replace("Node(1)", "node(number)")
    place, known = written(tmp_path, program)
    text = program.splitlines().index("        self.text = str(number) * 50") + 1
    births = [
        birth
        for frames, several in known["births"]
        if frames and frames[0] == (str(place), text)
        for birth in several
    ]
    size, waiting = (sum(birth[at] for birth in births) for at in (4, 8))
    assert size == pytest.approx(5000 * 240, rel=0.2)
    assert waiting == pytest.approx(size / 2, rel=0.1)


LAUNDERED = """
import sys
import leakhunt

leakhunt.install(engine="sampled", interval="64", dir=sys.argv[1])
KEPT = []

def dicts(number):
    KEPT.append({"number": number})

def texts(number):
    KEPT.append(str(number) * 20)

for number in range(3000):
    dicts(number)
    texts(number)
print(leakhunt.dump())
"""


def test_what_a_freelist_may_have_handed_on_is_told(tmp_path: Path) -> None:
    program, known = written(tmp_path, LAUNDERED)
    lines = LAUNDERED.splitlines()
    line = {text: number for number, text in enumerate(lines, 1)}
    dicts, texts = (
        line['    KEPT.append({"number": number})'],
        line["    KEPT.append(str(number) * 20)"],
    )

    def at(number: int, fact: str) -> list[Any]:
        place = (str(program), number)
        return [told for frames, told in known[fact] if frames[0] == place]

    assert sum(at(dicts, "recycled")) > 3000 * 48
    assert sum(at(texts, "recycled")) == 0
    assert "dict" in dict(at(dicts, "types")[0])
    assert "str" in dict(at(texts, "types")[0])
