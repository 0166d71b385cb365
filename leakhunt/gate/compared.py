"""Two series, before and after a fix or a deploy, place by place: the same judgement on both. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from leakhunt.errors import LeakhuntError
from leakhunt.gate import confidence
from leakhunt.gate.baseline import Place, place
from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import LIMIT
from leakhunt.judge.enough import coarsest
from leakhunt.judge.finding import Finding
from leakhunt.judge.history import History, ledger
from leakhunt.judge.informed import informed
from leakhunt.judge.owners import Book
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK, Verdict, judge
from leakhunt.model.snapshot import Frame, Stack

#: What became of a place. OPEN: the series are too short or too noisy to tell.
FIXED, BETTER, SAME, WORSE, NEW, OPEN = "fixed", "better", "same", "worse", "new", "open"
#: In the order in which they are told: bad news first.
ORDER = (NEW, WORSE, SAME, OPEN, BETTER, FIXED)

#: A leak of which at most this part is left, by the upper end of the interval, is fixed; one that has changed by no more
#: is the same.
LEFT = 0.05
#: The chance at each end of an interval.
CHANCE = 0.025
#: A task that is this part of all runs on both sides may as well be all of them.
ALL = 0.99
#: A rate of which nothing is known.
UNKNOWN = Interval(0.0, float("-inf"), float("inf"))


@dataclass(frozen=True)
class Side:
    """One of the two series."""

    history: History
    verdict: Verdict
    whole: Interval
    """Growth of all traced memory: bytes per unit, 95 %."""

    @property
    def units(self) -> float:
        return self.history.spent

    @property
    def judged(self) -> str:
        """The verdict on it."""
        return self.verdict.verdict


@dataclass(frozen=True)
class Change:
    """A place that leaks in at least one of both."""

    word: str
    where: Place
    before: Interval
    after: Interval
    """Bytes per unit, or per run of ``task``; 95 %."""
    site_before: Frame | None
    site_after: Frame | None
    """The line then and now; None: nothing is allocated there."""
    finding: Finding
    """Of the side that leaks; of the newer one where both do."""
    task: str | None = None
    """By whose runs both rates count, where that is not all that ran: more of another task would make it slower."""
    ran: tuple[float, float] = (math.nan, math.nan)
    """Its runs on both sides; units where no task is named."""
    short: int | None = None
    """Where it is open though its task ran: which of both sides would have to be longer."""
    wanted: float | None = None
    """How many of these on that side would tell; None: not known."""

    @property
    def idle(self) -> tuple[bool, bool]:
        """On which side the task never ran: nothing is known of the place there."""
        before, after = self.ran
        return self.task is not None and before == 0, self.task is not None and after == 0


@dataclass(frozen=True)
class Compared:
    """Both sides, and what became of each place."""

    before: Side
    after: Side
    unit: str
    changes: tuple[Change, ...]
    """Bad news first; among equals the largest first."""

    @property
    def noun(self) -> str:
        """What the unit is called on both sides: ``run``, ``request`` or ``job`` as well as ``task``; ``unit`` where they differ."""
        nouns = {self.before.history.noun, self.after.history.noun}
        return nouns.pop() if len(nouns) == 1 else "unit"

    @property
    def word(self) -> str:
        """What is true of the whole: the worst of all places; where nothing is known to leak in either, SAME where
        nothing does, and OPEN where that is not sure.
        """
        if self.changes:
            return self.changes[0].word
        return SAME if all(side.judged == NO_LEAK for side in self.sides) else OPEN

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.before, self.after

    @property
    def is_one(self) -> bool:
        """Whether both sides are the same snapshots."""
        return self.before.history.entries == self.after.history.entries

    @property
    def is_turned(self) -> bool:
        """Whether all of before is younger than after."""
        first, last = self.before.history.first.taken_at, self.after.history.last.taken_at
        return first is not None and last is not None and first > last

    @property
    def is_worse(self) -> bool:
        return any(change.word in (NEW, WORSE) for change in self.changes)


def compare(before: History, after: History) -> Compared:
    """Judge both and put their leaks side by side. Raises LeakhuntError where their units differ."""
    sides = [_side(before), _side(after)]
    unit, other = (side.history.unit for side in sides)
    if unit != other:
        raise LeakhuntError(
            f"growth cannot be compared: before is counted by the {unit}, after by the {other}; take "
            "snapshots of workers of the same kind, or by `leakhunt check --dir`"
        )
    leaks = [_leaks(side) for side in sides]
    books = [_Places(side) for side in sides]
    changes = [
        _change(where, leaks[0].get(where), leaks[1].get(where), books[0], books[1])
        for where in dict.fromkeys([*leaks[0], *leaks[1]])
    ]
    changes.sort(
        key=lambda each: (ORDER.index(each.word), -abs(each.after.rate - each.before.rate))
    )
    return Compared(sides[0], sides[1], unit, tuple(changes))


def _side(history: History) -> Side:
    verdict = judge([history])
    judged, _ = informed(history)
    sizes = tuple(map(float, judged.sizes))
    return Side(judged, verdict, _interval(judged.times, sizes))


def _leaks(side: Side) -> dict[Place, Finding]:
    return {
        place(finding.site, side.history): finding
        for finding in side.verdict.findings
        if finding.verdict == LEAK
    }


class _Places:
    """The stacks of one side by the place to which they are booked."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._book = Book(side.history)
        self._by_place: dict[Place, tuple[Frame, list[Stack]]] = {}
        for (_, frame), stacks in self._book.owners.items():
            where = place(frame, side.history)
            self._by_place.setdefault(where, (frame, []))[1].extend(stacks)

    def site(self, where: Place) -> Frame | None:
        entry = self._by_place.get(where)
        return None if entry is None else entry[0]

    def rate(self, where: Place, each: float, ran: float) -> Interval:
        """How fast a place grows that is no leak here; ``ran``: by so many runs.

        Where nothing of it was ever seen to grow, a leak that strikes so seldom that it would not
        have been is what may be left: by the rule of three, in runs that keep as much as they did on the other side,
        ``each``. Of so many bytes a sampling engine sees only a part.
        """
        sizes = self._sizes(where)
        if len(set(sizes)) <= 1:
            return Interval(0.0, 0.0, each * confidence.seldom(ran, 2 * CHANCE, self._seen(each)))
        return _times(_interval(self._book.t, sizes), self.side.units, ran)

    def wanted(self, where: Place, each: float, ran: float, low: float) -> float | None:
        """How many runs would do to say that nothing to speak of is left of a leak that keeps ``low`` at least, if that is
        so; None where it is snapshots that are missing.
        """
        enough = _enough(low)
        if not ran:
            return None
        if len(set(self._sizes(where))) <= 1:
            part = enough * self._seen(each) / each
            return math.log(2 * CHANCE) / math.log1p(-part) if part < 1 else 1.0
        reach = self.rate(where, each, ran).reach
        return ran * reach / enough if math.isfinite(reach) else None

    def _sizes(self, where: Place) -> tuple[float, ...]:
        entry = self._by_place.get(where)
        return tuple(self._book.series(entry[1]).sizes) if entry else ()

    def _seen(self, each: float) -> float:
        """How probable it is that so many bytes show: the engine may sample."""
        interval = coarsest(self.side.history)
        return 1.0 if interval is None else -math.expm1(-each / interval)


