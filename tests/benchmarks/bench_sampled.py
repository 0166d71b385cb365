"""What the sampled engine costs: CPU-time ratios with an A/A control, snapshots, memory.

    python tests/benchmarks/bench_sampled.py [rounds]          the three micro-workloads
    python tests/benchmarks/bench_sampled.py ROUNDS quick      without the slow engines
    python tests/benchmarks/bench_sampled.py snapshot          5e6 live objects

All engines take turns in one process, in shuffled order; each block with an engine is
divided by the mean of the blocks without one on both sides of it (``process_time``, so other
processes disturb caches only). "none (A/A)" is a block without an engine measured like the
others: what it differs from 1 by is the noise. memray and ddtrace are measured where
they can be imported.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from leakhunt.engine.exact import Exact
from leakhunt.engine.sampled import Sampled

#: Seconds of CPU that one block is about to take.
BLOCK = 0.12
SETTLED = "sampled, budget 1 %"
#: Engines that slow down more than this are measured on this part of a block, this often.
SLOW_PART, SLOW_ROUNDS = 0.05, 3


# -- what is run -----------------------------------------------------------------------


def at_depth(depth: int, work: Callable[[], None]) -> None:
    work() if depth == 0 else at_depth(depth - 1, work)


def documents() -> None:
    """(a) JSON: lists of dicts, made, dumped and loaded, at depth 15."""
    rows = [{"id": i, "name": f"row {i}", "tags": ["a", "b", str(i)]} for i in range(40)]
    json.loads(json.dumps(rows))


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def arithmetic() -> None:
    """(b) Calls and integers: the worst case, every integer is a block."""
    fib(13)
    total = 0
    for n in range(1000, 3000):
        total += n * n


DATABASE = sqlite3.connect(":memory:")
DATABASE.execute("create table orders (id integer, name text, total real)")
LAST: dict[int, Any] = {}


class Order:
    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id, self.name, self.total = row
        self.lines = [self.name.upper(), f"{self.total:.2f}"]


def mixed() -> None:
    """(c) What a task does: JSON, SQLite, string formatting, small objects, a cache."""
    rows = [(n, f"customer {n % 7}", n * 1.1) for n in range(60)]
    DATABASE.executemany("insert into orders values (?, ?, ?)", rows)
    found = [Order(row) for row in DATABASE.execute("select * from orders where id % 3 = 0")]
    DATABASE.execute("delete from orders")
    page = "".join("<li>{} {}</li>".format(*order.lines) for order in found)
    text = json.dumps({"page": page, "orders": [vars(order) for order in found]})
    LAST[len(LAST) % 50] = json.loads(text)["page"].split("<li>")


WORKLOADS = {"(a) json": documents, "(b) integers": arithmetic, "(c) mixed": mixed}


# -- what is measured --------------------------------------------------------------------


def engines() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Name to (start, stop)."""
    found: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "none (A/A)": (int, int),
    }

    def sampled(name: str, interval: int | None) -> None:
        engine = Sampled(interval)
        found[name] = (lambda: engine.start(25), engine.stop)

    sampled("sampled 64 KiB", 64 << 10)
    sampled("sampled 512 KiB", 512 << 10)
    found[SETTLED] = (int, int)  # set for each workload
    for nframe in (1, 5, 10, 25):
        exact = Exact()
        found[f"exact {nframe}"] = (lambda e=exact, n=nframe: e.start(n), exact.stop)  # type: ignore[misc]
    try:
        import memray  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("memray is not installed: left out")
    else:
        trackers: list[Any] = []

        def begin_memray(python: bool) -> None:
            path = tempfile.mktemp(suffix=".memray")
            tracker = memray.Tracker(path, trace_python_allocators=python)
            tracker.__enter__()
            trackers.append((tracker, path))

        def end_memray() -> None:
            tracker, path = trackers.pop()
            tracker.__exit__(None, None, None)
            os.unlink(path)

        found["memray, native only"] = (lambda: begin_memray(False), end_memray)
        found["memray, Python too"] = (lambda: begin_memray(True), end_memray)
    try:
        from ddtrace.internal.datadog.profiling import ddup  # type: ignore[import-not-found,unused-ignore]
        from ddtrace.profiling.collector import _memalloc  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("ddtrace is not installed: left out")
    else:
        ddup.config(service="bench", env="bench", version="1", tags={})
        ddup.start()
        found["ddtrace 1 MiB (default)"] = (
            lambda: _memalloc.start(64, 1 << 20, True),
            _memalloc.stop,
        )
    return found


def settled(work: Callable[[], None]) -> tuple[int, float]:
    """The interval (bytes) that the budget of 1 % comes to, and the cost that it claims."""
    engine = Sampled()
    engine.start(25)
    began = time.process_time()
    while time.process_time() - began < 2.0:
        at_depth(15, work)
    facts = engine.facts()
    engine.stop()
    return facts["interval"], facts["overhead"]


def repeats(work: Callable[[], None]) -> int:
    began, number = time.process_time(), 0
    while time.process_time() - began < BLOCK:
        at_depth(15, work)
        number += 1
    return number


def block(work: Callable[[], None], number: int) -> float:
    """Nanoseconds of CPU per turn."""
    began = time.process_time_ns()
    for _ in range(number):
        at_depth(15, work)
    return (time.process_time_ns() - began) / number


def ratios(rounds: int, only_quick: bool) -> None:
    candidates = engines()
    quick = [name for name in candidates if name.startswith(("none", "sampled", "ddtrace"))]
    if only_quick:
        candidates = {name: candidates[name] for name in quick}
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in candidates}
    gc.collect()
    gc.freeze()
    for label, work in WORKLOADS.items():
        number = repeats(work)
        interval, claimed = settled(work)
        print(f"{label}: the budget settles at {interval // 1024} KiB and claims {claimed:.2%}")
        engine = Sampled(interval)
        candidates[SETTLED] = (lambda engine=engine: engine.start(25), engine.stop)  # type: ignore[misc]
        for turn in range(rounds):
            names = quick if turn >= SLOW_ROUNDS else list(candidates)
            random.shuffle(names)
            before = block(work, number)
            for name in names:
                start, stop = candidates[name]
                start()
                part = number if name in quick else max(1, int(number * SLOW_PART))
                cost = block(work, part)
                stop()
                after = block(work, number)
                taken[name].setdefault(label, []).append(2 * cost / (before + after))
                before = after
    print(f"\nCPU time / CPU time without, {rounds} rounds: 25 % / median / 75 %")
    print(f"{'engine':26}" + "".join(f"{label:>26}" for label in WORKLOADS))
    for name in candidates:
        cells = []
        for label in WORKLOADS:
            low, middle, high = statistics.quantiles(taken[name][label], n=4)
            cells.append(f"{low:7.3f} /{middle:7.3f} /{high:7.3f}")
        print(f"{name:26}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


# -- snapshots ------------------------------------------------------------------------------


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def snapshots(number: int = 5_000_000) -> None:
    from leakhunt.engine import _sampler  # type: ignore[attr-defined,unused-ignore]
    from leakhunt.snapfile import write

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
        runs = list(engine.runs(raw))
        path = Path(tempfile.mkdtemp()) / "one.bin"
        facts = {"estimates": [tuple(estimate) for estimate in engine.estimates()]}
        size = write.write(path, runs, 25, facts)
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
    words = sys.argv[1:]
    print(sys.version)
    if words == ["snapshot"]:
        memory()
        snapshots()
    else:
        ratios(int(words[0]) if words else 40, "quick" in words)
