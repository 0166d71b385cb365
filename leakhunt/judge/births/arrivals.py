"""The births of a line whose objects are the entries of one container, told by the order of these.

Samples tell when survivors were born as so many draws from their births: with ten, the part that was born in the
first half of the life is known to a sixth. But lists, deques and dicts keep their entries in the order in which they
came. A sample that was born at u and is the entry k of N is no draw: k of those that are there now had come by u, and
N - k came later. So ten samples give eleven counts, each of hundreds of entries, exactly.

That holds where the line makes the entries, all that came since the oldest that is known, and where places and
births agree in order: who sorts, or inserts anywhere, has another one, and four entries in random order are found in
order, up or down, once in twelve times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from leakhunt.judge.births.ages import Births, counted
from leakhunt.judge.levels import LEVELS
from leakhunt.model.retention import Arrivals, Retention, Way, by_container, by_way
from leakhunt.model.snapshot import Snapshot, Stack

#: (Units of work done, entries that had come by then and are there now).
Point = tuple[float, int]


class Arrived:
    """What a snapshot, put right by what was counted, tells of when the entries of containers arrived."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self.snapshot = snapshot
        self.told: dict[int, list[Arrivals]] = {}
        """By the container's mark."""
        self.every: Mapping[Way, Retention] = {}
        """What all stacks have together."""
        if snapshot is None or snapshot.heap is None or snapshot.calendar is None:
            return
        for one in snapshot.heap.arrivals:
            self.told.setdefault(one.mark, []).append(one)
        if self.told:
            self.every = by_way(way for told in snapshot.facts.values() for way in told.retention)

    def births(self, stacks: Sequence[Stack], size: float) -> Births | None:
        """The births of some stacks, of so many bytes together; None where no order tells them.

        Edges as in :mod:`leakhunt.judge.births.life`: units since the end of the calendar's first period.
        """
        snapshot = self.snapshot
        if not self.told or snapshot is None or snapshot.calendar is None or size <= 0:
            return None
        ways = [way for stack in stacks for way in snapshot.told(stack).retention]
        most = next(iter(by_container(ways)), None)
        held = sum(way.size for way in ways)
        if most is None or not most.mark or most.size < LEVELS.lives.made * held:
            return None
        if held < LEVELS.lives.kept * size:
            return None  # nobody knows what keeps the rest
        theirs = by_way(ways)
        made = [one for one in self.told.get(most.mark, ()) if self._is_made(one, theirs)]
        if not made:
            return None
        edges = snapshot.calendar.edges
        row = _in_order(made, edges[0]) or _in_order(made, edges[0], True)
        return _counted(row, edges[0], edges[-1], edges[1], size) if row else None

    def agrees(self, stacks: Sequence[Stack]) -> bool:
        """Whether the ages of blocks that freelists have handed on say when the entries of the containers came which
        keep some stacks' objects.

        What is kept for good takes block after block from a freelist, and drains it: the block is hardly older than
        its object, and places and births agree. Where a container is emptied and filled again, or forgets entries, blocks
        are dealt out anew. Kendall's tau between the two, over the pairs of each container, and of those that hang
        as they do (M. Kendall, Biometrika 30, 1938): as many are in order as if what is kept were taken one after the
        other, and more than chance explains.
        """
        if not self.told or self.snapshot is None:
            return False
        marks = {way.mark for stack in stacks for way in self.snapshot.told(stack).retention}
        every = [one for several in self.told.values() for one in several]
        alike = {one.path for one in every if one.mark in marks}
        agreed = pairs = variance = 0.0
        for units in ([unit for unit, _ in one.handed] for one in every if one.path in alike):
            more = _tau(units)
            agreed, pairs, variance = agreed + more[0], pairs + more[1], variance + more[2]
        agreed = abs(agreed)
        return agreed >= LEVELS.lives.agree * pairs and agreed > LEVELS.lives.beyond * variance**0.5

    def unordered(self, stacks: Sequence[Stack]) -> bool:
        """Whether the entries of the container that keeps most of some stacks' objects surely are in no order of arrival.

        Then it is sorted, a heap, or entries are replaced where they are. Both Kendall's tau between places and births, and
        that of the reversed order, must lie below what entries in order have, by more than chance explains.
        """
        if not self.told or self.snapshot is None:
            return False
        ways = (way for stack in stacks for way in self.snapshot.told(stack).retention)
        most = next(iter(by_container(ways)), None)
        points = {
            point for one in self.told.get(most.mark if most else 0, ()) for point in one.points
        }
        if len(points) < LEVELS.lives.in_order_handed:
            return False
        agreed, pairs, variance = _tau([unit for unit, _ in sorted(points, key=itemgetter(1))])
        return bool(abs(agreed) + LEVELS.lives.beyond * variance**0.5 < LEVELS.lives.agree * pairs)

    def _is_made(self, one: Arrivals, theirs: Mapping[Way, Retention]) -> bool:
        """Whether some stacks make all that a container keeps in one way, and all of it is known.

        What was there before tracking began is in the count, and in no stack.
        """
        key, mostly = (one.mark, one.path), LEVELS.worth.mostly
        if key not in theirs:
            return False
        every = self.every[key].size
        return (
            theirs[key].size >= LEVELS.lives.made * every
            and mostly * one.size <= every <= one.size / mostly
        )