def _interval(t: tuple[float, ...], sizes: tuple[float, ...]) -> Interval:
    if len(t) >= 4:
        return confidence.interval(t, sizes, CHANCE)
    if len(t) < 2:
        return UNKNOWN
    return UNKNOWN._replace(rate=(sizes[-1] - sizes[0]) / (t[-1] - t[0]))


def _change(
    where: Place, old: Finding | None, new: Finding | None, books_old: _Places, books_new: _Places
) -> Change:
    leak, at = (new, 1) if new is not None else (old, 0)
    assert leak is not None
    books, whole = (books_old, books_new), (books_old.side.units, books_new.side.units)
    task, ran = _by(old, new, books_old.side, books_new.side)
    each = _each(leak, whole[at], ran[at])
    told = [
        _times(_of(finding), units, runs) if finding is not None
        else UNKNOWN if task is not None and not runs
        else book.rate(where, each, runs)
        for book, finding, units, runs in zip(books, (old, new), whole, ran)
    ]  # fmt: skip
    word = _word(told[0], told[1], old is not None, new is not None)
    if old is None and task is not None and not ran[0]:
        word = NEW  # nothing leaked there before, whatever the reason
    short = 1 - at if word == OPEN and (task is None or ran[1 - at]) else None
    return Change(
        word=word,
        where=where,
        before=told[0],
        after=told[1],
        site_before=old.site if old is not None else books_old.site(where),
        site_after=new.site if new is not None else books_new.site(where),
        finding=leak,
        task=task,
        ran=ran,
        short=short,
        wanted=None
        if short is None
        else books[short].wanted(where, each, ran[short], told[at].low),
    )


