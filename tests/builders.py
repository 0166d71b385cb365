"""Snapshots in one line: ``snap("a.py:3 4KiB x10", "b.py:9 < a.py:1 1MiB x1")``."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from leakhunt import load, units
from leakhunt.model import Frame, Snapshot, Tally

FACTS: dict[str, Any] = {
    "schema": 1,
    "host": "web1",
    "pid": 4242,
    "started_at": 1_800_000_000.0,
    "taken_at": 1_800_000_600.0,
    "sequence": 2,
    "trigger": "signal",
    "baseline": False,
    "tasks_done": 1000,
    "node": "celery@web1",
    "pool": "prefork",
    "role": "child",
    "python": "3.11.7",
    "engine": "exact",
    "start": "boot",
    "rss": 120 << 20,
    "uss": 80 << 20,
    "traced": 40 << 20,
    "tracer": 4 << 20,
    "prefixes": {
        "stdlib": ["/usr/lib/python3.11"],
        "site": ["/srv/venv/lib/python3.11/site-packages"],
        "app": ["/srv/shop"],
        "leakhunt": ["/srv/venv/lib/python3.11/site-packages/leakhunt"],
    },
}


def stack(text: str) -> tuple[Frame, ...]:
    """``inner.py:3 < outer.py:1`` as a stack, most recent call last."""
    frames = []
    for word in text.split(" < "):
        file, _, line = word.strip().rpartition(":")
        frames.append(Frame(file, int(line)))
    return tuple(reversed(frames))


def snap(*lines: str, nframe: int = 5, path: str = "a.bin", **facts: Any) -> Snapshot:
    """A snapshot of ``STACK SIZE xCOUNT`` lines; SIZE is the sum. Facts override FACTS."""
    tallies = {}
    for line in lines:
        where, size, count = line.rsplit(" ", 2)
        tallies[stack(where)] = Tally(units.parse_size(size), int(count.lstrip("x")))
    known = {**FACTS, **facts}
    spots = load._spots(known.pop("frames", {}))
    return Snapshot(
        path, load.meta(known), nframe, MappingProxyType(tallies), MappingProxyType(spots)
    )
