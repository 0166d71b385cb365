"""The engines that the benchmarks compare, as (start, stop) by name, and how a ratio is taken.

What cannot be imported is named on stderr and in the table ("not installed").
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from leakhunt.engine.exact import Exact
from leakhunt.engine.sampled import Sampled

Switch = tuple[Callable[[], object], Callable[[], object]]

CONTROL = "nothing (A/A: the noise)"
BUDGET = "sampled, budget 1 %"
SAMPLED = {"sampled, 512 KiB": 512 << 10, "sampled, 64 KiB": 64 << 10, BUDGET: None}
NFRAMES = (1, 5, 10, 25)
DDTRACE = "ddtrace, 1 MiB (its default)"
MEMRAY = {"memray, native only": False, "memray, Python too": True}
EXACT = {f"exact, nframe {nframe}": nframe for nframe in NFRAMES}

#: In the order of the table.
ORDER = (CONTROL, *SAMPLED, DDTRACE, *MEMRAY, *EXACT)
#: These slow down several times: fewer rounds are needed, and can be afforded.
SLOW = frozenset((*MEMRAY, *EXACT))


def found() -> dict[str, Switch]:
    """All engines that work here, in the order of the table."""
    engines: dict[str, Switch] = {CONTROL: (int, int)}
    for name, interval in SAMPLED.items():
        sampled = Sampled(interval)
        engines[name] = (lambda engine=sampled: engine.start(25), sampled.stop)  # type: ignore[misc]
    ddtrace = _ddtrace()
    if ddtrace is not None:
        engines[DDTRACE] = ddtrace
    engines.update(_memray())
    for name, nframe in EXACT.items():
        exact = Exact()
        engines[name] = (lambda engine=exact, n=nframe: engine.start(n), exact.stop)  # type: ignore[misc]
    return engines


def _ddtrace() -> Switch | None:
    try:
        from ddtrace.internal.datadog.profiling import ddup  # type: ignore[import-not-found,unused-ignore]
        from ddtrace.profiling.collector import _memalloc  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("ddtrace is not installed", file=sys.stderr)
        return None
    # Without an agent and without a scheduler: nothing is sent.
    ddup.config(service="bench", env="bench", version="1", tags={})
    ddup.start()
    return (lambda: _memalloc.start(64, 1 << 20, True)), _memalloc.stop


def _memray() -> dict[str, Switch]:
    try:
        import memray  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("memray is not installed", file=sys.stderr)
        return {}
    trackers: list[Any] = []

    def begin(python: bool) -> None:
        path = tempfile.mktemp(suffix=".memray")
        tracker = memray.Tracker(path, trace_python_allocators=python)
        tracker.__enter__()
        trackers.append((tracker, path))

    def end() -> None:
        tracker, path = trackers.pop()
        tracker.__exit__(None, None, None)
        os.unlink(path)

    return {name: ((lambda python=python: begin(python)), end) for name, python in MEMRAY.items()}  # type: ignore[misc]


def cell(ratios: Sequence[float]) -> str:
    """Quartiles of ratios, the median in the middle; a digit less where the engine is slow."""
    if len(ratios) < 2:
        return "not installed"
    low, middle, high = statistics.quantiles(ratios, n=4)
    digits = 3 if middle < 2 else 1
    return f"{low:.{digits}f} / **{middle:.{digits}f}** / {high:.{digits}f}"


def table(columns: dict[str, dict[str, list[float]]]) -> str:
    """Markdown: a row per engine, a column per workload, the ratios of each."""
    lines = [
        "| CPU with / without | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name in ORDER:
        if name in EXACT and not any(column.get(name) for column in columns.values()):
            continue  # the slow ones were left out
        cells = [cell(column.get(name, ())) for column in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
