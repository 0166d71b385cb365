"""What a snapshot of the sampled engine costs with five million live objects, and its memory.

python tests/benchmarks/bench_snapshot.py [objects]
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.engine.sampled import Sampled
from tests.benchmarks.workloads import mixed


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def snapshots(number: int = 5_000_000) -> None:
    from leakhunt.engine import _sampler  # type: ignore[attr-defined,unused-ignore]
    from leakhunt.snapfile import records, write

    for name, interval in (("512 KiB", 512 << 10), ("64 KiB", 64 << 10), ("budget 1 %", None)):
        gc.disable()
        engine = Sampled(interval)
        engine.start(25)
        began = time.perf_counter()
        kept = spread(number)
        built = time.perf_counter() - began
        tables = engine.counters().overhead
        copies = []
        for _ in range(9):
            began = time.perf_counter()
            raw = engine.read()
            copies.append(time.perf_counter() - began)
        began = time.perf_counter()
        told = engine.harvest(raw)
        path = Path(tempfile.mkdtemp()) / "one.bin"
        facts = {
            "estimates": records.plain(told.estimates or ()),
            "births": records.plain(told.births or ()),
        }
        size = write.write(path, told.runs, 25, facts)
        wrote = time.perf_counter() - began
        path.unlink()
        figures = _sampler.stats()
        print(
            f"{name:12} {number:,} objects in {built:.1f} s: {figures['samples']:,} samples, "
            f"copy {statistics.median(copies) * 1e3:.3f} ms, resolve and write {wrote * 1e3:.1f} ms, "
            f"file {size / 1024:.0f} KiB, tables {(tables or 0) / 1024:.0f} KiB, "
            f"interval {figures['interval'] / 1024:.0f} KiB, overhead {figures['overhead']:.2%}"
        )
        engine.stop()
        del kept


def spread(number: int) -> list[Any]:
    """That many live objects of many sizes, from a thousand stacks up to twelve calls deep."""
    source = ["def made(n, depth, kept):"]
    source += ["    return made(n, depth - 1, kept) if depth else LINES[n % 80](n, kept)"]
    for line in range(80):
        source += [
            f"def line{line}(n, kept):",
            f"    kept.append(str(n) * (1 + n % {line + 1} % 9))",
        ]
    source += [f"LINES = [{', '.join(f'line{n}' for n in range(80))}]"]
    space: dict[str, Any] = {}
    exec(compile("\n".join(source), "/srv/shop/orders/generated_module.py", "exec"), space)
    made = space["made"]
    kept: list[Any] = []
    for n in range(number):
        made(n, n % 12, kept)
    return kept


def memory() -> None:
    """RSS of the same work without and with the engine, in children of this process."""
    for name, interval in (("none", 0), ("512 KiB", 512 << 10), ("budget 1 %", None)):
        sizes = []
        for _ in range(5):
            receive, send = os.pipe()
            if os.fork() == 0:
                if interval != 0:
                    Sampled(interval).start(25)
                held = [json.loads(json.dumps({"n": n, "text": str(n) * 5})) for n in range(50_000)]
                for _ in range(200):
                    mixed()
                os.write(send, str(rss() if held else 0).encode())
                os._exit(0)
            sizes.append(int(os.read(receive, 100)))
            os.wait()
        print(f"RSS {name:12} {statistics.median(sizes) / 2**20:.2f} MiB")


if __name__ == "__main__":
    print(sys.version)
    memory()
    snapshots(int(sys.argv[1]) if sys.argv[1:] else 5_000_000)
