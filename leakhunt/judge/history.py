"""Many snapshots of one process as columns: for each stack, bytes and blocks at every snapshot.

Snapshots are read one after the other and forgotten, so memory grows with the
number of distinct stacks, not with the size of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from leakhunt.errors import SnapshotError
from leakhunt.judge import codes
from leakhunt.judge import kept as holders
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.kept import Kept
from leakhunt.judge.series import stats
from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.exact import EXACT, Exact
from leakhunt.judge.series.series import Series
from leakhunt.judge.whose import Paths
from leakhunt.model.gcpause import uncollected
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Block, Frame, Held, Meta, Snapshot, Spot, Stack, Tallies
from leakhunt.snapfile.read import quick_facts
from leakhunt.snapshots.facts import meta
from leakhunt.snapshots.load import each
from leakhunt.snapshots.series import Entry, by_process

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
    notes: tuple[Reason, ...] = ()
    """What was left out."""
    newest: Snapshot | None = field(default=None, repr=False)
    """The newest snapshot itself: its births tell what no series does."""
    lived: bool = False
    """Whether the columns are moments of the life of one snapshot's survivors."""

    @property
    def looks(self) -> tuple[Meta, ...]:
        """The facts of the snapshots that were taken: of a life the one that tells of all its columns."""
        return self.metas[-1:] if self.lived else self.metas

    @property
    def spent(self) -> float:
        """Units from the first snapshot to the newest; of a life those from the start of tracking."""
        if self.lived and self.newest is not None and self.newest.calendar is not None:
            return float(self.newest.calendar.edges[-1] - self.newest.calendar.edges[0])
        return self.times[-1]

    @property
    def is_sampled(self) -> bool:
        """Whether sizes are estimates."""
        return bool(self.variances)

    def series(self, stacks: Iterable[Stack]) -> Series:
        """Bytes and blocks of some stacks together, against all units."""
        stacks = tuple(stacks)
        sizes, counts = [0.0] * len(self.times), [0.0] * len(self.times)
        for stack in stacks:
            track = self.tracks[stack]
            sizes = list(map(add, sizes, track.sizes))
            counts = list(map(add, counts, track.counts))
        return Series(self.times, tuple(sizes), tuple(counts), self.errors(stacks))

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
        known = [each.facts.get("interval") for each in self.metas]
        told = [float(each) for each in known if isinstance(each, int) and each > 0]
        return told if len(told) == len(known) else ()

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


# -- files to series ------------------------------------------------------------------


def lines_of(paths: Sequence[Path], problems: list[str]) -> list[tuple[Entry, ...]]:
    """The files by process, each oldest first, whatever their order was.

    Files that cannot be opened are told in ``problems`` and left out.
    """
    entries: list[Entry] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            known = meta(quick_facts(path))
            status = path.stat()
        except (SnapshotError, OSError) as error:
            problems.append(str(error))
            continue
        if (status.st_dev, status.st_ino) in seen:  # a folder and a file in it
            continue
        seen.add((status.st_dev, status.st_ino))
        entries.append(Entry(path, known))
    lines = by_process(entries)
    return sorted(lines, key=lambda line: (line[0].meta.started_at or 0.0, str(line[0].path)))


def gather(line: Sequence[Entry], problems: list[str]) -> History | None:
    """Read one process's snapshots; None where none can be read.

    Where tracing was stopped and begun again, the longest stretch counts. Files that
    cannot be read are told in ``problems`` and left out.
    """
    notes: list[Reason] = []
    stretch = _longest_stretch(line)
    if len(stretch) < len(line):
        notes.append(because(codes.OTHER_STRETCH, left=len(line) - len(stretch), of=len(line)))
    stretch = _distinct(stretch, notes)
    chosen = [stretch[index] for index in stats.spread(len(stretch), FULL)]
    if len(chosen) < len(stretch):
        notes.append(because(codes.READ_IN_PART, left=len(stretch) - len(chosen), of=len(stretch)))
    ends = {0, len(chosen) - 1}
    columns = _Columns()
    with uncollected():
        for snapshot in each([entry.path for entry in chosen], problems, ends.__contains__):
            columns.add(snapshot)
        return columns.history(tuple(stretch), tuple(notes)) if columns.metas else None


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


