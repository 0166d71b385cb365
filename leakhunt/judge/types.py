"""Types of objects over a series: which grow for good, of all that the process holds.

The walk over the heap tells the largest types of each snapshot. One that is not among them there is at most as
large as the smallest that is, and counts as large: so what it grows by is never overrated.
"""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK, NOISE


@dataclass(frozen=True)
class TypeGrowth:
    """One type that grew."""

    name: str
    verdict: str
    sizes: tuple[int, ...]
    """Bytes of its objects' own blocks, at each snapshot that tells."""
    count: int
    """Objects in the newest."""
    rate: float
    """Bytes per unit, with the 95 % interval."""
    low: float
    high: float
    p: float

    @property
    def grown(self) -> int:
        return self.sizes[-1] - self.sizes[0]


def told(history: History) -> int:
    """Snapshots whose heap was walked to its end."""
    return 0 if history.lived else sum(census is not None for census in history.census)


def growths(history: History) -> tuple[TypeGrowth, ...]:
    """The types that grew: leaks first, by bytes per unit, then the rest by growth. () where too few
    snapshots tell of the heap.
    """
    if told(history) < LEVELS.lives.snapshots:
        return ()
    times = [time for time, census in zip(history.times, history.census) if census is not None]
    every = [census for census in history.census if census]
    grown = []
    for name, newest in every[-1].items():
        sizes = [
            census[name].size if name in census else min(each.size for each in census.values())
            for census in every
        ]
        if sizes[-1] - sizes[0] >= LEVELS.worth.floor:
            course = shape.judge(Series(times, sizes, sizes, EXACT))
            grown.append((name, newest.count, sizes, course))
    sure = stats.false_discovery(
        [course.p if course.verdict == LEAK else 1.0 for *_, course in grown],
        LEVELS.chances.false_discoveries,
    )
    judged = [
        TypeGrowth(
            name=name,
            verdict=course.verdict if course.verdict != LEAK or (keep and course.p <= LEVELS.chances.leak) else NOISE,
            sizes=tuple(sizes),
            count=count,
            rate=course.rate,
            low=course.low,
            high=course.high,
            p=course.p,
        )
        for keep, (name, count, sizes, course) in zip(sure, grown)
    ]  # fmt: skip
    return tuple(sorted(judged, key=_order))


def _order(growth: TypeGrowth) -> tuple[object, ...]:
    leak = growth.verdict == LEAK
    return (not leak, -(growth.rate if leak else growth.grown), growth.name)
