"""Snapshots whose samples know when they were born: ``aged(("tasks.py:40", [bytes per period]))``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from leakhunt.model.retention import Retention, Step
from leakhunt.model.snapshot import Birth, Calendar, Facts, Snapshot, Stack, Tally
from leakhunt.snapshots.facts import meta
from tests.support.builders import FACTS, snap, stack

#: Tasks in one period, bytes of a block.
PERIOD, BLOCK = 100, 50


def births(
    sizes: Sequence[float], task: str | None = "shop.take", at_once: int = 1
) -> tuple[Birth, ...]:
    """Bytes born in each period, exactly known; each task that keeps something keeps ``at_once`` blocks."""
    each = BLOCK * at_once
    return tuple(
        Birth(period, task, max(1, round(size / each)), max(1, round(size / BLOCK)), float(size),
              size * each, size / BLOCK)
        for period, size in enumerate(sizes)
        if size > 0
    )  # fmt: skip


def aged(
    *lines: tuple[str, Sequence[float]],
    tasks: Mapping[str, str | None] | None = None,
    retention: Mapping[str, Retention] | None = None,
    interval: float = 1.0,
    **facts: Any,
) -> Snapshot:
    """A snapshot of the sampled engine with ``(STACK, bytes born per period)`` lines."""
    periods = len(lines[0][1])
    calendar = Calendar(
        "task",
        tuple(PERIOD * index for index in range(periods + 1)),
        tuple(FACTS["started_at"] + 60.0 * index for index in range(periods + 1)),
        (interval,) * periods,
        0,
    )
    told: dict[Stack, Facts] = {}
    tallies: dict[Stack, Tally] = {}
    for where, sizes in lines:
        frames = stack(where)
        born = births(sizes, (tasks or {}).get(where, "shop.take"))
        ways = (retention or {}).get(where)
        total = sum(birth.size for birth in born)
        tallies[frames] = Tally(round(total), round(total / BLOCK))
        told[frames] = Facts(
            stderr=0.0, samples=sum(birth.samples for birth in born), births=born,
            retention=(ways,) if ways is not None else (),
        )  # fmt: skip
    known = {
        **FACTS, "engine": "sampled", "tasks_done": PERIOD * periods, "interval": 1,
        "tasks": {"shop.take": {"runs": PERIOD * periods // 4}, "shop.send": {"runs": PERIOD * periods * 3 // 4}},
        **facts,
    }  # fmt: skip
    plain = snap("x.py:1 1B x1")
    return replace(
        plain, meta=meta(known), nframe=25, tallies=MappingProxyType(tallies),
        facts=MappingProxyType(told), calendar=calendar,
    )  # fmt: skip


def held(
    kind: str, length: int, bound: int | None, module: str = "shop.tasks", size: int = 10_000
) -> Retention:
    """How a module's container of that type holds objects."""
    way = (Step("module", module, "module"), Step("attribute", "KEPT", kind, length, bound))
    return Retention(way, size // BLOCK, size, kind, length, bound, 1, size, way)
