"""The book of one snapshot: growth judged by the ages of what is alive.

Everything else that a book of a series does (owners, callers, parts of one graph) is done with
the history that the births tell (:mod:`leakhunt.judge.births.life`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leakhunt.judge.births import ages as age
from leakhunt.judge.births import dead
from leakhunt.judge.births.ages import Ages, Births
from leakhunt.judge.births.arrivals import Arrived
from leakhunt.judge.births.deaths import Gone, Grown, grown, weighed
from leakhunt.judge.births.life import died, held
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.series import stats
from leakhunt.judge.series.shape import LEAK, NOISE, STEP, TURNOVER, WARM_UP, Shape
from leakhunt.model.retention import by_container
from leakhunt.model.snapshot import Stack
from leakhunt.snapshots.counted import left, scale, unknown
from leakhunt.snapshots.facts import tells_types
from leakhunt.snapshots.garbage import is_collected

#: A kind of life as the verdict on a growth.
VERDICTS = {age.LEAK: LEAK, age.WARM_UP: WARM_UP, age.TURNOVER: TURNOVER}


class Survivors(Book):
    """A book whose shapes are judged by births."""

    def __init__(self, history: History) -> None:
        super().__init__(history)
        self._arrived = Arrived(history.newest)

    def births(self, stacks: Sequence[Stack]) -> Births:
        """The births of some stacks together, period by period, without what nothing refers to any more."""
        history = self.history
        tracks = [history.tracks[stack] for stack in stacks]
        by = scale(history.newest, stacks)
        intervals = [by * float(meta.facts.get("interval", 0)) for meta in history.metas]
        every = Births(
            tuple(self.t),
            _steps([track.sizes for track in tracks]),
            _steps([history.variances[stack] for stack in stacks]),
            _steps([track.counts for track in tracks]),
            tuple(intervals[1:]),
        )
        return dead.without(every, history.lost(stacks))

    def _referred(self, stacks: Sequence[Stack]) -> float:
        """Bytes of some stacks that something refers to."""
        lost = self.history.lost(stacks)
        return self.series(stacks).sizes[-1] - (0.0 if lost is None else lost.sizes[-1])

    def usual(self, stacks: Sequence[Stack], births: Births) -> Births:
        """Those births without the block that outweighs all others, where there is such a one.

        It was made once (a table that was made anew is as large as all it has gathered), and cannot speak
        for a rate. A sample at a coarse interval, which stands for many small blocks, is none.
        """
        newest = self.history.newest
        told = [b for stack in stacks for b in (newest.told(stack).births if newest else ())]
        collected = newest is not None and is_collected(newest.meta)
        alive = [(1 - dead.lost_of(birth, collected), birth) for birth in told]
        living, largest = max(alive, key=lambda one: one[0] * one[1].squares, default=(0.0, None))
        if largest is None or living * largest.squares <= LEVELS.lives.outweighs * sum(
            births.squares
        ):
            return births
        if largest.blocks >= LEVELS.lives.one_block * largest.runs:
            return births
        at = min(max(largest.period, 0), len(self.t) - 1) - 1
        if at < 0:
            return births  # it was there before the first edge, and is counted nowhere
        once = min((living * largest.squares) ** 0.5, living * largest.size, births.sizes[at])
        part = once / births.sizes[at] if births.sizes[at] > 0 else 0.0
        sizes, blocks = list(births.sizes), list(births.blocks)
        left = list(births.squares)
        sizes[at] -= once
        blocks[at] -= min(blocks[at], part * largest.blocks)
        left[at] = max(0.0, left[at] - once**2)
        return births._replace(sizes=tuple(sizes), blocks=tuple(blocks), squares=tuple(left))

    def sure(self, stacks: Sequence[Stack], births: Births) -> Births:
        """Those births whose objects are as old as their blocks, where these are most of them, or enough.

        A part of a period's births is taken to have come in as many events as that part.
        """
        steps = self._doubtful(stacks)
        if not steps:
            return births
        parts = [
            max(0.0, 1 - step / size) if size > 0 else 1.0
            for step, size in zip(steps, births.sizes)
        ]

        def left(values: Sequence[float]) -> tuple[float, ...]:
            return tuple(value * part for value, part in zip(values, parts))

        surely = births._replace(
            sizes=left(births.sizes), squares=left(births.squares), blocks=left(births.blocks)
        )
        few = sum(steps) > LEVELS.lives.doubtful * sum(births.sizes)
        return births if few and age.ages(surely).events < LEVELS.lives.fewest else surely

    def ordered(self, stacks: Sequence[Stack], births: Births, usual: Births) -> Births | None:
        """The births of what is usual among some, as the order of a container's entries tells them; None: it does not."""
        size = self._referred(stacks) - sum(births.sizes) + sum(usual.sizes)
        return self._arrived.births(stacks, size)

    def _is_dealt_out(self, stacks: Sequence[Stack], births: Births) -> bool:
        """Whether nothing is known but the ages of blocks that a freelist deals out, and nothing says that these are
        their objects' ages: a cache that forgets entries has blocks of every age as well, and objects of none.
        """
        newest = self.history.newest
        if newest is None or not tells_types(newest.meta) or not self._arrived.told:
            return False  # nobody has looked which these are, or in which order anything is kept
        few = sum(self._doubtful(stacks)) > LEVELS.lives.doubtful * sum(births.sizes)
        return few and self.sure(stacks, births) is births and not self._arrived.agrees(stacks)

    def _doubtful(self, stacks: Sequence[Stack]) -> tuple[float, ...]:
        """Bytes in each period whose objects may be younger than their blocks; (): none."""
        doubtful = self.history.doubtful
        rows = [doubtful[stack] for stack in stacks if stack in doubtful]
        return _steps(rows) if rows else ()

    def asked(self, stacks: Sequence[Stack], births: Births) -> Births:
        """Those births without what others have asked for: deaths are told of whoever asked."""
        rows = [self.history.moved[stack] for stack in stacks if stack in self.history.moved]
        if not rows:
            return births
        sizes, squares = (_steps(column) for column in zip(*rows))
        return births._replace(
            sizes=tuple(max(0.0, a - b) for a, b in zip(births.sizes, sizes)),
            squares=tuple(max(0.0, a - b) for a, b in zip(births.squares, squares)),
        )

    def gone(self, stacks: Sequence[Stack]) -> Gone | None:
        """What some stacks held at each column and has died since; None: deaths are not known."""
        return dead.buried(died(self.history, stacks), self.history.lost(stacks))

    def _grown(self, stairs: Grown, stacks: tuple[Stack, ...]) -> Shape:
        """A leak that is one block, told by its former selves: its rate is known to a step."""
        rate = stairs.size / (self.t[-1] - self.t[stairs.start])
        onset = self.t[stairs.start] - stairs.first / rate  # it was too small to be a sample before
        return Shape(
            LEAK,
            rate=rate,
            low=rate * (1 - LEVELS.lives.stair),
            high=rate * (1 + LEVELS.lives.stair),
            p=0.0,
            since=stairs.start if onset > 0 else 0,
            onset=max(0.0, onset),
            blocks_rate=0.0,
            samples=sum(self.history.samples[stack][-1] for stack in stacks),
            belief=LEVELS.lives.believed,
            beliefs=(LEVELS.lives.believed, 1 - LEVELS.lives.believed, 0.0),
            events=float(LEVELS.lives.steps),
            stairs=True,
        )

    def tells(self, stacks: Iterable[Stack]) -> bool:
        """One sample is enough of a block whose former selves are known, and a few of entries whose order is."""
        chosen = tuple(stacks)
        if super().tells(chosen):
            return True
        judged = self.judge(chosen)
        return judged.stairs or judged.entries > 0

    def grows(self, stacks: Sequence[Stack]) -> bool:
        """Whether they leak, or what is known makes that likelier than it was before: a caller of few samples
        does not clear the helper that it calls.
        """
        shape = self.judge(tuple(stacks))
        likelier = shape.events > 0 and shape.beliefs[0] > age.LEAK_BEFORE
        return (shape.verdict == NOISE and likelier) or super().grows(stacks)

    def present(self, stacks: Sequence[Stack]) -> bool:
        """Whether they held memory at most moments, what has died since included."""
        sizes = held(self.history, tuple(stacks)).sizes
        return sum(size > 0 for size in sizes) > len(sizes) / 2

    def late(self, stacks: Iterable[Stack]) -> float:
        """Bytes per unit by which stacks grow in the last two thirds of the life, less what has died, where
        that is known: a helper's callers are told apart by what each of them really gains.
        """
        start = len(self.t) // 3
        return stats.theil_sen(self.t[start:], held(self.history, tuple(stacks)).sizes[start:])

    def _events(self, stacks: Sequence[Stack], births: Births, start: int, events: float) -> float:
        """As many events as make an error like that of the rate since ``start``.

        Where the size was counted, what is not known is how it is shared out between the time before ``start``
        and after: of the relative variance 1 / events remains the part that was born before, and of the rest what
        counting has left. No rate is surer than that of so many entries of the container that keeps most of it: what one
        run brings, however many blocks, is one event.
        """
        whole = sum(births.sizes)
        before = sum(births.sizes[:start]) / whole if whole > 0 else 0.0
        remains = before + (1 - before) * left(self.history.newest, stacks)
        entries = float(self._entries(stacks))
        return max(events, min(events / remains if remains > 0 else entries, entries))

    def _known(self, stacks: Sequence[Stack], ages: Ages) -> float:
        """As many events as make an error like that of the rate of entries that were counted: the errors of how
        many came, by chance, and of what all of them weigh, which are independent.
        """
        size, unsure = self._referred(stacks), unknown(self.history.newest, stacks)
        if ages.events <= 0 or size <= 0:
            return 0.0
        return 1 / (ages.scatter / ages.events + unsure / size**2)

    def _entries(self, stacks: Sequence[Stack]) -> int:
        """Of the container that keeps most of some stacks' objects; 0: it is not known."""
        newest = self.history.newest
        ways = (way for stack in stacks for way in (newest.told(stack).retention if newest else ()))
        most = next(iter(by_container(ways)), None)
        return 0 if most is None else most.length or 0

    def _judge(self, stacks: tuple[Stack, ...]) -> Shape:
        every = self.births(stacks)
        usual = self.usual(stacks, every)
        ordered = self.ordered(stacks, every, usual)
        births = usual if ordered is None else ordered
        ages = age.ages(self.sure(stacks, births) if ordered is None else ordered)
        gone = self.gone(stacks)
        turned = None
        if gone is not None:
            unordered = self._arrived.unordered(stacks)
            ages, turned = weighed(ages, self.asked(stacks, every), gone, unordered)
        t = births.edges
        start = min(age.first_edge(t, ages.since), len(t) - 2)
        lasted = t[-1] - t[start]
        size = ages.part * sum(births.sizes[start:])
        blocks = ages.part * sum(births.blocks[start:])
        events = (
            self._events(stacks, births, start, ages.events)
            if ordered is None
            else self._known(stacks, ages)
        )
        low, high = stats.poisson_sum(size, events)
        onset = t[start]
        if ages.sudden and start > 0 and size > 0:
            earlier = births.sizes[start - 1] * lasted / size
            onset = max(t[start - 1], onset - earlier)
        since = age.first_edge(self.t, t[start])
        came = [sum(self.history.samples[stack][at] for stack in stacks) for at in (since, -1)]
        verdict = _verdict(every if ordered is None else ordered, ages)
        if verdict == LEAK and ordered is None and self._is_dealt_out(stacks, every):
            verdict = NOISE
        stairs = None if gone is None or ages.events >= LEVELS.lives.fewest else grown(every, gone)
        if stairs is not None and verdict in (NOISE, STEP):
            return self._grown(stairs, stacks)
        return Shape(
            verdict,
            rate=size / lasted,
            low=low / lasted,
            high=high / lasted,
            p=0.0 if verdict == LEAK else 1.0,
            since=since,
            blocks_rate=blocks / lasted,
            open=verdict == NOISE
            or (verdict == WARM_UP and ages.beliefs[age.LEAK] > LEVELS.lives.doubt),
            samples=came[1] - came[0],
            belief=ages.belief,
            beliefs=tuple(ages.beliefs.values()),
            events=ages.events,
            onset=onset,
            turned=turned,
            entries=0 if ordered is None else round(sum(ordered.blocks[start:])),
        )


def _steps(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """By how much the sum of some columns rises in each period."""
    sums = [sum(column) for column in zip(*rows)]
    return tuple(max(0.0, b - a) for a, b in zip(sums, sums[1:]))


def _verdict(births: Births, ages: Ages) -> str:
    if ages.belief <= 0:
        return NOISE
    size = sum(births.sizes)
    if ages.events < LEVELS.lives.fewest:
        return STEP if max(births.sizes) >= LEVELS.lives.at_once * size else NOISE
    return VERDICTS[ages.kind] if ages.belief >= LEVELS.lives.believed else NOISE
