"""The snapshots of one process as what is judged: for each stack, bytes and blocks at every moment.

Which of the snapshots count, by which clock, and to whom each byte belongs. The files have been
read (:mod:`leakhunt.snapshots.columns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from types import MappingProxyType
from typing import NamedTuple

from leakhunt.judge import codes
from leakhunt.judge import kept as holders
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.kept import Kept
from leakhunt.judge.series import stats
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.exact import EXACT, Exact
from leakhunt.judge.series.series import Series
from leakhunt.judge.whose import Paths
from leakhunt.model.meta import Meta
from leakhunt.model.paths import prefixes
from leakhunt.model.retention import Place, TypeCount
from leakhunt.model.snapshot import Block, Frame, Snapshot, Spot, Stack
from leakhunt.snapshots.columns import Columns
from leakhunt.snapshots.garbage import is_collected
from leakhunt.snapshots.series import Entry

#: Snapshots of one process that are read with their traces; of more, that many,
#: evenly spread, the first and the newest among them. The facts of all are used.
FULL = 100

TASK, SECOND, SNAPSHOT = "task", "second", "snapshot"


class Track(NamedTuple):
    """One stack over a series."""

    sizes: Sequence[int]
    """Bytes at each snapshot."""
    counts: Sequence[int]
    """Blocks at each snapshot."""


class Moved(NamedTuple):
    """What of a stack's life others have asked for: bytes born by each moment, and their variances."""

    sizes: Sequence[float]
    squares: Sequence[float]


class Dead(NamedTuple):
    """What of a stack's bytes nothing refers to any more: at each snapshot what waits for the garbage collector, and of
    a life what has died of what was born by each moment.
    """

    sizes: Sequence[float]
    """Bytes."""
    squares: Sequence[float]
    """Their variances."""
    blocks: Sequence[float]
    waiting: Sequence[float]
    """Of the bytes, those that wait for the garbage collector; of a life the others lie in free lists."""


