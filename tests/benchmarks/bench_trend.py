"""How long ``leakhunt trend`` takes, and how much memory, for many snapshots.

    python tests/benchmarks/bench_trend.py [--snapshots 10,100,1000] [--stacks 5000]

Prints seconds, peak resident set (of the console and of its largest reader) and the ratio to reading
the same files one after the other with the standard library and comparing the first with the last.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from leakhunt.snapfile.write import RawFrames, write

ROOT = Path(__file__).parents[2]
LIBRARY = """
import sys, tracemalloc
before = None
for path in sys.argv[1:]:
    last = tracemalloc.Snapshot.load(path)
    before = before or last
last.compare_to(before, "lineno")
"""


def record(folder: Path, snapshots: int, stacks: int) -> list[Path]:
    """A series in which one line leaks, some caches fill and the rest is noise."""
    dice = random.Random(1)
    files = [f"/srv/shop/module_{number}.py" for number in range(60)]
    frames: list[RawFrames] = [
        tuple((dice.choice(files), dice.randrange(1, 400)) for _ in range(dice.randrange(2, 12)))
        for _ in range(stacks)
    ]
    paths = []
    for index in range(snapshots):
        runs = []
        for number, stack in enumerate(frames):
            blocks = 20 + dice.randrange(12)
            if number == 0:
                blocks = 100 * (index + 1)
            elif number % 50 == 0:
                blocks += min(index, 4) * 100
            runs.append(((0, 64 + 8 * (number % 40), stack, len(stack)), blocks))
        facts: dict[str, Any] = {
            "schema": 1, "host": "web1", "pid": 4242, "started_at": 1.8e9, "engine": "exact",
            "taken_at": 1.8e9 + 60 * index, "sequence": index + 1, "tasks_done": 100 * (index + 1),
            "rss": (120 << 20) + 6400 * index, "traced": 40 << 20, "tracer": 4 << 20, "pool": "solo",
        }  # fmt: skip
        paths.append(folder / f"{index + 1:06d}.bin")
        write(paths[-1], runs, 12, facts)
    return paths


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds and the largest resident set of any process of the command."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"import resource, subprocess, sys\nsubprocess.run({command!r}, stdout=subprocess.DEVNULL, check=True)\n"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.monotonic() - began, int(done.stdout) << (10 if sys.platform == "linux" else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", default="10,100,1000")
    parser.add_argument("--stacks", type=int, default=5000)
    options = parser.parse_args()
    print(f"{'snapshots':>10} {'seconds':>8} {'peak MiB':>9} {'library s':>10} {'ratio':>6}")
    for number in map(int, options.snapshots.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            paths = record(Path(folder), number, options.stacks)
            seconds, peak = measured([sys.executable, "-m", "leakhunt", "trend", folder, "--json"])
            if number <= 100:
                library, _ = measured([sys.executable, "-c", LIBRARY, *map(str, paths)])
                beside = f"{library:10.2f} {seconds / library:6.2f}"
            else:
                beside = f"{'':>10} {'':>6}"
            print(f"{number:>10} {seconds:8.2f} {peak / (1 << 20):9.0f} {beside}", flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