class _Columns:
    """Grows by one column per snapshot."""

    def __init__(self) -> None:
        self.metas: list[Meta] = []
        self._sizes: dict[Stack, list[int]] = {}
        self._counts: dict[Stack, list[int]] = {}
        self._totals: list[int] = []
        self._variances: dict[Stack, list[float]] = {}
        self._samples: dict[Stack, list[int]] = {}
        self._told: list[Mapping[Stack, tuple[Held, ...]]] = []
        self._snapshots: list[Snapshot] = []
        """The first and the newest one."""

    def add(self, snapshot: Snapshot) -> None:
        before = len(self.metas)
        sizes, counts = self._sizes, self._counts
        for stack, size, count in _lines(snapshot):
            column = sizes.get(stack)
            if column is None:
                column = sizes[stack] = []
                counts[stack] = []
            missing = before - len(column)
            if missing < 0:  # a file may write a stack twice
                column[-1] += size
                counts[stack][-1] += count
                continue
            if missing:
                column.extend([0] * missing)
                counts[stack].extend([0] * missing)
            column.append(size)
            counts[stack].append(count)
        held = {}
        for stack, told in snapshot.facts.items():
            if told.stderr is not None:
                _put(self._variances.setdefault(stack, []), before, told.stderr**2)
                _put(self._samples.setdefault(stack, []), before, told.samples)
            if told.holders:
                held[stack] = told.holders
        self.metas.append(snapshot.meta)
        self._told.append(held)
        self._totals.append(snapshot.totals.size)
        self._snapshots = [*self._snapshots[:1], snapshot]

    def history(self, entries: tuple[Entry, ...], notes: tuple[Reason, ...]) -> History:
        length = len(self.metas)
        for columns in (self._sizes, self._counts, self._variances, self._samples):
            for column in columns.values():
                column.extend([0] * (length - len(column)))
        first, last = self._snapshots[0], self._snapshots[-1]
        unit, times = _clock(self.metas)
        spots = {**first.spots, **last.spots}
        blocks = (_blocks(first), _blocks(last))
        recycled = {stack: told.recycled for stack, told in last.facts.items() if told.recycled}
        kept: Mapping[Stack, tuple[Kept, ...]] = {}
        if any(self._told):
            kept = holders.book(
                holders.Columns(
                    self._sizes, self._counts, self._variances, self._samples, *blocks, recycled
                ),
                self._told,
                Paths(prefixes(last.meta.facts), spots, self._sizes),
            )
        return History(
            entries=entries,
            metas=tuple(self.metas),
            nframe=last.nframe,
            tracks={
                stack: Track(sizes, self._counts[stack]) for stack, sizes in self._sizes.items()
            },
            sizes=tuple(self._totals),
            unit=unit,
            times=times,
            spots=spots,
            first_blocks=blocks[0],
            last_blocks=blocks[1],
            variances=self._variances,
            samples=self._samples,
            types={stack: told.types for stack, told in last.facts.items() if told.types},
            recycled=recycled,
            kept=kept,
            notes=notes,
            newest=last,
        )


def _blocks(snapshot: Snapshot) -> dict[Stack, tuple[Block, ...]]:
    return {stack: told.blocks for stack, told in snapshot.facts.items() if told.blocks}


def _put(column: list[Any], index: int, value: float) -> None:
    """At that index, after nothing where there was none."""
    column.extend([0] * (index - len(column)))
    column.append(value)


def _lines(snapshot: Snapshot) -> Iterable[tuple[Stack, int, int]]:
    """Stack, bytes and blocks; a stack may come twice."""
    tallies = snapshot.tallies
    if isinstance(tallies, Tallies):
        return zip(tallies.stacks(), tallies.sizes, tallies.counts)
    return ((stack, size, count) for stack, (size, count) in tallies.items())


def ledger(known: Meta) -> dict[str, int] | None:
    """How often each task had run by then; None where the snapshot does not say."""
    tasks = known.facts.get("tasks")
    if not isinstance(tasks, dict):
        return None
    runs = {name: entry.get("runs") for name, entry in tasks.items() if isinstance(entry, dict)}
    return {str(name): number for name, number in runs.items() if isinstance(number, int)}


def _clock(metas: Sequence[Meta]) -> tuple[str, tuple[float, ...]]:
    """Tasks where every snapshot knows them and each adds some, else seconds, else snapshots."""
    tasks = [known.tasks_done for known in metas]
    seconds = [known.since(metas[0]) for known in metas]
    for unit, values in ((TASK, tasks), (SECOND, seconds)):
        known = [float(value) for value in values if value is not None]
        if len(known) == len(metas) and all(b > a for a, b in zip(known, known[1:])):
            return unit, tuple(value - known[0] for value in known)
    return SNAPSHOT, tuple(float(index) for index in range(len(metas)))
