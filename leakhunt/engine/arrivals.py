"""When the entries of a container came, as told by some of them: places among the others, and births.

A list, a deque or a dict keeps its entries in the order in which they came, unless somebody inserts elsewhere. So
a sampled object that was born in unit u and is the entry k says that k entries that are there now had come by then:
exactly, whatever the interval. Samples alone say it to one part in the root of their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from leakhunt.engine.births import Periods
from leakhunt.engine.holders import Sample
from leakhunt.snapfile.records import Arrivals

#: Fewer entries than so many are in no order. What keeps one container's objects in several ways tells of it in each.
FEWEST = 2
#: So many containers are told, of which most is known, and of each so many entries, evenly chosen by their places.
CONTAINERS = 100
POINTS = 40


def arrivals(
    samples: Sequence[Sample],
    ties: Iterable[tuple[int, ...]],
    places: Iterable[int],
    counts: Mapping[tuple[int, int], tuple[int, int]],
    periods: Periods,
) -> list[Arrivals]:
    """Of each way (shape, holder), of whose objects ``counts`` has the number and the bytes.

    ``ties`` and ``places``: one for each sample. Of an entry with several samples the oldest counts. What a freelist
    has handed on is older than its object: such entries are told apart, and of several samples the newest counts. What
    was born before the fork came by the first edge.
    """
    surely: dict[tuple[int, int], dict[int, int]] = {}
    handed: dict[tuple[int, int], dict[int, int]] = {}
    for sample, (shape, holder, *_), place in zip(samples, ties, places):
        if not place or (shape, holder) not in counts:
            continue
        period, (_, unit) = periods.of(sample)
        unit = periods.armed if period < 0 else unit
        kind, which = (handed, max) if sample.recycled else (surely, min)
        entries = kind.setdefault((shape, holder), {})
        entries[place] = which(unit, entries.get(place, unit))
    told = []
    for key in dict.fromkeys((*surely, *handed)):
        sure, later = surely.get(key, {}), handed.get(key, {})
        if len(sure) >= FEWEST or len(later) >= FEWEST:
            told.append(Arrivals(*key, *counts[key], _thinned(sure), _thinned(later)))
    told.sort(key=lambda one: (-len(one.points) - len(one.handed), -one.size))
    return told[:CONTAINERS]


def _thinned(entries: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """(Units, place) in the order of places, the first and the last among them."""
    points = [(unit, place) for place, unit in sorted(entries.items())]
    if len(points) > POINTS:
        step = (len(points) - 1) / (POINTS - 1)
        points = [points[round(at * step)] for at in range(POINTS)]
    return tuple(points)
