"""What a renderer gets: a comparison with its snapshots, and everything said about it.

Pure: files in memory become values; no clock, no environment, no formatting of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from leakhunt import units
from leakhunt.compare import rows
from leakhunt.compare.rows import Comparison, Row
from leakhunt.model.paths import APP, Prefixes, prefixes, shorten
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame, Meta, Snapshot, Spot, Stack
from leakhunt.snapshots.load import Series
from leakhunt.snapshots.objects import RECYCLED, Key, Kinds, by_row, key_of

UNKNOWN = Spot(None, None)


@dataclass(frozen=True)
class Process:
    """What Python explains of a process's growth, in bytes; None where a file does not say."""

    rss_diff: int | None
    traced_diff: int | None
    tracer_diff: int | None
    explained: float | None
    """Traced growth as a part of RSS growth; None where RSS did not grow."""


@dataclass(frozen=True)
class TopReport:
    """What is alive in one snapshot."""

    snapshot: Snapshot
    query: Query
    comparison: Comparison
    why: str | None
    """Why this snapshot, where the user named none."""
    notes: tuple[str, ...]
    kinds: Mapping[Key, Kinds] = field(default_factory=dict)
    """What each row's objects are, by its key."""


@dataclass(frozen=True)
class DiffReport:
    """What changed between two snapshots."""

    before: Snapshot
    after: Snapshot
    query: Query
    comparison: Comparison
    process: Process
    tasks: int | None
    """Tasks done between the two, where both are of one process."""
    seconds: float | None
    why: str | None
    notes: tuple[str, ...]
    kinds: Mapping[Key, Kinds] = field(default_factory=dict)
    """What each row's objects in ``after`` are, by its key."""


@dataclass(frozen=True)
class Waiting:
    """A hooked process that has no snapshot yet."""

    pid: int
    node: str | None
    role: str | None
    armed_at: float | None
    signal: str


@dataclass(frozen=True)
class ListReport:
    """The series in a folder, and the hooked processes without one."""

    folder: str
    series: tuple[Series, ...]
    fastest: Series | None
    """The series whose memory grew most, if more than one grew."""
    waiting: tuple[Waiting, ...]
    notes: tuple[str, ...]


def kinds_of(report: TopReport | DiffReport, row: Row) -> Kinds | None:
    """What a row's objects are; None where the snapshot does not know."""
    return _kinds_of(report.kinds, row, report.query)


def _kinds_of(kinds: Mapping[Key, Kinds], row: Row, query: Query) -> Kinds | None:
    return kinds.get(key_of(row.change.site, row.change.stack, query))


def _notes_of_rows(
    kinds: Mapping[Key, Kinds], comparison: Comparison, query: Query
) -> tuple[str, ...]:
    found = (_kinds_of(kinds, row, query) for row in comparison.rows)
    return (RECYCLED,) if any(each is not None and each.is_recycled for each in found) else ()


def top(
    snapshot: Snapshot, query: Query, why: str | None = None, notes: tuple[str, ...] = ()
) -> TopReport:
    comparison, kinds = rows.group(snapshot, query), by_row(snapshot, query)
    said = (*_notes_of_one(snapshot, query), *_notes_of_rows(kinds, comparison, query), *notes)
    return TopReport(snapshot, query, comparison, why, said, kinds)


def diff(
    before: Snapshot,
    after: Snapshot,
    query: Query,
    why: str | None = None,
    notes: tuple[str, ...] = (),
) -> DiffReport:
    same = _same_process(before, after)
    tasks = _difference(before.meta.tasks_done, after.meta.tasks_done) if same else None
    comparison, kinds = rows.diff(before, after, query), by_row(after, query)
    return DiffReport(
        before=before,
        after=after,
        query=query,
        comparison=comparison,
        process=_process(before, after),
        tasks=tasks if tasks is None or tasks >= 0 else None,
        seconds=_seconds(before, after),
        why=why,
        notes=(
            *_notes_of_two(before, after),
            *_notes_of_one(after, query),
            *_notes_of_rows(kinds, comparison, query),
            *notes,
        ),
        kinds=kinds,
    )


def listing(
    folder: str, series: tuple[Series, ...], waiting: tuple[Waiting, ...], notes: tuple[str, ...]
) -> ListReport:
    grown = [line for line in series if (line.growth or 0) > 0 and len(line.entries) > 1]
    fastest = max(grown, key=lambda line: line.growth or 0) if len(series) > 1 and grown else None
    return ListReport(folder, series, fastest, waiting, notes)


