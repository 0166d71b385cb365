"""What the walk over the heap takes, beside guppy3 and objgraph on the same heap.

    pip install guppy3 objgraph
    python tests/benchmarks/bench_walk.py [objects ...]

One process for each tool and size, in turn, three times each; medians. The heap is lists of dicts and
texts below one module global. What each is asked:

* leakhunt: the walk, so of every object its type and size, its way from a root, its dominator and what it retains;
* guppy3: ``hpy().heap()``, a census of types and sizes, without ways or retained sizes;
* guppy3 via: ``heap().byvia``, of every object also the references that lead to it, the nearest to a way;
* guppy3 path: ``shpaths`` and ``domisize`` of one object, its way and what it retains;
* objgraph: ``find_backref_chain``, the one chain from one object to a module.

Time per object is per object that the tool tells of: one for the last two. Memory is what the process's peak RSS
rose by. A tool that is not installed, or takes more than ten minutes, is left out and said to be.

Goals: 20 times faster per object than either; 1.5 s and 150 MB at 10^6 objects, 20 s and 1.5 GB at 10^7.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

ROUNDS = 3
SIZES = (100_000, 1_000_000, 10_000_000)
LONGEST = 600
TOOLS = ("leakhunt", "guppy3", "guppy3 via", "guppy3 path", "objgraph")

PROGRAM = r"""
import gc, json, resource, sys, time
tool, number = sys.argv[1], int(sys.argv[2])
gc.disable()
HEAP = [{"name": f"item {each}", "tags": [str(each)]} for each in range(number // 5)]
last = HEAP[-1]["tags"]

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

if tool == "leakhunt":
    from leakhunt.hook.capture.walk import _walk
    def run():
        found = _walk.walk(b"", 600.0, 8 << 30, "/nowhere", 0)
        assert found["whole"], found
        return found["objects"], found["memory"]
elif tool == "guppy3":
    from guppy import hpy
    heapy = hpy()
    def run():
        return heapy.heap().count, None
elif tool == "guppy3 via":
    from guppy import hpy
    heapy = hpy()
    def run():
        every = heapy.heap().byvia
        assert len(every) > 1
        return every.count, None
elif tool == "guppy3 path":
    from guppy import hpy
    heapy = hpy()
    def run():
        one = heapy.iso(last)
        assert "__main__" in str(one.shpaths)
        assert one.domisize > 0
        return 1, None
else:
    import objgraph
    def run():
        chain = objgraph.find_backref_chain(last, objgraph.is_proper_module, max_depth=20)
        assert len(chain) > 1
        return 1, None
before = peak()
wall, cpu = time.perf_counter(), time.process_time()
seen, memory = run()
print(json.dumps({
    "objects": seen, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
    "memory": memory if memory is not None else peak() - before,
}))
"""


def measured(tool: str, number: int) -> dict[str, Any] | str:
    """The figures of one run, or why there are none."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, tool, str(number)],
            capture_output=True, text=True, timeout=LONGEST,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"more than {LONGEST} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(sizes: list[int]) -> None:
    print(
        f"{'objects':>11} {'tool':<11} {'CPU s':>8} {'wall s':>8} {'MB':>8} {'us/object':>10} {'times':>7}"
    )
    for number in sizes:
        runs: dict[str, list[dict[str, Any] | str]] = {tool: [] for tool in TOOLS}
        for _ in range(ROUNDS):
            for tool in TOOLS:
                if not runs[tool] or not isinstance(runs[tool][-1], str):
                    runs[tool].append(measured(tool, number))
        ours = 0.0
        for tool in TOOLS:
            found = [each for each in runs[tool] if not isinstance(each, str)]
            if not found:
                print(f"{number:>11,} {tool:<11} {runs[tool][-1]}")
                continue
            cpu, wall, memory = (
                statistics.median(one[name] for one in found) for name in ("cpu", "wall", "memory")
            )
            each = statistics.median(one["cpu"] / one["objects"] for one in found)
            ours = ours or each
            print(
                f"{number:>11,} {tool:<11} {cpu:>8.2f} {wall:>8.2f} {memory / 1e6:>8.0f} "
                f"{1e6 * each:>10.3f} {each / ours:>7.1f}"
            )


if __name__ == "__main__":
    main([int(word.replace(",", "")) for word in sys.argv[1:]] or list(SIZES))
