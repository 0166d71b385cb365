"""One snapshot as a history: what of it was there at each moment of the process's life.

A sample that knows when it was born tells of every moment since then. So the survivors born by a
moment, added up, are a series of their own, one that only rises: evenly where a leak goes on,
ever less where a cache fills, at its end alone where the container was emptied or turns over. It is
judged as a series of snapshots is, by the same rules, with these differences:

* steps are independent, and no step falls: nobody sees here what died;
* what a container keeps of blocks that a freelist has handed on is booked to the line that makes it grow
  (:mod:`leakhunt.judge.births.handed`);
* such a block is older than its object: where most of a line's bytes are no such
  blocks, their ages alone are looked at (where nobody could tell which are, all ages count);
* what only waits for the garbage collector, or lies in a free list, counts as dead (:mod:`leakhunt.judge.births.dead`);
* what is born late is young: a rise that gets ever faster towards the end is *turnover*, of a container
  that forgets its oldest entries (:mod:`leakhunt.judge.births.ages`).

NetBeans' surviving generations rest on the same thought: the distinct ages of an allocation
site's live objects grow for a leak only. Here births are weighed by their bytes, which makes
them a compound Poisson process whose rate is the leak's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, chain

from leakhunt.judge.births.dead import dead
from leakhunt.judge.births.deaths import Gone
from leakhunt.judge.births.handed import booked
from leakhunt.judge.history import SECOND, TASK, History, Moved, Track
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.series import Series
from leakhunt.judge.whose import Paths
from leakhunt.model.meta import Meta
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Birth, Calendar, Snapshot, Stack
from leakhunt.snapshots.counted import put_right
from leakhunt.snapshots.facts import tells_types
from leakhunt.snapshots.garbage import is_collected
from leakhunt.snapshots.series import Entry


def lived(snapshot: Snapshot, entries: Sequence[Entry] = ()) -> History | None:
    """The history that a snapshot's births tell; None where it has none, or too few periods.

    A column per edge of its calendar from the second on: the first period, in which a process starts
    up and does its first task, is what was there to begin with.
    """
    calendar = snapshot.calendar
    if calendar is None or calendar.periods <= LEVELS.lives.periods:
        return None
    columns = calendar.periods
    snapshot = put_right(snapshot)
    every = tuple(chain.from_iterable(_born(snapshot).values()))
    paths = Paths(prefixes(snapshot.meta.facts), snapshot.spots, snapshot.facts)
    facts_of, tallies, kept, moved = booked(snapshot, paths)
    snapshot = replace(snapshot, facts=facts_of, tallies=tallies)
    born = _born(snapshot)
    if not born:
        return None
    tells = tells_types(snapshot.meta)
    tracks: dict[Stack, Track] = {}
    variances: dict[Stack, Sequence[float]] = {}
    samples: dict[Stack, Sequence[int]] = {}
    doubtful: dict[Stack, Sequence[float]] = {}
    for stack, births in born.items():
        sizes = _by_period([birth.size for birth in births], births, columns)
        counts = _by_period([birth.blocks for birth in births], births, columns)
        squares = _by_period([birth.squares for birth in births], births, columns)
        numbers = _by_period([birth.samples for birth in births], births, columns)
        tracks[stack] = Track(
            [round(size) for size in accumulate(sizes)], [round(n) for n in accumulate(counts)]
        )
        variances[stack] = list(accumulate(squares))
        again = _by_period([birth.recycled for birth in births], births, columns)
        again = again if tells else sizes  # any of them may be
        if any(again):
            doubtful[stack] = list(accumulate(again))
        samples[stack] = [round(number) for number in accumulate(numbers)]
    collected = is_collected(snapshot.meta)
    lost = {stack: dead(births, columns, collected) for stack, births in born.items()}
    told = {stack: facts for stack, facts in snapshot.facts.items() if stack in born}
    return History(
        entries=tuple(entries),
        metas=_metas(snapshot.meta, calendar),
        nframe=snapshot.nframe,
        tracks=tracks,
        sizes=tuple(
            round(size)
            for size in accumulate(_by_period([birth.size for birth in every], every, columns))
        ),
        unit=TASK if calendar.unit == "task" else SECOND,
        times=tuple(float(edge - calendar.edges[1]) for edge in calendar.edges[1:]),
        spots=snapshot.spots,
        last_blocks={stack: facts.blocks for stack, facts in told.items() if facts.blocks},
        variances=variances,
        samples=samples,
        types={stack: facts.types for stack, facts in told.items() if facts.types},
        recycled={stack: facts.recycled for stack, facts in told.items() if facts.recycled},
        kept=kept,
        moved={stack: _moved(births, columns) for stack, births in moved.items()},
        doubtful=doubtful,
        dead={stack: each for stack, each in lost.items() if each is not None},
        lived=True,
        newest=snapshot,
    )


def _moved(births: Sequence[Birth], columns: int) -> Moved:
    sizes = _by_period([birth.size for birth in births], births, columns)
    squares = _by_period([birth.squares for birth in births], births, columns)
    return Moved(list(accumulate(sizes)), list(accumulate(squares)))


def _born(snapshot: Snapshot) -> dict[Stack, tuple[Birth, ...]]:
    return {
        stack: told.births
        for stack, told in snapshot.facts.items()
        if told.births and stack in snapshot.tallies
    }


def died(life: History, stacks: Iterable[Stack]) -> Gone | None:
    """What some stacks held at each column of a life and has died since; None: deaths are not known."""
    newest = life.newest
    if newest is None or newest.calendar is None or not newest.calendar.deaths:
        return None
    told = [each for stack in stacks if (each := newest.told(stack).gone) is not None]
    nothing = (0.0,) * (len(life.times) - 1)
    # A column is the end of a period, as the deaths are told.
    return Gone(
        tuple(map(sum, zip(nothing, *(each.sizes for each in told)))),
        tuple(map(sum, zip(nothing, *(each.squares for each in told)))),
    )


def held(life: History, stacks: Sequence[Stack]) -> Series:
    """What some stacks held at each moment of a life: births less deaths, as far as these are known."""
    series, gone = life.series(stacks), died(life, stacks)
    if gone is None:
        return series
    sizes = tuple(size + other for size, other in zip(series.sizes, (*gone.sizes, 0.0)))
    return replace(series, sizes=sizes)


#: Facts that hold at every moment of a process's life.
_OF_ANY_MOMENT = ("prefixes", "budget", "start", "versions")


def _by_period(values: Sequence[float], births: Sequence[Birth], columns: int) -> list[float]:
    """Sums per period; what was born before the fork counts as the first."""
    sums = [0.0] * columns
    for birth, value in zip(births, values):
        sums[max(0, min(birth.period, columns - 1))] += value
    return sums


def _metas(meta: Meta, calendar: Calendar) -> tuple[Meta, ...]:
    """The facts at each edge, as far as they are known for moments that nobody looked at."""
    plain = {key: meta.facts[key] for key in _OF_ANY_MOMENT if key in meta.facts}
    intervals = _filled(calendar.intervals)
    metas = []
    for edge, moment, interval in zip(calendar.edges[1:], calendar.moments[1:], intervals):
        metas.append(
            replace(
                meta,
                taken_at=moment,
                tasks_done=edge if calendar.unit == "task" else None,
                rss=None,
                uss=None,
                facts={**plain, "interval": max(1, round(interval))},
            )
        )
    metas[-1] = replace(meta, facts={**meta.facts, "interval": metas[-1].facts["interval"]})
    return tuple(metas)


def _filled(intervals: Sequence[float | None]) -> list[float]:
    """Periods in which nothing was born that lives take the interval of their neighbour."""
    told = [each for each in intervals if each]
    filled: list[float] = []
    last = told[0] if told else 1.0
    for each in intervals:
        last = each or last
        filled.append(last)
    return filled
