"""How good the sampled engine's estimates are: against tracemalloc, and at finding a leak.

    python tests/benchmarks/bench_estimates.py accuracy      200 seeds at each interval
    python tests/benchmarks/bench_estimates.py detection     ten seeds, 100 B to 10 KiB, two intervals

Accuracy: the live bytes of some lines of a program, by tracemalloc once, and sampled 200 times.
The mean error in standard errors of the mean says whether there is a bias; how often the
truth lies within one and two of the standard errors that the engine itself states should be 68 % and
95 %. Detection: one line leaks among churn and 40 lines with bounded caches, 14 MB live; how much it
has leaked when its growth ranks first and stays first.
"""

from __future__ import annotations

import math
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.sampled_programs import ACCURACY, DETECTION, run

MIB = 1 << 20


def accuracy() -> None:
    print(
        "| interval | line's live bytes | mean of 200 / truth | bias, in standard errors | RMS error | stated | within 1 | within 2 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for interval in (512, 4096, 16384, 65536):
        for truth, estimates in run(ACCURACY, str(interval))["lines"]:
            sizes = [size for size, _ in estimates]
            mean = statistics.mean(sizes)
            error = math.sqrt(statistics.mean((size - truth) ** 2 for size in sizes))
            stated = math.sqrt(statistics.mean(stderr**2 for _, stderr in estimates))
            bias = (mean - truth) / (statistics.stdev(sizes) / math.sqrt(len(sizes)))
            inside = [
                sum(abs(size - truth) <= many * stderr for size, stderr in estimates)
                for many in (1, 2)
            ]
            print(
                f"| {interval:,} B | {truth:,} | {mean / truth:.4f} | {bias:+.1f} | {error / truth:.1%} | "
                f"{stated / truth:.1%} | {inside[0] / len(sizes):.0%} | {inside[1] / len(sizes):.0%} |",
                flush=True,
            )


def detection() -> None:
    print(
        "| interval | leaked blocks | first for good after (MiB): min / median / max | by 1.5 / 5 MiB |"
    )
    print("|---|---|---|---|")
    for interval, limit in ((64 << 10, 3 * MIB // 2), (512 << 10, 5 * MIB)):
        for size in (100, 1000, 10_000):
            found: list[float] = []
            for seed in range(10):
                words = map(str, (seed, interval, size, limit))
                since = run(DETECTION, *words)["since"]
                found.append(math.inf if since is None else since / MIB)
            inside = sum(since <= limit / MIB for since in found)
            print(
                f"| {interval >> 10} KiB | {size:,} B | {min(found):.2f} / "
                f"{statistics.median(found):.2f} / {max(found):.2f} | {inside} of 10 |",
                flush=True,
            )


if __name__ == "__main__":
    {"accuracy": accuracy, "detection": detection}[sys.argv[1]]()
