"""The ledgers of processes, summed by task name. Pure: facts of snapshots in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leakhunt.model.snapshot import Meta


@dataclass(frozen=True)
class Task:
    """What all runs of one task came to; None where no ledger says."""

    name: str
    runs: int
    failed: int | None
    wall: float | None
    """Seconds, of all runs that were timed."""
    cpu: float | None
    """Seconds of its thread's CPU; never known in gevent and eventlet pools."""
    kept: int | None
    """Growth of traced memory in bytes, over ``kept_runs`` runs: those since tracing began."""
    kept_runs: int
    rss_steps: int | None
    """How often RSS was a MiB or more larger at the end of one of its runs."""

    @property
    def kept_per_run(self) -> float | None:
        return self.kept / self.kept_runs if self.kept is not None and self.kept_runs else None

    @property
    def busy(self) -> float | None:
        """CPU as a part of wall time: near 1 it computes, near 0 it waits."""
        return min(1.0, self.cpu / self.wall) if self.cpu is not None and self.wall else None


@dataclass(frozen=True)
class TasksReport:
    """The tasks of one process or of several."""

    snapshots: tuple[str, ...]
    """The newest snapshot of each process: a ledger holds its whole life."""
    tasks: tuple[Task, ...]
    """By memory kept, the most first."""
    notes: tuple[str, ...]


def tasks(metas: Sequence[tuple[str, Meta]], notes: Iterable[str] = ()) -> TasksReport:
    """``metas``: path and facts of snapshots; the newest of each process counts."""
    newest: dict[Any, tuple[str, Meta]] = {}
    for path, meta in metas:
        before = newest.get(meta.process)
        if before is None or (meta.sequence or 0) >= (before[1].sequence or 0):
            newest[meta.process] = path, meta
    ledgers: dict[str, list[Mapping[str, Any]]] = {}
    for _, meta in newest.values():
        entries = meta.facts.get("tasks")
        for name, entry in (entries if isinstance(entries, Mapping) else {}).items():
            if isinstance(name, str) and isinstance(entry, Mapping):
                ledgers.setdefault(name, []).append(entry)
    rows = [_task(name, entries) for name, entries in ledgers.items()]
    ranked = sorted(rows, key=lambda task: (-(task.kept or 0), -task.runs, task.name))
    return TasksReport(tuple(path for path, _ in newest.values()), tuple(ranked), tuple(notes))


def _task(name: str, entries: Sequence[Mapping[str, Any]]) -> Task:
    kept = [entry for entry in entries if _whole(entry.get("kept")) is not None]
    return Task(
        name,
        runs=sum(_whole(entry.get("runs")) or 0 for entry in entries),
        failed=_sum(_whole(entry.get("failed")) for entry in entries),
        wall=_seconds(entries, "wall"),
        cpu=_seconds(entries, "cpu"),
        kept=_sum(_whole(entry.get("kept")) for entry in kept),
        # Ledgers of earlier versions kept no such count: there, every run.
        kept_runs=sum(_whole(e.get("kept_runs", e.get("runs"))) or 0 for e in kept),
        rss_steps=_sum(_whole(entry.get("rss_steps")) for entry in entries),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _sum(values: Iterable[int | None]) -> int | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def _seconds(entries: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """The sum; None where one of the ledgers does not know its part."""
    values = [entry.get(key) for entry in entries]
    told = [value for value in values if isinstance(value, (int, float)) and value >= 0]
    return float(sum(told)) if told and len(told) == len(values) else None