def _each(leak: Finding, units: float, runs: float) -> float:
    """What a run that keeps something keeps: bytes. Not each run need do so."""
    times = units / runs if runs else 1.0
    often = leak.blocks_rate * times
    return leak.rate * times / min(1.0, often) if often > 0 else leak.rate * times


def _by(
    old: Finding | None, new: Finding | None, before: Side, after: Side
) -> tuple[str | None, tuple[float, float]]:
    """(the task by whose runs a place is counted, these runs on both sides); all units where it is all that ran, or
    where it is not known whose it is.
    """
    whole = (before.units, after.units)
    tasks = {leak.task for leak in (old, new) if leak is not None}
    task = tasks.pop() if len(tasks) == 1 else None
    if task is None or 0 in whole or before.history.noun != after.history.noun:
        return None, whole
    ran, runs = before.history.runs(task), after.history.runs(task)
    if ran is None or runs is None:
        return None, whole
    if all(number >= ALL * units for number, units in zip((ran, runs), whole)):
        return None, whole
    return task, (ran, runs)


def _times(interval: Interval, units: float, runs: float) -> Interval:
    """A rate per unit as one per run, of so many units and runs."""
    if units == runs or not runs:
        return interval
    return Interval(*(end * units / runs for end in interval))


def _of(finding: Finding) -> Interval:
    return Interval(finding.rate, finding.low, finding.high)


def _word(before: Interval, after: Interval, leaked: bool, leaks: bool) -> str:
    if leaked and leaks:
        if abs(after.rate - before.rate) <= LEFT * max(after.rate, before.rate):
            return SAME  # where every block is counted, an interval may be a point
        if after.high < before.low:
            return BETTER
        return WORSE if after.low > before.high else SAME
    small, large = (after, before) if leaked else (before, after)
    if small.high <= _enough(large.low):
        return FIXED if leaked else NEW
    if small.high < large.low:
        return BETTER if leaked else WORSE
    return OPEN


def _enough(low: float) -> float:
    """Bytes a run that are nothing to speak of where a leak has kept ``low`` at least."""
    return max(LIMIT, LEFT * low)


def alone(result: Compared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tasks that ran on one side only: of before, and of after. Nothing where that is not known."""
    before, after = (side.history for side in result.sides)
    if before.noun != after.noun:
        return (), ()
    return _only(before, after), _only(after, before)


def _only(one: History, other: History) -> tuple[str, ...]:
    mine, others = ledger(one.last), ledger(other.last)
    if not mine or not others or any(name.startswith("(") for name in others):
        return ()
    return tuple(sorted(name for name in mine if one.runs(name) and not others.get(name)))


def by_word(compared: Compared) -> Mapping[str, int]:
    """How many places there are of each kind, in the order in which they are told."""
    return {
        word: number
        for word in ORDER
        if (number := sum(change.word == word for change in compared.changes))
    }
