"""Snapshots in one line: ``snap("a.py:3 4KiB x10", "b.py:9 < a.py:1 1MiB x1")``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leakhunt import units
from leakhunt.judge.history import TASK, History, Track
from leakhunt.model.snapshot import Frame, Snapshot, Tally
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.facts import spots as spots_of
from leakhunt.snapshots.series import Entry

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
    spots = spots_of(known.pop("frames", {}))
    return Snapshot(path, meta(known), nframe, MappingProxyType(tallies), MappingProxyType(spots))


def history(
    *lines: tuple[str, list[int], list[int]],
    tasks: list[int] | None = None,
    nframe: int = 25,
    rss: list[int] | None = None,
    frames: Mapping[str, Mapping[int, tuple[str | None, str | None]]] | None = None,
    ledger: list[dict[str, Any]] | None = None,
    **facts: Any,
) -> History:
    """A history of ``(STACK, sizes, counts)``; tasks done at each snapshot, every 100 by default."""
    tracks = {}
    length = 0
    for where, sizes, counts in lines:
        tracks[stack(where)] = Track(list(sizes), list(counts))
        length = len(sizes)
    done = tasks or [100 * (index + 1) for index in range(length)]
    totals = [sum(track.sizes[index] for track in tracks.values()) for index in range(length)]
    metas = []
    for index in range(length):
        known = {
            **FACTS,
            "tasks_done": done[index],
            "taken_at": FACTS["started_at"] + 10.0 * index,
            "sequence": index + 1,
            "traced": totals[index],
            "tasks": ledger[index] if ledger else None,
            "rss": rss[index] if rss else FACTS["rss"] + totals[index],
            **{
                name: value[index] if isinstance(value, list) else value
                for name, value in facts.items()
            },
        }
        metas.append(meta(known))
    return History(
        entries=tuple(Entry(Path(f"{index}.bin"), known) for index, known in enumerate(metas)),
        metas=tuple(metas),
        nframe=nframe,
        tracks=tracks,
        sizes=tuple(totals),
        unit=TASK,
        times=tuple(float(number - done[0]) for number in done),
        spots=MappingProxyType(spots_of(dict(frames or {}))),
    )