def _difference(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start


def _seconds(before: Snapshot, after: Snapshot) -> float | None:
    start, end = before.meta.taken_at, after.meta.taken_at
    return None if start is None or end is None else end - start


def _same_process(before: Snapshot, after: Snapshot) -> bool:
    return before.meta.process == after.meta.process


def _process(before: Snapshot, after: Snapshot) -> Process:
    rss = _difference(before.meta.rss, after.meta.rss)
    traced = _difference(before.meta.traced, after.meta.traced)
    tracer = _difference(before.meta.tracer, after.meta.tracer)
    explained = traced / rss if traced is not None and rss is not None and rss > 0 else None
    return Process(rss, traced, tracer, explained)


# -- what must be said ----------------------------------------------------------------


def _notes_of_one(snapshot: Snapshot, query: Query) -> tuple[str, ...]:
    notes = []
    known = snapshot.meta
    if known.armed_at is not None and known.facts.get("start") == "signal":
        before = f" ({units.size(known.armed_rss)} RSS by then)" if known.armed_rss else ""
        notes.append(
            f"tracing began at {units.moment(known.armed_at)}: what was allocated before{before} is not seen"
        )
    if known.engine == "off":
        notes.append("the engine was off: this snapshot holds the process's figures and no traces")
    if snapshot.nframe == 1 and query.group_by == "traceback":
        notes.append("taken with nframe 1: a stack is cut to its innermost frame")
    if known.facts.get("exact") is False:
        notes.append(
            "captured without leakhunt's C part: a few blocks of fork hooks may be missing or extra"
        )
    return tuple(notes)


def _notes_of_two(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    notes = []
    old, new = before.meta, after.meta
    if old.pid is not None and new.pid is not None and not _same_process(before, after):
        if old.host != new.host:
            what = f"hosts {old.host} and {new.host}"
        elif old.pid != new.pid:
            what = f"processes {old.pid} and {new.pid}"
        else:
            what = f"processes: pid {old.pid} was used twice"
        notes.append(f"these are snapshots of different {what}: the difference is not growth")
    if _seconds(before, after) is not None and (_seconds(before, after) or 0) < 0:
        notes.append("BEFORE was taken after AFTER: what grew is shown as shrinking")
    if before.nframe != after.nframe:
        notes.append(
            f"nframe differs ({before.nframe} and {after.nframe}): stacks are cut at different depths, "
            "so -g traceback compares unlike stacks"
        )
    if old.python and new.python and old.python != new.python:
        notes.append(f"different Pythons ({old.python} and {new.python}) allocate differently")
    if old.armed_at is not None and new.armed_at is not None and old.armed_at != new.armed_at:
        notes.append(
            "tracing was stopped and begun again in between: older memory is missing in AFTER"
        )
    if old.engine and new.engine and old.engine != new.engine:
        notes.append(f"different engines ({old.engine} and {new.engine})")
    return tuple(notes)


# -- places in words ------------------------------------------------------------------


@dataclass(frozen=True)
class Label:
    """A frame as it is shown: ``shop/tasks.py:40``, its function and its source line."""

    where: str
    function: str | None
    code: str | None


class Source(Protocol):
    """Where facts and spots come from: a snapshot, or a history."""

    @property
    def meta(self) -> Meta: ...

    @property
    def spots(self) -> Mapping[Frame, Spot]: ...


class Labels:
    """Frames of a report as text; made once per report."""

    def __init__(self, *snapshots: Source) -> None:
        self._snapshots = snapshots
        self.known: Prefixes = next(
            (found for found in (prefixes(s.meta.facts) for s in snapshots) if found.folders),
            Prefixes(),
        )

    def spot(self, frame: Frame) -> Spot:
        return next((s.spots[frame] for s in self._snapshots if frame in s.spots), UNKNOWN)

    def label(self, frame: Frame) -> Label:
        spot = self.spot(frame)
        return Label(f"{self.file(frame.file)}:{frame.line}", spot.function, spot.code)

    def file(self, file: str) -> str:
        return shorten(file, self.known)

    def caller(self, stack: Stack, depth: int) -> Frame | None:
        """The innermost application frame, where the row stands for library code."""
        if depth < 0 or self.known.kind(stack[depth].file) == APP:
            return None
        app = (frame for frame in reversed(stack[:depth]) if self.known.kind(frame.file) == APP)
        return next(app, None)


def who(snapshot: Source) -> str:
    """``celery@web1, child 4242 (prefork), Python 3.11.7``: what a file says of its process."""
    known = snapshot.meta
    if known.pid is None:
        return "a tracemalloc dump (it does not say of which process)"
    role = "worker" if known.role == "worker" else known.role or "process"
    parts = [
        known.node or known.host or "",
        f"{role} {known.pid}" + (f" ({known.pool})" if known.pool else ""),
    ]
    parts.append(f"Python {known.python}" if known.python else "")
    return ", ".join(part for part in parts if part)
