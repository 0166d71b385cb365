"""Two series, before and after a fix or a deploy, place by place: the same judgement on both. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leakhunt.errors import LeakhuntError
from leakhunt.gate import confidence
from leakhunt.gate.baseline import Place, place
from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import LIMIT
from leakhunt.judge.finding import Finding
from leakhunt.judge.history import History
from leakhunt.judge.informed import informed
from leakhunt.judge.owners import Book
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import Verdict, judge
from leakhunt.model.snapshot import Frame, Stack

#: What became of a place. OPEN: the series are too short or too noisy to tell.
FIXED, BETTER, SAME, WORSE, NEW, OPEN = "fixed", "better", "same", "worse", "new", "open"
#: In the order in which they are told: bad news first.
ORDER = (NEW, WORSE, SAME, OPEN, BETTER, FIXED)

#: A leak of which at most this part is left, by the upper end of the interval, is fixed.
LEFT = 0.05
#: The chance at each end of an interval.
CHANCE = 0.025


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


@dataclass(frozen=True)
class Change:
    """A place that leaks in at least one of both."""

    word: str
    where: Place
    before: Interval
    after: Interval
    """Bytes per unit, 95 %."""
    site_before: Frame | None
    site_after: Frame | None
    """The line then and now; None: nothing is allocated there."""
    finding: Finding
    """Of the side that leaks; of the newer one where both do."""


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
        """What is true of the whole: the worst of all places; SAME where nothing leaks in either."""
        return self.changes[0].word if self.changes else SAME

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

    def rate(self, where: Place, leak: Finding) -> Interval:
        """How fast a place grows that is no leak here; ``leak``: what it is on the other side.

        Where nothing of it was ever seen to grow, a leak that strikes so seldom that it would not
        have been is what may be left: by the rule of three, in runs that keep as much as they did.
        """
        entry = self._by_place.get(where)
        sizes = tuple(self._book.series(entry[1]).sizes) if entry else ()
        if len(set(sizes)) <= 1:
            each = leak.rate / min(1.0, leak.blocks_rate) if leak.blocks_rate > 0 else leak.rate
            return Interval(0.0, 0.0, each * confidence.seldom(self.side.units, 2 * CHANCE))
        return _interval(self._book.t, sizes)


def _interval(t: tuple[float, ...], sizes: tuple[float, ...]) -> Interval:
    if len(t) >= 4:
        return confidence.interval(t, sizes, CHANCE)
    if len(t) < 2:
        return Interval(0.0, float("-inf"), float("inf"))
    return Interval((sizes[-1] - sizes[0]) / (t[-1] - t[0]), float("-inf"), float("inf"))


def _change(
    where: Place, old: Finding | None, new: Finding | None, books_old: _Places, books_new: _Places
) -> Change:
    leak = new if new is not None else old
    assert leak is not None
    before = _of(old) if old is not None else books_old.rate(where, leak)
    after = _of(new) if new is not None else books_new.rate(where, leak)
    return Change(
        word=_word(before, after, old is not None, new is not None),
        where=where,
        before=before,
        after=after,
        site_before=old.site if old is not None else books_old.site(where),
        site_after=new.site if new is not None else books_new.site(where),
        finding=leak,
    )


def _of(finding: Finding) -> Interval:
    return Interval(finding.rate, finding.low, finding.high)


def _word(before: Interval, after: Interval, leaked: bool, leaks: bool) -> str:
    if leaked and leaks:
        if after.high < before.low:
            return BETTER
        return WORSE if after.low > before.high else SAME
    small, large = (after, before) if leaked else (before, after)
    if small.high <= max(LIMIT, LEFT * large.low):
        return FIXED if leaked else NEW
    if small.high < large.low:
        return BETTER if leaked else WORSE
    return OPEN


def by_word(compared: Compared) -> Mapping[str, int]:
    """How many places there are of each kind, in the order in which they are told."""
    return {
        word: number
        for word in ORDER
        if (number := sum(change.word == word for change in compared.changes))
    }
