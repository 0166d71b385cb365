"""What a renderer of ``leakhunt top`` and ``leakhunt diff`` gets.

Pure: files in memory become values; no clock, no environment, no formatting of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from leakhunt.judge.account import live_of
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.account import Told, of_two
from leakhunt.report.words import notes as words
from leakhunt.sites import rows
from leakhunt.sites.rows import Amount, Comparison, Row
from leakhunt.snapshots import births, garbage, process
from leakhunt.snapshots.births import Born
from leakhunt.snapshots.objects import Key, Kinds, by_row, key_of


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
    births: Mapping[Key, Born] = field(default_factory=dict)
    """When and in which task each row's objects were asked for, likewise."""
    garbage: Mapping[Key, int] = field(default_factory=dict)
    """How many of each row's objects only wait for the garbage collector, likewise."""


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
    """Between the two; None where it is not known."""
    why: str | None
    notes: tuple[str, ...]
    kinds: Mapping[Key, Kinds] = field(default_factory=dict)
    """What each row's objects in ``after`` are, by its key."""
    garbage: Mapping[Key, int] = field(default_factory=dict)
    """How many more of each row's objects only wait for the garbage collector, likewise."""
    account: Told | None = None
    """Where the growth of the resident memory went; None: these are of two processes, or do not tell."""


Table = TypeVar("Table", TopReport, DiffReport)


def cut(report: Table, number: int) -> Table:
    """The same with so many rows at most: what the others have is in the remainder."""
    whole = report.comparison
    kept, others = whole.rows[:number], whole.rows[number:]
    rest = whole.remainder
    for row in others:
        rest = Amount(rest.before.plus(row.change.before), rest.after.plus(row.change.after))
    comparison = replace(
        whole, rows=kept, remainder=rest, remainder_sites=whole.remainder_sites + len(others)
    )
    recycled = _notes_of_rows(report.kinds, comparison, report.query)
    notes = tuple(note for note in report.notes if note != words.RECYCLED or recycled)
    return replace(report, comparison=comparison, notes=notes)


def kinds_of(report: TopReport | DiffReport, row: Row) -> Kinds | None:
    """What a row's objects are; None where the snapshot does not know."""
    return _kinds_of(report.kinds, row, report.query)


def born_of(report: TopReport, row: Row) -> Born | None:
    """When a row's objects were asked for; None where the snapshot does not know."""
    return report.births.get(key_of(row.change.site, row.change.stack, report.query))


def garbage_of(report: TopReport | DiffReport, row: Row) -> int:
    """How many objects of a row only wait for the garbage collector, or how many more; 0: not known."""
    return report.garbage.get(key_of(row.change.site, row.change.stack, report.query), 0)


def _kinds_of(kinds: Mapping[Key, Kinds], row: Row, query: Query) -> Kinds | None:
    return kinds.get(key_of(row.change.site, row.change.stack, query))


def _notes_of_rows(
    kinds: Mapping[Key, Kinds], comparison: Comparison, query: Query
) -> tuple[str, ...]:
    each = (_kinds_of(kinds, row, query) for row in comparison.rows)
    return (words.RECYCLED,) if any(one is not None and one.is_recycled for one in each) else ()


def top(
    snapshot: Snapshot, query: Query, why: str | None = None, notes: tuple[str, ...] = ()
) -> TopReport:
    comparison, kinds = rows.group(snapshot, query), by_row(snapshot, query)
    said = (*words.of_one(snapshot, query), *_notes_of_rows(kinds, comparison, query), *notes)
    return TopReport(
        snapshot, query, comparison, why, said, kinds, births.by_row(snapshot, query),
        garbage.by_row(snapshot, query),
    )  # fmt: skip


def diff(
    before: Snapshot,
    after: Snapshot,
    query: Query,
    why: str | None = None,
    notes: tuple[str, ...] = (),
) -> DiffReport:
    same = before.meta.same_process(after.meta)
    tasks = _difference(before.meta.tasks_done, after.meta.tasks_done) if same else None
    comparison, kinds = rows.diff(before, after, query), by_row(after, query)
    return DiffReport(
        before=before,
        after=after,
        query=query,
        comparison=comparison,
        process=_process(before, after),
        tasks=tasks if tasks is None or tasks >= 0 else None,
        seconds=after.meta.since(before.meta),
        why=why,
        notes=(
            *words.of_two(before, after),
            *words.of_one(after, query),
            *_notes_of_rows(kinds, comparison, query),
            *notes,
        ),
        kinds=kinds,
        garbage=garbage.by_row(after, query, before) if same else {},
        account=_account(before, after) if same else None,
    )


def _account(before: Snapshot, after: Snapshot) -> Told | None:
    """The account of the growth, where both say where their memory is."""
    if any(process.maps(each.meta) is None for each in (before, after)):
        return None
    return of_two(before.meta, live_of(before), after.meta, live_of(after))


def _difference(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start


def _process(before: Snapshot, after: Snapshot) -> Process:
    rss = _difference(before.meta.rss, after.meta.rss)
    traced = _difference(before.meta.traced, after.meta.traced)
    tracer = _difference(before.meta.tracer, after.meta.tracer)
    explained = traced / rss if traced is not None and rss is not None and rss > 0 else None
    return Process(rss, traced, tracer, explained)
