"""The births of a line whose objects are the entries of one container, told by the order of these.

Samples tell when survivors were born as so many draws from their births: with ten, the part that was born in the
first half of the life is known to a sixth. But lists, deques and dicts keep their entries in the order in which they
came. A sample that was born at u and is the entry k of N is no draw: k of those that are there now had come by u, and
N - k came later. So ten samples give eleven counts, each of hundreds of entries, exactly.

That holds where the line makes the entries, all of them, and where places and births agree in order: who sorts, or inserts
anywhere, has another one, and four entries in random order are found in order, up or down, once in twelve times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from leakhunt.judge.births.ages import Births
from leakhunt.judge.levels import LEVELS
from leakhunt.model.retention import Arrivals, Path, by_container
from leakhunt.model.snapshot import Snapshot, Stack

#: A container's mark, and the path of objects that it keeps.
Way = tuple[int, Path]
#: (Units of work done, entries that had come by then and are there now).
Point = tuple[float, int]


class Order:
    """What a snapshot, put right by what was counted, tells of the order of entries."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self.snapshot = snapshot
        self.told: dict[int, list[Arrivals]] = {}
        """By the container's mark."""
        self.sizes: dict[Way, int] = {}
        """Bytes that all stacks have together."""
        if snapshot is None or snapshot.heap is None or snapshot.calendar is None:
            return
        for one in snapshot.heap.arrivals:
            self.told.setdefault(one.mark, []).append(one)
        for told in snapshot.facts.values():
            for way in told.retention if self.told else ():
                key = way.mark, way.path
                self.sizes[key] = self.sizes.get(key, 0) + way.size

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
        if held < LEVELS.worth.mostly * size:
            return None  # nobody knows what keeps the rest
        theirs: dict[Way, int] = {}
        for way in ways:
            theirs[way.mark, way.path] = theirs.get((way.mark, way.path), 0) + way.size
        made = [one for one in self.told.get(most.mark, ()) if self._is_made(one, theirs)]
        if not made:
            return None
        entries = made[0].entries
        edges = snapshot.calendar.edges
        points = list(_in_order(made, entries, edges[0]))
        return _counted(points, entries, edges[0], edges[-1], edges[1], size) if points else None

    def _is_made(self, one: Arrivals, theirs: Mapping[Way, int]) -> bool:
        """Whether some stacks make the entries of a container: each has an object of theirs, all of which are known.

        What was there before tracking began is in the count, and in no stack.
        """
        key, least = (one.mark, one.path), LEVELS.lives.made
        every = self.sizes.get(key, 0)
        return (
            one.objects >= least * one.entries
            and theirs.get(key, 0) >= least * every
            and LEVELS.worth.mostly * one.size <= every <= one.size / LEVELS.worth.mostly
        )


def _in_order(made: Iterable[Arrivals], entries: int, first: float) -> Iterator[Point]:
    """Entries by the units at which they came, ascending in both; none where they are in no order."""
    oldest: dict[int, float] = {}
    for one in made:
        for unit, place in one.points:
            oldest[place] = min(unit, oldest.get(place, unit))
    up = sorted((place, unit) for place, unit in oldest.items())
    down = sorted((entries + 1 - place, unit) for place, unit in oldest.items())
    best = max((_longest(up), _longest(down)), key=len)
    if len(best) < max(LEVELS.lives.in_order, LEVELS.lives.made * len(oldest)):
        return
    by_unit: dict[float, int] = {}
    for place, unit in best:
        by_unit[max(unit, first)] = place
    yield from by_unit.items()


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


def _counted(
    points: Sequence[Point], entries: int, first: float, last: float, zero: float, size: float
) -> Births | None:
    """The counts between the points as births. An entry that came in a unit came in the middle of it, and as many
    entries as one unit brings are one event.
    """
    edges, came = [first], [0]
    for unit, place in points:
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
    each = size / entries
    lump = max(1.0, entries / (last - first))
    return Births(
        tuple(edge - zero for edge in edges),
        tuple(each * count for count in counts),
        tuple(each * each * lump * count for count in counts),
        tuple(map(float, counts)),
        (0.0,) * len(counts),
    )