@dataclass(frozen=True)
class History:
    """The snapshots of one process, oldest first."""

    entries: tuple[Entry, ...]
    """All that were asked for, those whose traces were not read included."""
    metas: tuple[Meta, ...]
    """Of those read in full: what the columns stand for."""
    nframe: int
    tracks: Mapping[Stack, Track]
    sizes: tuple[int, ...]
    """Traced bytes at each snapshot."""
    unit: str
    """TASK, SECOND or SNAPSHOT."""
    times: tuple[float, ...]
    """Units since the first snapshot, increasing."""
    spots: Mapping[Frame, Spot] = field(default_factory=lambda: MappingProxyType({}))
    first_blocks: Mapping[Stack, tuple[Block, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    last_blocks: Mapping[Stack, tuple[Block, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    variances: Mapping[Stack, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))
    """Square of the standard error of a stack's bytes at each snapshot, for sampled engines."""
    samples: Mapping[Stack, Sequence[int]] = field(default_factory=lambda: MappingProxyType({}))
    """How many live samples its size is estimated from at each snapshot, likewise."""
    types: Mapping[Stack, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    recycled: Mapping[Stack, int] = field(default_factory=lambda: MappingProxyType({}))
    """As in the newest snapshot (:class:`leakhunt.model.snapshot.Snapshot`); ``recycled`` without what is known
    to be kept, by that line or another."""
    kept: Mapping[Stack, tuple[Kept, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """What of a stack's bytes others have allocated and it keeps (:mod:`leakhunt.judge.kept`), at the end."""
    lengths: Mapping[int, Sequence[int | None]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """By a container's mark: its entries at each snapshot; None where it does not tell of it."""
    freed: Mapping[int, Sequence[int | None]] = field(default_factory=lambda: MappingProxyType({}))
    """Likewise: bytes that would be freed without it."""
    growers: Mapping[Place, Stack] = field(default_factory=lambda: MappingProxyType({}))
    """By where containers hang: the stack that makes them grow, as most snapshots tell."""
    census: Sequence[Mapping[str, TypeCount] | None] = ()
    """The largest types of all that lives at each snapshot, by name; None where that is not known."""
    notes: tuple[Reason, ...] = ()
    """What was left out."""
    newest: Snapshot | None = field(default=None, repr=False)
    """The newest snapshot itself: its births tell what no series does."""
    moved: Mapping[Stack, Moved] = field(default_factory=lambda: MappingProxyType({}))
    """Of a life: what of a stack's births is booked to it and was asked for by others."""
    doubtful: Mapping[Stack, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))
    """Of a life: of the bytes of a stack that were born by each moment, those whose objects may be younger."""
    dead: Mapping[Stack, Dead] = field(default_factory=lambda: MappingProxyType({}))
    """What of a stack's bytes nothing refers to any more, though they take memory still."""
    lived: bool = False
    """Whether the columns are moments of the life of one snapshot's survivors."""

    @property
    def noun(self) -> str:
        """What the unit is called: where units of work count, ``request`` or ``job`` as well as ``task``."""
        return self.last.unit if self.unit == TASK else self.unit

    @property
    def looks(self) -> tuple[Meta, ...]:
        """The facts of the snapshots that were taken: of a life the one that tells of all its columns."""
        return self.metas[-1:] if self.lived else self.metas

    @property
    def spent(self) -> float:
        """Units from the first snapshot to the newest; of a life those from the start of tracking."""
        if self.lived and self.newest is not None and self.newest.calendar is not None:
            whole = self.newest.calendar.edges[-1] - self.newest.calendar.edges[0]
            done = self.last.tasks_done  # the calendar's last period is that of the next task, too
            return float(whole if done is None or self.unit != TASK else min(whole, done))
        return self.times[-1]

    def runs(self, task: str) -> float | None:
        """How many of the units that :attr:`spent` counts were runs of a task; None where no ledger tells."""
        told = ledger(self.last)
        if told is None or self.unit != TASK:
            return None
        if task not in told:  # names beyond the most that a ledger keeps are counted together
            return None if any(name.startswith("(") for name in told) else 0.0
        if self.lived:
            done = self.last.tasks_done
            return min(1.0, told[task] / done) * self.spent if done else None
        return float(told[task] - (ledger(self.first) or {}).get(task, 0))

    @property
    def is_sampled(self) -> bool:
        """Whether sizes are estimates."""
        return bool(self.variances)

    def ends_of(self, mark: int) -> tuple[int, int] | None:
        """Of a container, in the first snapshot that tells of it and in the last one; None: none does."""
        told = [length for length in self.lengths.get(mark, ()) if length is not None]
        return (told[0], told[-1]) if told else None

    def series(self, stacks: Iterable[Stack]) -> Series:
        """Bytes and blocks of some stacks together, against all units."""
        stacks = tuple(stacks)
        sizes, counts = [0.0] * len(self.times), [0.0] * len(self.times)
        for stack in stacks:
            track = self.tracks[stack]
            sizes = list(map(add, sizes, track.sizes))
            counts = list(map(add, counts, track.counts))
        return Series(self.times, tuple(sizes), tuple(counts), self.errors(stacks))

    def lost(self, stacks: Iterable[Stack]) -> Dead | None:
        """What of some stacks nothing refers to any more; None: nothing is known of such."""
        rows = [self.dead[stack] for stack in stacks if stack in self.dead]
        return Dead(*(list(map(sum, zip(*column))) for column in zip(*rows))) if rows else None

    def referred(self, stacks: Sequence[Stack]) -> Series:
        """The series of some stacks, without what nothing refers to any more."""
        series, lost = self.series(stacks), self.lost(stacks)
        if lost is None:
            return series
        sizes = tuple(max(0.0, a - b) for a, b in zip(series.sizes, lost.sizes))
        counts = tuple(max(0.0, a - b) for a, b in zip(series.counts, lost.blocks))
        errors = series.errors
        if isinstance(errors, Estimates):
            parts = [a / b if b > 0 else 1.0 for a, b in zip(sizes, series.sizes)]
            errors = errors._replace(
                variances=[max(0.0, a - b) for a, b in zip(errors.variances, lost.squares)],
                samples=[round(part * number) for part, number in zip(parts, errors.samples)],
            )
        return Series(series.t, sizes, counts, errors)

    def risen(self, stacks: Iterable[Stack]) -> int:
        """Bytes from end to end of those of some stacks that rose."""
        ends = (self.tracks[stack].sizes for stack in stacks)
        return sum(max(0, sizes[-1] - sizes[0]) for sizes in ends)

    def errors(self, stacks: Iterable[Stack]) -> Exact | Estimates:
        """The errors of some stacks' size together. Stacks share no blocks: variances add up."""
        if not self.is_sampled:
            return EXACT
        chosen = [stack for stack in stacks if stack in self.variances]
        nothing = [0] * len(self.metas)
        return Estimates(
            [sum(each) for each in zip(nothing, *(self.variances[stack] for stack in chosen))],
            [sum(each) for each in zip(nothing, *(self.samples[stack] for stack in chosen))],
            self._intervals(),
        )

    def _intervals(self) -> Sequence[float]:
        """Mean bytes between two samples at each snapshot; none where one does not say."""
        intervals = [each.facts.get("interval") for each in self.metas]
        told = [float(each) for each in intervals if isinstance(each, int) and each > 0]
        return told if len(told) == len(intervals) else ()

    @property
    def meta(self) -> Meta:
        """The newest facts."""
        return self.metas[-1]

    @property
    def first(self) -> Meta:
        return self.metas[0]

    @property
    def last(self) -> Meta:
        return self.metas[-1]


# -- columns to a history -------------------------------------------------------------


class Choice(NamedTuple):
    """What of a process's snapshots is judged."""

    stretch: tuple[Entry, ...]
    """Of one engine, armed once; the facts of all are used."""
    entries: tuple[Entry, ...]
    """Those that are read with their traces: at most FULL."""
    notes: tuple[Reason, ...]
    """What was left out."""


def choose(line: Sequence[Entry]) -> Choice:
    """Which of one process's snapshots to read. Where tracing was stopped and begun again, the
    longest stretch counts.
    """
    notes: list[Reason] = []
    stretch = _longest_stretch(line)
    if len(stretch) < len(line):
        notes.append(because(codes.OTHER_STRETCH, left=len(line) - len(stretch), of=len(line)))
    stretch = _distinct(stretch, notes)
    chosen = [stretch[index] for index in stats.spread(len(stretch), FULL)]
    if len(chosen) < len(stretch):
        notes.append(because(codes.READ_IN_PART, left=len(stretch) - len(chosen), of=len(stretch)))
    return Choice(tuple(stretch), tuple(chosen), tuple(notes))


def history(choice: Choice, columns: Columns) -> History:
    """The columns of the chosen snapshots with a clock, and every byte booked to the line that keeps it."""
    first, last = columns.first, columns.newest
    unit, times = _clock(columns.metas)
    spots = {**first.spots, **last.spots}
    blocks = (_blocks(first), _blocks(last))
    sizes, counts = columns.sizes, columns.counts
    variances, samples = columns.variances, columns.samples
    recycled = {stack: told.recycled for stack, told in last.facts.items() if told.recycled}
    types = {stack: told.types for stack, told in last.facts.items() if told.types}
    kept: Mapping[Stack, tuple[Kept, ...]] = {}
    if any(columns.holders):
        accounts = holders.accounts(columns, *blocks, recycled, types)
        looked = [not meta.light for meta in columns.metas]
        kept = holders.book(
            accounts,
            holders.filled(columns.holders, looked, times, columns.sizes),
            Paths(prefixes(last.meta.facts), spots, sizes),
        )
        sizes, counts, variances, samples, *_ = accounts
    return History(
        entries=choice.stretch,
        metas=columns.metas,
        nframe=last.nframe,
        tracks={stack: Track(column, counts[stack]) for stack, column in sizes.items()},
        sizes=columns.totals,
        unit=unit,
        times=times,
        spots=spots,
        first_blocks=blocks[0],
        last_blocks=blocks[1],
        variances=variances,
        samples=samples,
        types=types,
        recycled=recycled,
        kept=kept,
        lengths=columns.lengths,
        freed=columns.freed,
        growers=columns.growers,
        census=columns.census,
        notes=choice.notes,
        dead=_waiting(columns, sizes, counts, variances) if is_collected(last.meta) else {},
        newest=last,
    )


def _waiting(
    columns: Columns,
    sizes: Mapping[Stack, Sequence[int]],
    counts: Mapping[Stack, Sequence[int]],
    variances: Mapping[Stack, Sequence[float]],
) -> dict[Stack, Dead]:
    """What waits for the collector, of what has been left to each stack."""
    dead = {}
    for stack, bytes_of in columns.waiting.items():
        waits = [min(float(has), size) for has, size in zip(sizes[stack], bytes_of)]
        parts = [size / has if has > 0 else 0.0 for has, size in zip(sizes[stack], waits)]
        squares = [
            part * each for part, each in zip(parts, variances.get(stack, [0.0] * len(parts)))
        ]
        blocks = [part * number for part, number in zip(parts, counts[stack])]
        dead[stack] = Dead(waits, squares, blocks, waits)
    return dead


def _longest_stretch(line: Sequence[Entry]) -> list[Entry]:
    """Of one engine, armed once; of equally long ones the newest."""
    stretches: dict[object, list[Entry]] = {}
    for entry in line:
        stretches.setdefault((entry.meta.engine, entry.meta.armed_at), []).append(entry)
    return max(reversed(list(stretches.values())), key=len)


def _distinct(line: list[Entry], notes: list[Reason]) -> list[Entry]:
    """Without snapshots between which no task was done, where enough others are left."""
    tasks = [entry.meta.tasks_done for entry in line]
    kept = [
        entry
        for entry, mine, following in zip(line, tasks, [*tasks[1:], None])
        if mine is None or mine != following
    ]
    if len(kept) < 3 or None in tasks:
        return line
    if len(kept) < len(line):
        notes.append(because(codes.IDLE, left=len(line) - len(kept), of=len(line)))
    return kept


def _blocks(snapshot: Snapshot) -> dict[Stack, tuple[Block, ...]]:
    return {stack: told.blocks for stack, told in snapshot.facts.items() if told.blocks}


def ledger(meta: Meta) -> dict[str, int] | None:
    """How often each task had run by then; None where the snapshot does not say."""
    tasks = meta.facts.get("tasks")
    if not isinstance(tasks, dict):
        return None
    runs = {name: entry.get("runs") for name, entry in tasks.items() if isinstance(entry, dict)}
    return {str(name): number for name, number in runs.items() if isinstance(number, int)}


def _clock(metas: Sequence[Meta]) -> tuple[str, tuple[float, ...]]:
    """Tasks where every snapshot knows them and each adds some, else seconds, else snapshots."""
    tasks = [read.tasks_done for read in metas]
    seconds = [read.since(metas[0]) for read in metas]
    for unit, values in ((TASK, tasks), (SECOND, seconds)):
        read = [float(value) for value in values if value is not None]
        if len(read) == len(metas) and all(b > a for a, b in zip(read, read[1:])):
            return unit, tuple(value - read[0] for value in read)
    return SNAPSHOT, tuple(float(index) for index in range(len(metas)))
