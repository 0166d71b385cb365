"""Hours of watching: memory that does not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from leakhunt.cli.watching.looks import Seen
from leakhunt.cli.watching.watched import Watching
from leakhunt.model.process import Identity, Machine, Memory
from leakhunt.report.watch import Limits
from tests.support.fleet import MIB, NOW, process


def test_a_simulated_day_takes_no_more_memory_than_its_first_hours() -> None:
    """2,880 looks, half a minute apart: a main process and a child that is replaced every hundred."""

    def day() -> Iterator[Seen]:
        for n in range(2880):
            at = Machine(16 << 30, 4, NOW + 30 * n)
            child = replace(
                process(11, pulse=(n, 1.0, None, None, None)),
                identity=Identity(11, n // 100), memory=Memory(rss=(50 + n % 100) * MIB),
            )  # fmt: skip
            yield Seen([process(10, "main"), child], at)

    looks = day()
    watched = Watching(lambda: next(looks), Limits(), judge=True)
    sizes = []
    tracemalloc.start()
    try:
        for hours in (8, 16):
            for _ in range(hours * 120):
                watched.look()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    made = watched.made(over=True)
    assert made.ended == 28
    assert made.restarts == {("w@h", "child"): 28}
    assert abs(sizes[1] - sizes[0]) < 200 << 10