def _tau(units: Sequence[float]) -> tuple[int, float, float]:
    """(Pairs that ascend less those that descend, pairs, the variance of the former where the order is chance)."""
    n = len(units)
    agreed = sum((b > a) - (b < a) for at, a in enumerate(units) for b in units[at + 1 :])
    return agreed, n * (n - 1) / 2, n * (n - 1) * (2 * n + 5) / 18


class _Row(NamedTuple):
    """Entries in order."""

    points: tuple[Point, ...]
    """Ascending in both."""
    entries: int
    """That are there now."""


def _in_order(made: Sequence[Arrivals], first: float, handed: bool = False) -> _Row | None:
    """A line's entries by the units at which they came; None where they are in no order.

    ``handed``: those too whose blocks a freelist may have handed on. Where these are in order, they went there soon.
    """
    fewest = LEVELS.lives.in_order_handed if handed else LEVELS.lives.in_order
    entries = made[0].entries
    best: _Row | None = None
    for turned in (False, True):
        oldest: dict[int, float] = {}
        for one in made:
            for place, unit in _placed(one, handed, turned).items():
                oldest[place] = min(unit, oldest.get(place, unit))
        chain = _longest(sorted(oldest.items()))
        if len(chain) < max(fewest, LEVELS.lives.made * len(oldest)):
            continue
        own = _own(made, min(oldest))
        if own and (best is None or len(chain) > len(best.points)):
            by_unit = {max(unit, first): max(0, place - entries + own) for place, unit in chain}
            best = _Row(tuple(by_unit.items()), own)
    return best


def _own(made: Sequence[Arrivals], first: int) -> int:
    """How many entries are the line's: all, where each has an object of its; else the last ones, as many as have
    one from the first place that is known on, which others' stand before. 0: they are mixed.
    """
    entries, least = made[0].entries, LEVELS.lives.made
    if any(one.objects >= least * entries for one in made):
        return entries
    return min(
        (one.objects for one in made if one.objects >= least * (entries - first + 1)), default=0
    )


def _placed(one: Arrivals, handed: bool, turned: bool) -> dict[int, float]:
    """Units by place. Of what a freelist may have handed on the newest tells, of the rest the oldest."""
    units: dict[int, float] = {}
    for unit, place in one.handed if handed else ():
        units[place] = max(unit, units.get(place, unit))
    for unit, place in one.points:
        units[place] = min(unit, units.get(place, unit))
    return {one.entries + 1 - place if turned else place: unit for place, unit in units.items()}


def _longest(pairs: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The longest part of a row of (place, unit) whose units do not fall (C. Schensted, Canadian Journal of
    Mathematics 13, 1961)."""
    ends: list[float] = []
    lasts: list[int] = []
    before: list[int] = []
    for at, (_, unit) in enumerate(pairs):
        length = bisect_right(ends, unit)
        before.append(lasts[length - 1] if length else -1)
        if length == len(ends):
            ends.append(unit)
            lasts.append(at)
        else:
            ends[length] = unit
            lasts[length] = at
    chain = []
    at = lasts[-1] if lasts else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _counted(row: _Row, first: float, last: float, zero: float, size: float) -> Births | None:
    """The counts between the points as births. An entry that came in a unit came in the middle of it."""
    entries = row.entries
    edges, came = [first], [0]
    for unit, place in row.points:
        if unit <= first:  # before the fork, or before tracking began
            came[0] = max(came[0], place)
            continue
        edges.append(unit + 0.5)
        came.append(max(place, came[-1]))
    edges.append(last)
    came.append(entries)
    if len(edges) < 3:
        return None
    counts = [b - a for a, b in zip(came, came[1:])]
    return counted([edge - zero for edge in edges], counts, size / entries)
