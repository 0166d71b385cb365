"""How long a process stands still for a snapshot, and how large the file is.

    python tests/benchmarks/bench_pause.py [blocks ...]

A busy loop in the main thread notes the longest gap between two of its turns
while one signal arrives. Three processes with the same heap, measured in turn,
five times each: the blog recipe (``take_snapshot().dump()`` in the handler), a bare
``os.fork`` whose child exits at once, and leakhunt. Prints medians and ratios.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
NFRAME = 10

PROGRAM = r"""
import json, os, signal, sys, time, tracemalloc
kind, blocks, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
tracemalloc.start(%d)

def make(depth, size):
    return bytes(size) if depth == 0 else make(depth - 1, size)

lines = {}
for number in range(100):
    exec(f"def line{number}(size):\n    return make(9, size)\n", globals())
makers = [globals()[f"line{number}"] for number in range(100)]
heap = [makers[index %% 100](index %% 37 + 20) for index in range(blocks)]
path = os.path.join(folder, "recipe.bin")

def recipe(signum, frame):
    tracemalloc.take_snapshot().dump(path)

def bare(signum, frame):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

if kind == "leakhunt":
    import leakhunt
    leakhunt.install(dir=folder, start="boot", nframe=%d)
else:
    signal.signal(signal.SIGUSR1, recipe if kind == "recipe" else bare)

def files():
    found = []
    for base, _, names in os.walk(folder):
        found += [os.path.join(base, name) for name in names if name.endswith(".bin")]
    return found

clock = time.perf_counter
os.kill(os.getpid(), 0)
began = last = clock()
longest, sent, after = 0.0, False, 0.3
while True:
    now = clock()
    if now - last > longest and sent:
        longest = now - last
    last = now
    if not sent and now - began > after:
        sent = True
        os.kill(os.getpid(), signal.SIGUSR1)
    if sent and now - began > after + 1.0:
        break
first = longest
deadline = clock() + 60
while kind == "leakhunt" and not files() and clock() < deadline:
    time.sleep(0.01)
sizes = [os.path.getsize(name) for name in files()]
print(json.dumps([first, sizes[0] if sizes else 0]))
""" % (NFRAME, NFRAME)


def measure(kind: str, blocks: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, kind, str(blocks), folder],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        pause, size = json.loads(done.stdout.splitlines()[-1])
        return pause, size


def main() -> None:
    amounts = [int(word) for word in sys.argv[1:]] or [100_000, 1_000_000]
    out = sys.stdout.write
    out(f"Python {sys.version.split()[0]}, nframe {NFRAME}, medians of {ROUNDS}\n\n")
    out("| live blocks | | longest gap | to the recipe | to a bare fork | file |\n")
    out("|---|---|---|---|---|---|\n")
    for blocks in amounts:
        results: dict[str, list[tuple[float, int]]] = {
            "recipe": [],
            "bare fork": [],
            "leakhunt": [],
        }
        for _ in range(ROUNDS):
            for kind, found in results.items():
                found.append(measure(kind, blocks))
        pause = {k: statistics.median(p for p, _ in found) for k, found in results.items()}
        size = {k: statistics.median(s for _, s in found) for k, found in results.items()}
        for kind in results:
            recipe = pause["recipe"] / pause[kind]
            fork = pause[kind] / pause["bare fork"]
            mib = f"{size[kind] / 2**20:.2f} MiB" if size[kind] else ""
            out(
                f"| {blocks:,} | {kind} | {pause[kind] * 1e3:.1f} ms | {recipe:.0f} times shorter "
                f"| {fork:.2f} x | {mib} |\n"
            )
        out(f"| | | | | | {size['recipe'] / size['leakhunt']:.1f} times smaller |\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
