"""When what is alive was asked for, over the life of its process, and by which task.

A snapshot of the ``sampled`` engine sorts the blocks that live by the period of their birth (see
:class:`leakhunt.model.snapshot.Calendar`). The bytes of a row's periods, of what was born before them, and of
what is not known add up to the row's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

from leakhunt.model.query import SPLIT, Query
from leakhunt.model.snapshot import Calendar, Snapshot, Stack
from leakhunt.snapshots.objects import Key, stacks_by_row

EVEN, EARLY, RECENT, AT_ONCE, INHERITED = "even", "early", "recent", "at once", "inherited"
#: Fewer independent events have no distribution to speak of: one sample at a coarse interval may
#: outweigh a thousand at a fine one.
FEWEST = 8.0
#: The part that is most of it, and the part of the life that is its beginning or its end.
MOST, END = 2 / 3, 0.25
#: As far as the distribution may lie from a straight line to be called even: of twenty samples that were
#: born evenly, nineteen in twenty times do (Kolmogorov: 1.36 / sqrt(20) = 0.30).
NEAR = 0.3


class Born(NamedTuple):
    """Of some stacks together."""

    unit: str
    """What the edges count: ``task`` or ``second``."""
    edges: tuple[int, ...]
    """Of the periods: units of work, or seconds (:class:`Calendar`)."""
    sizes: tuple[float, ...]
    """Estimated bytes born in each period and alive now."""
    before: float
    """Estimated bytes from before the process was forked."""
    tasks: Mapping[str | None, float]
    """The same bytes by the task that asked for them; None: no task did."""
    squares: float
    """Sum over independent events of the square of their bytes."""

    @property
    def events(self) -> float:
        """How many equal events would be as sure (Kish's effective sample size)."""
        return self.dated**2 / self.squares if self.squares > 0 else 0.0

    @property
    def dated(self) -> float:
        """Bytes of which the birth is known."""
        return sum(self.sizes) + self.before

    @property
    def shape(self) -> str | None:
        """How they lie over the life of the process; None: neither, or too few to say."""
        if self.events < FEWEST:
            return None
        if self.before >= MOST * self.dated:
            return INHERITED
        whole, life = sum(self.sizes), self.edges[-1] - self.edges[0]
        if life <= 0 or whole <= 0:
            return None
        most = max(range(len(self.sizes)), key=self.sizes.__getitem__)
        width = self.edges[most + 1] - self.edges[most]
        if self.sizes[most] >= MOST * whole and width <= END / 2 * life:
            return AT_ONCE
        if self._by(END) >= MOST:
            return EARLY
        if 1 - self._by(1 - END) >= MOST:
            return RECENT
        at = [(edge - self.edges[0]) / life for edge in self.edges[1:]]
        parts = [size / whole for size in accumulate(self.sizes)]
        return EVEN if max(abs(a - b) for a, b in zip(at, parts)) <= NEAR else None

    def _by(self, part: float) -> float:
        """What part of them was born by that part of the life."""
        return sum(self.spread(part)) / sum(self.sizes)

    def spread(self, until: float, columns: int = 1) -> list[float]:
        """The bytes of the life up to a part of it, in columns of equal length. Within a period they are
        taken for even.
        """
        start, end = self.edges[0], self.edges[0] + until * (self.edges[-1] - self.edges[0])
        wide = (end - start) / columns
        bytes_of = [0.0] * columns
        for (a, b), size in zip(zip(self.edges, self.edges[1:]), self.sizes):
            if b <= a:
                continue
            for column in range(columns):
                left, right = start + column * wide, start + (column + 1) * wide
                overlap = min(b, right) - max(a, left)
                if overlap > 0:
                    bytes_of[column] += size * overlap / (b - a)
        return bytes_of


def born(snapshot: Snapshot, stacks: Iterable[Stack]) -> Born | None:
    """Of some stacks; None where the snapshot does not know."""
    calendar = snapshot.calendar
    if calendar is None:
        return None
    births = _born(snapshot, calendar, stacks)
    return births if births.dated else None


def by_row(snapshot: Snapshot, query: Query) -> Mapping[Key, Born]:
    """For each row that the query makes of the snapshot, by its key; empty where nothing is known."""
    calendar = snapshot.calendar
    if calendar is None or query.group_by in SPLIT:
        return {}
    rows = {
        key: _born(snapshot, calendar, stacks)
        for key, stacks in stacks_by_row(snapshot, query).items()
    }
    return {key: one for key, one in rows.items() if one.dated}


def _born(snapshot: Snapshot, calendar: Calendar, stacks: Iterable[Stack]) -> Born:
    sizes = [0.0] * calendar.periods
    before = squares = 0.0
    tasks: dict[str | None, float] = {}
    for stack in stacks:
        for birth in snapshot.told(stack).births:
            if birth.period < 0:
                before += birth.size
            else:
                sizes[min(birth.period, calendar.periods - 1)] += birth.size
            tasks[birth.task] = tasks.get(birth.task, 0.0) + birth.size
            squares += birth.squares
    return Born(calendar.unit, calendar.edges, tuple(sizes), before, tasks, squares)
