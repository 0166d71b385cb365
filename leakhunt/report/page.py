"""What the page gets: the verdict with everything that can be drawn beside it.

Pure, as everything between the files and the renderers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from leakhunt.judge.finding import Finding
from leakhunt.judge.history import History
from leakhunt.judge.series import shape
from leakhunt.model.paths import prefixes, visible
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Meta, Snapshot, Stack, Tally
from leakhunt.report import tables
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.trend import TrendReport
from leakhunt.report.words import kept
from leakhunt.report.words import page as words
from leakhunt.sites.flame import Flame, Weight, flame, weigh
from leakhunt.snapshots.filters import selector

#: Frames that are drawn, rows of the table, types that are named.
NODES, ROWS, TYPES = 6000, 400, 12


class Look(NamedTuple):
    """One snapshot on the timeline."""

    meta: Meta
    file: str


@dataclass(frozen=True)
class Process:
    """One process on the page."""

    history: History
    looks: tuple[Look, ...]
    compared: bool
    """Whether there is an earlier snapshot to compare with."""
    left_out: int
    """Bytes that are hidden by default."""

    @property
    def meta(self) -> Meta:
        return self.history.last


class Part(NamedTuple):
    """One part of the resident set, in bytes."""

    name: str
    size: int
    grown: int | None
    """None: not known."""


class Fit(NamedTuple):
    """A straight line through a series: bytes at 0, bytes per unit with the 95 % interval."""

    start: float
    """Unit from which on it holds."""
    at: float
    """Bytes there."""
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class PageReport:
    """Everything on the page."""

    trend: TrendReport
    story: tuple[tuple[str, str], ...]
    processes: tuple[Process, ...]
    """The main one first."""
    tree: Flame
    table: DiffReport | TopReport
    """Of the main process."""
    account: tuple[Part, ...]
    """Of the main process: adds up to its resident set."""
    types: tuple[tuple[str, int], ...]
    """Bytes of the main process's objects by type, the largest first; (): not known."""
    types_of: int
    """Bytes that these are of."""
    notes: tuple[str, ...]
    made_at: float
    version: str

    @property
    def compared(self) -> bool:
        return isinstance(self.table, DiffReport)


def page(trend: TrendReport, made_at: float, version: str, nodes: int = NODES) -> PageReport:
    """The page of a judged series. ``made_at``: seconds since the epoch; ``nodes``: frames drawn at most."""
    main = trend.verdict.main
    ordered = [main, *(each for each in trend.verdict.histories if each is not main)]
    weighed = [dict(_weighed(history)) for history in ordered]
    processes = tuple(
        Process(history, _looks(history), _compared(history), _left_out(history, weights))
        for history, weights in zip(ordered, weighed)
    )
    tree = flame([_shown(history, weights) for history, weights in zip(ordered, weighed)], nodes)
    types, types_of = _types(main)
    notes = (
        words.sampled(main),
        words.depth(main),
        words.hidden(processes[0].left_out),
        words.cut(tree),
    )
    return PageReport(
        trend=trend,
        story=tuple(_story(trend)),
        processes=processes,
        tree=tree,
        table=_table(main),
        account=_account(main),
        types=types,
        types_of=types_of,
        notes=(*filter(None, notes), *trend.notes),
        made_at=made_at,
        version=version,
    )


def fit(finding: Finding) -> Fit | None:
    """The line of a leak through its series; None for what is no leak."""
    history = finding.history
    if finding.verdict != shape.LEAK or len(finding.sizes) != len(history.times):
        return None
    judged = shape.judge(history.series(finding.stacks)) if len(finding.sizes) > 2 else None
    start = judged.since if judged is not None and judged.verdict == shape.LEAK else 0
    rate, low, high = finding.rate, finding.low, finding.high
    if judged is not None and judged.verdict == shape.LEAK and not history.lived:
        rate, low, high = judged.rate, judged.low, judged.high
    points = list(zip(history.times, finding.sizes))[start:]
    base = median(size - rate * (time - points[0][0]) for time, size in points)
    return Fit(points[0][0], base, rate, low, high)


# -- the paragraph --------------------------------------------------------------------


