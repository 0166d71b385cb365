"""The ledgers of processes, summed by task name. Pure: facts of snapshots in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leakhunt.judge.series.pieces import Piece, Sure, sure
from leakhunt.model.meta import Meta
from leakhunt.snapshots import facts

#: Under which an entry is told for how many bytes a sample of its process stands; 0: every byte is counted.
GRAIN = "(grain)"


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
    """Growth of traced memory in bytes, over ``kept_runs`` runs: those since tracing began. Told by those of them
    that one of the same task followed."""
    kept_runs: int
    sure: Sure | None
    """How sure ``kept`` is; None where a ledger does not say, such as one of an earlier version."""
    rss_steps: int | None
    """How often RSS was a MiB or more larger at the end of one of its runs."""

    @property
    def kept_per_run(self) -> float | None:
        return self.kept / self.kept_runs if self.kept is not None and self.kept_runs else None

    @property
    def error_per_run(self) -> float | None:
        """The standard error of ``kept_per_run``, in bytes."""
        return self.sure.error / self.kept_runs if self.sure else None

    @property
    def per_run_ci95(self) -> tuple[float, float] | None:
        return (
            (self.sure.low / self.kept_runs, self.sure.high / self.kept_runs) if self.sure else None
        )

    @property
    def keeps(self) -> bool:
        """It has kept memory, surely."""
        return self.sure is not None and self.sure.low > 0

    @property
    def told(self) -> bool:
        """``kept`` is told from nothing, or nothing tells its error."""
        return self.sure is None or not (self.sure.low <= 0 <= self.sure.high and self.sure.error)

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
    """What has kept memory surely, the most first by what it kept at least; then the others by what they may
    have kept at most."""
    notes: tuple[str, ...]
    of_mains: bool = False
    """Whether all these processes are main ones of prefork pools, whose children run the tasks."""
    limit: int = 0
    """So many of them are wanted on a page; 0: all."""


def tasks(
    metas: Sequence[tuple[str, Meta]], notes: Iterable[str] = (), limit: int = 0
) -> TasksReport:
    """``metas``: path and facts of snapshots; the newest of each process counts. ``limit``: see TasksReport."""
    newest: dict[Any, tuple[str, Meta]] = {}
    for path, meta in metas:
        before = newest.get(meta.process)
        if before is None or (meta.sequence or 0) >= (before[1].sequence or 0):
            newest[meta.process] = path, meta
    ledgers: dict[str, list[Mapping[str, Any]]] = {}
    for _, meta in newest.values():
        grain = {GRAIN: facts.cost(meta).interval or 0}
        entries = meta.facts.get("tasks")
        for name, entry in (entries if isinstance(entries, Mapping) else {}).items():
            if isinstance(name, str) and isinstance(entry, Mapping):
                ledgers.setdefault(name, []).append({**entry, **grain})
    rows = [_task(name, entries) for name, entries in ledgers.items()]
    ranked = sorted(rows, key=_rank)
    of_mains = all(meta.role == "main" and meta.pool == "prefork" for _, meta in newest.values())
    paths = tuple(path for path, _ in newest.values())
    return TasksReport(paths, tuple(ranked), tuple(notes), bool(newest) and of_mains, limit)


def _rank(task: Task) -> tuple[bool, float, int, str]:
    most = task.kept or 0 if task.sure is None else task.sure.high
    return (
        not task.keeps,
        -(task.sure.low if task.sure and task.keeps else most),
        -task.runs,
        task.name,
    )


def _sure(entries: Sequence[Mapping[str, Any]]) -> Sure | None:
    """Of all processes' pieces together: they differ from process to process as from run to run."""
    pieces: list[Piece] = []
    for entry in entries:
        told, every, runs = (
            entry.get("kept_pieces"),
            _whole(entry.get("kept_every")),
            _whole(entry.get("kept_runs")),
        )
        sizes = [_whole(size) for size in told] if isinstance(told, (list, tuple)) else []
        if not sizes or every is None or runs is None:
            return None
        rest = runs - every * (len(sizes) - 1)
        if not 0 < rest <= every:
            return None
        for at, size in enumerate(sizes, 1):
            if size is None:
                return None
            pieces.append(Piece(every if at < len(sizes) else rest, size))
    return sure(pieces, [entry[GRAIN] for entry in entries])


def _task(name: str, entries: Sequence[Mapping[str, Any]]) -> Task:
    kept = [entry for entry in entries if _whole(entry.get("kept")) is not None]
    # Ledgers of earlier versions kept no such counts: there, every run.
    booked = sum(_whole(e.get("kept_runs", e.get("runs"))) or 0 for e in kept)
    runs = booked + sum(
        (_whole(e.get("traced_runs")) or 0) - (_whole(e.get("kept_runs")) or 0)
        for e in entries
        if "traced_runs" in e
    )
    part = runs / booked if booked else 1
    whole, certain = _sum(_whole(entry.get("kept")) for entry in kept), _sure(kept)
    return Task(
        name,
        runs=sum(_whole(entry.get("runs")) or 0 for entry in entries),
        failed=_sum(_whole(entry.get("failed")) for entry in entries),
        wall=_seconds(entries, "wall"),
        cpu=_seconds(entries, "cpu"),
        kept=None if whole is None else round(whole * part),
        kept_runs=runs if kept else 0,
        sure=None if certain is None else Sure(*(bound * part for bound in certain)),
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
