"""What the page gets: the verdict with everything that can be drawn beside it.

Pure, as everything between the files and the renderers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from leakhunt.judge import account as accounts
from leakhunt.judge.account import live_in
from leakhunt.judge.finding import Finding, Line
from leakhunt.judge.history import History
from leakhunt.judge.series import shape
from leakhunt.model.account import Account
from leakhunt.model.gcpause import uncollected
from leakhunt.model.meta import Meta
from leakhunt.model.paths import prefixes, visible
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot, Stack, Tally
from leakhunt.report import tables
from leakhunt.report.account import of_one
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.trend import TrendReport
from leakhunt.report.words import account as words_of_account
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
    account: Account | None
    """Of the main process's newest snapshot: its parts add up to the resident set; None: not known."""
    grown: Account | None
    """The growth of each part since its first snapshot; None: not known."""
    account_said: tuple[str, ...]
    """What the two say, in sentences."""
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
    with uncollected():
        return _page(trend, made_at, version, nodes)


def _page(trend: TrendReport, made_at: float, version: str, nodes: int) -> PageReport:
    main = trend.verdict.main
    ordered = [main, *(each for each in trend.verdict.histories if each is not main)]
    weighed = [_weighed(history) for history in ordered]
    processes = tuple(
        Process(history, _looks(history), _compared(history), left_out)
        for history, (_, left_out) in zip(ordered, weighed)
    )
    tree = flame([shown for shown, _ in weighed], nodes)
    types, types_of = _types(main)
    account, grown, said = _account(trend, main)
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
        account=account,
        grown=grown,
        account_said=said,
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
    line = finding.line or Line(0, finding.rate, finding.low, finding.high)
    points = list(zip(history.times, finding.sizes))[line.start :]
    base = median(size - line.rate * (time - points[0][0]) for time, size in points)
    return Fit(points[0][0], base, line.rate, line.low, line.high)


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


def _weighed(history: History) -> tuple[list[tuple[Stack, Weight]], int]:
    """Every stack that is shown, and the bytes of those that are hidden by default."""
    select = selector(Query(), prefixes(history.last.facts))
    shown: list[tuple[Stack, Weight]] = []
    left_out = 0
    for stack, weight in _ends(history):
        if select(stack) is None:
            left_out += weight.now
        else:
            shown.append((stack, weight))
    return shown, left_out


def _ends(history: History) -> Iterator[tuple[Stack, Weight]]:
    """What each stack holds in the newest snapshot and, where that is compared, more than in the first."""
    if not _compared(history) and history.newest is not None:
        for stack, tally in history.newest.tallies.items():
            yield stack, weigh(None, tally.size, 0, tally.count)
        return
    for stack, track in history.tracks.items():
        sizes, counts = track.sizes, track.counts
        yield stack, weigh(sizes[0], sizes[-1], counts[0], counts[-1])


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


def _account(
    trend: TrendReport, main: History
) -> tuple[Account | None, Account | None, tuple[str, ...]]:
    """Where the main process's resident set is, where its growth went, and what that means."""
    size = main.sizes[-1] if main.newest is None else main.newest.totals.size
    traced = live_in(main.last_blocks.values(), size)
    now = accounts.account(main.last, traced)
    if now is None:
        return None, None, ()
    below = words_of_account.negative(now, grown=False)
    told = trend.account
    if told is not None:
        following = () if told.next is None else (words.sentence(told.next),)
        shrank = words_of_account.negative(told.account, told.grown)
        notes = dict.fromkeys((*words_of_account.unknown(now), *below, *shrank))
        return now, told.account, (told.sentence, *following, *notes)
    grown = None
    if _compared(main):
        first = accounts.account(main.first, live_in(main.first_blocks.values(), main.sizes[0]))
        grown = None if first is None else accounts.between(first, now)
    one = of_one(main.last, traced)
    assert one is not None  # its resident set is known
    shrank = () if grown is None else words_of_account.negative(grown, grown=True)
    return now, grown, (one.sentence, *one.notes, *shrank)


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