def _story(trend: TrendReport) -> Iterator[tuple[str, str]]:
    """Title and sentence: where, how much a day, what keeps it, why, what to do."""
    yield "Where", words.where(trend.verdict, trend.ended)
    leaks = (each for each in trend.findings if each.finding.verdict == shape.LEAK)
    first = next(leaks, None)
    advice = trend.advice if first is None else first.advice
    if first is not None:
        day = words.per_day(first.finding)
        if day is not None:
            yield "Per day", day
        if first.finding.holder is not None:
            yield "What keeps it", visible(words.sentence(kept.by(first.finding.holder)))
    if advice is not None:
        yield "Why", visible(words.sentence(advice.because))
        yield "What to do", visible(words.sentence(advice.fix))


# -- pieces ---------------------------------------------------------------------------


def _compared(history: History) -> bool:
    return not history.lived and len(history.metas) > 1


def _weighed(history: History) -> Iterator[tuple[Stack, Weight]]:
    """Every stack, the hidden ones too."""
    if not _compared(history) and history.newest is not None:
        for stack, tally in history.newest.tallies.items():
            yield stack, weigh(None, tally.size)
        return
    for stack, track in history.tracks.items():
        yield stack, weigh(track.sizes[0], track.sizes[-1])


def _shown(history: History, weights: Mapping[Stack, Weight]) -> Iterator[tuple[Stack, Weight]]:
    select = selector(Query(), prefixes(history.last.facts))
    return ((stack, weight) for stack, weight in weights.items() if select(stack) is not None)


def _left_out(history: History, weights: Mapping[Stack, Weight]) -> int:
    select = selector(Query(), prefixes(history.last.facts))
    return sum(weight.now for stack, weight in weights.items() if select(stack) is None)


def _looks(history: History) -> tuple[Look, ...]:
    return tuple(Look(entry.meta, entry.path.name) for entry in history.entries)


def _table(history: History) -> DiffReport | TopReport:
    newest = history.newest
    query = Query(limit=ROWS)
    if not _compared(history):
        assert newest is not None
        return tables.top(newest, query)
    return tables.diff(_at(history, 0), _at(history, -1), query)


def _at(history: History, index: int) -> Snapshot:
    """One column of the history as a snapshot."""
    entry = history.entries[index]
    newest = history.newest
    if index == -1 and newest is not None:
        return newest
    return Snapshot(
        path=str(entry.path),
        meta=history.metas[index],
        nframe=history.nframe,
        tallies={
            stack: Tally(track.sizes[index], track.counts[index])
            for stack, track in history.tracks.items()
            if track.sizes[index] or track.counts[index]
        },
        spots=history.spots,
    )


def _account(history: History) -> tuple[Part, ...]:
    """What Python objects, the tracer and the rest are of the resident set."""
    first, last = history.first, history.last
    if last.rss is None or last.traced is None:
        return ()

    def grown(name: str) -> int | None:
        start, end = getattr(first, name), getattr(last, name)
        comparable = start is not None and end is not None and _compared(history)
        return end - start if comparable else None

    parts = [(words.OBJECTS, last.traced, grown("traced"))]
    if last.tracer:
        parts.append((words.TRACER, last.tracer, grown("tracer")))
    size = last.rss - sum(part[1] for part in parts)
    if size < 0:  # swapped out, or shared: no parts of a whole
        return ()
    whole, changes = grown("rss"), [part[2] for part in parts]
    rest = None
    if whole is not None and None not in changes:
        rest = whole - sum(change or 0 for change in changes)
    parts.append((words.REST, size, rest))
    return tuple(Part(*part) for part in parts)


def _types(history: History) -> tuple[tuple[tuple[str, int], ...], int]:
    newest = history.newest
    if newest is None:
        return (), 0
    if newest.heap is not None and newest.heap.types:
        heap = newest.heap
        sizes = [(each.name, each.size) for each in heap.types]
        return _largest(sizes), sum(size for _, size in sizes) + heap.types_rest.size
    sums: dict[str, int] = {}
    for told in newest.facts.values():
        for name, size in told.types.items():
            sums[name] = sums.get(name, 0) + size
    return _largest(list(sums.items())), newest.totals.size if sums else 0


def _largest(types: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(types, key=lambda each: (-each[1], each[0]))[:TYPES])
