"""What the looks of one stage say: it leaks, it keeps nothing, or go on. Pure.

A leak is sure when two things hold. The line's size at the looks wins its bets (:mod:`leakhunt.gate.betting`)
against "it grows by the limit at most", at odds that leave :data:`FALSE_ALARM` for all lines and stages
together. And the judgement that ``leakhunt trend`` makes calls it a leak: that blames the right line, puts
the parts of one leak together, and lets go of what a container's bound, CPython's free lists, Celery's tables
or the collector explain. It keeps nothing when the growth of all that is not excused is below the limit,
with an interval (:mod:`leakhunt.gate.confidence`) that misses by :data:`MISSED` in all stages together.

The error rates hold for a program whose warm-up is over by the first look of the stage, which is half of
all runs at its end. What still fills by then looks like a leak to anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from leakhunt.gate import betting, confidence
from leakhunt.gate.baseline import Growths, place
from leakhunt.gate.confidence import Interval
from leakhunt.judge import codes, rss
from leakhunt.judge.excuses import bounded
from leakhunt.judge.history import History
from leakhunt.judge.informed import informed
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book, Growth, Owner
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK, Finding, Verdict, conclude
from leakhunt.model.snapshot import Stack

UNSURE = "unsure"

#: The chance that a program which keeps nothing is ever called leaking.
FALSE_ALARM = 0.001
#: The chance that one which keeps more than the limit is ever said to keep less.
MISSED = 0.05
#: Bytes a run that are nothing to speak of.
LIMIT = LEVELS.worth.rate
#: Outside Python less is not seen: the resident set grows by pages, and malloc keeps some.
NATIVE_LIMIT = 256.0
#: Looks by whose growth the chance of error is divided; the bets begin with the next.
SCOUTS = 4
#: Looks of a stage: thirteen steps that are won reach 1 : 2,500, so three more may be wanted.
LOOKS = 20
#: Of what a finding grew by, the part that lines must stand for which won their bets.
SUPPORT = 0.5
#: Of what a leak's rate makes of all runs, the part that it holds if it has gone on since the first.
LASTING = 2 / 3
#: Of what a line takes over the looks, the part that it gives back at least where what it holds is replaced.
GIVEN_BACK = 0.5
#: Of what a line swings by, the part that it can have kept at most where it is left out. What wanders costs the interval
#: once to twice its swing: the deviation is about a quarter of the swing of twenty looks, twice over for both ends and times
#: a quantile of 2 to 4.5. Lines that are left out add up, those that wander less than that: so a quarter, not all of it.
TRIFLE = 0.25


@dataclass(frozen=True)
class Limits:
    """What may be kept."""

    bytes_per_run: float = LIMIT
    native: bool = False
    """Whether memory outside Python counts as well."""
    baseline: Growths = field(default_factory=lambda: MappingProxyType({}))
    """Places that may keep what they are known to keep."""

    def of(self, finding: Finding) -> float:
        """Bytes a run that a finding may keep: more than its baseline's interval is a regression."""
        growth = self.baseline.get(place(finding.site, finding.history)) if self.baseline else None
        return self.bytes_per_run if growth is None else growth.high + self.bytes_per_run

    def knows(self, finding: Finding) -> bool:
        """Whether it is in the baseline, and keeps no more than there."""
        return (
            bool(self.baseline)
            and place(finding.site, finding.history) in self.baseline
            and finding.low <= self.of(finding)
        )

    @property
    def native_bytes_per_run(self) -> float:
        """The same outside Python, where less cannot be seen."""
        return max(self.bytes_per_run, NATIVE_LIMIT)


@dataclass(frozen=True)
class Ruling:
    """What is known after a look."""

    verdict: str | None
    """LEAK, NO_LEAK, or None: not sure yet."""
    judged: Verdict
    """The judgement of the same looks, with everything that grew."""
    sure: tuple[Finding, ...]
    """Findings that are leaks for sure and keep more than the limit, the most first."""
    baselined: tuple[Finding, ...]
    """Findings that keep no more than the baseline says."""
    suspects: tuple[Finding, ...]
    """Findings that look like leaks and are not sure."""
    kept: Interval
    """Bytes a run: of the sure leaks together, else of all that is not excused. 95 %."""
    native: Interval | None
    """Bytes a run outside Python, where somebody asked; 95 %."""
    native_leaks: bool
    runs: int
    """Runs from the first to the last look of this stage."""
    since: int
    """Runs before the first of these looks: the warm-up."""
    still: bool
    """Whether all that is not excused had the same size at every look, and nothing came and went beside it."""
    lasting: bool
    """Whether the sure leaks hold what they would had they gone on since the first run: what fell on the way holds less."""

    @property
    def mostly(self) -> Finding | None:
        """The suspect that has most of what is kept, where only the whole is sure; None: there is none."""
        first = self.suspects[0] if self.suspects and not self.sure else None
        return first if first is not None and first.rate > self.kept.rate / 2 else None

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """What a baseline lets pass from now on: what is sure; where only the whole is, what looks like it."""
        return self.sure or (self.suspects if self.verdict == LEAK else ())


def decide(history: History, stage: int, limits: Limits, complete: bool) -> Ruling:
    """The ruling over the looks of a stage (1, 2, ...); ``complete``: the stage has all of its looks.

    Needs three looks.
    """
    told = informed(history)
    judged = conclude([told])
    book = Book(history)
    excused = {stack for growth in told[1] if _is_excused(growth) for stack in growth.blame.stacks}
    baselined = [finding for finding in judged.findings if limits.knows(finding)]
    excused.update(stack for finding in baselined for stack in finding.stacks)
    chance = betting.spent(MISSED, stage)
    passing, loose = _loose(book, chance)
    whole = _whole(book, excused | passing)
    limit = limits.bytes_per_run
    won = _won(book, whole, limit, betting.spent(FALSE_ALARM, stage))
    leaks = [
        finding for finding in judged.findings
        if (finding.verdict == LEAK or finding.reason.code == codes.TRIFLE)
        and finding.rate > limits.of(finding) and finding not in baselined
    ]  # fmt: skip
    sure = [finding for finding in leaks if _is_supported(book, finding, won)]
    native = _native(history) if limits.native else None
    native_leaks = native is not None and _native_grows(history, limits, stage, native)
    if sure:
        kept = _together(sure)
    else:  # all that is loose may have been left by these runs
        kept = _interval(history.times, whole, chance)
        kept = kept._replace(high=kept.high + loose / history.times[-1])
    verdict = None
    if sure or won.get(None) or native_leaks:
        verdict = LEAK
    elif complete and not leaks and kept.high <= limit:
        outside = (
            None if native is None else confidence.interval(history.times, _rest(history), chance)
        )
        if outside is None or outside.high <= limits.native_bytes_per_run:
            verdict = NO_LEAK
    return Ruling(
        verdict=verdict,
        judged=judged,
        sure=tuple(sorted(sure, key=lambda finding: -finding.rate)),
        baselined=tuple(baselined),
        suspects=tuple(finding for finding in leaks if finding not in sure),
        kept=kept,
        native=native,
        native_leaks=native_leaks,
        runs=round(history.times[-1]),
        since=history.first.tasks_done or 0,
        still=len(set(whole)) == 1 and not loose,
        lasting=_is_lasting(history, sure, whole),
    )


def doubted(ruling: Ruling) -> Ruling:
    """The same where its leaks may end by themselves, and nobody has time to see it: they are suspects."""
    return replace(ruling, verdict=None, sure=(), suspects=(*ruling.sure, *ruling.suspects))


def _is_lasting(history: History, sure: Sequence[Finding], whole: Sequence[float]) -> bool:
    """Whether what leaks, or all together, is as large as all runs would have made it.

    It has been traced since the first. What is emptied after more runs than the warm-up has looks like a leak over
    a stage, and holds the last part of it only.
    """
    runs, start = history.metas[-1].tasks_done or 0, SCOUTS - 1
    if not sure and len(whole) > SCOUTS:
        rate = (whole[-1] - whole[start]) / (history.times[-1] - history.times[start])
        return whole[-1] >= LASTING * rate * runs
    return all(
        history.series(finding.stacks).sizes[-1] >= LASTING * finding.rate * runs
        for finding in sure
    )


def _is_excused(growth: Growth) -> bool:
    """None of it counts for the bound either."""
    return growth.why is not None and growth.why.code in codes.EXCUSES


def _whole(book: Book, excused: set[Stack]) -> list[float]:
    """Bytes at each look of all that is neither hidden nor excused."""
    stacks = (stack for owned in book.owners.values() for stack in owned if stack not in excused)
    return list(book.series(stacks).sizes)


def _loose(book: Book, chance: float) -> tuple[set[Stack], float]:
    """(stacks of lines that come and go, all bytes that these lines can have kept).

    No line has kept more than it holds in the end, and of that nothing which lies in a container with a bound. Where this
    is a trifle of what the line swung by on the way, it is the better bound: what turns over in a ``deque(maxlen=)``
    may be a hundred times as much, and says nothing of what a run keeps. The walk of the newest look tells holders of a
    sample of blocks, one in so many bytes: what it did not find below a bound counts, and so does what a sample misses with
    that chance, ``-ln(chance)`` times these bytes.
    """
    newest = book.history.newest
    heap = None if newest is None else newest.heap
    grain = newest.totals.size / heap.wanted if newest and heap and heap.wanted else 0.0
    stacks: set[Stack] = set()
    kept = missed = 0.0
    for owned in book.owners.values():
        series = book.series(owned)
        rest = series.sizes[-1]
        told, ended = bounded.told(book, owned, _turns_over(series.sizes))
        if told and grain:
            unseen = rest - told - _handed(book, owned) - 2 * math.sqrt(rest * grain)
            rest = min(rest, rest * (1 - ended / told) + max(0.0, unseen))
        elif book.history.is_sampled:
            continue  # an estimate is no bound
        if rest <= TRIFLE * (max(series.sizes) - min(series.sizes)) and rest < max(series.sizes):
            stacks.update(owned)
            kept += rest
            if told:
                missed = -math.log(chance) * grain
    return stacks, kept + missed


def _handed(book: Book, stacks: Iterable[Stack]) -> int:
    """Bytes that others made and that are booked to these stacks, which make the containers grow that keep them.

    Such a container's own table was made by these stacks: what is told of their own blocks is told of it.
    """
    return sum(kept.size for stack in stacks for kept in book.history.kept.get(stack, ()))


def _turns_over(sizes: Sequence[float]) -> bool:
    """Whether most of what comes between two looks is no more than what goes between two others."""
    steps = [later - earlier for earlier, later in zip(sizes, sizes[1:])]
    taken = sum(step for step in steps if step > 0)
    return sum(-step for step in steps if step < 0) >= GIVEN_BACK * taken > 0


def _won(
    book: Book, whole: Sequence[float], limit: float, chance: float
) -> Mapping[Owner | None, bool]:
    """Which lines have won their bets; None stands for all together, with a tenth of the chance."""
    if len(book.t) <= SCOUTS:
        return {}
    start = SCOUTS - 1
    owners = list(book.owners)
    sizes = [book.series(book.owners[owner]).sizes for owner in owners]
    shares = betting.shares([each[start] - each[0] for each in sizes])
    t = book.t[start:]
    won: dict[Owner | None, bool] = {}
    for owner, each, share in zip(owners, sizes, shares):
        if each[-1] - each[start] <= limit * (t[-1] - t[0]):
            continue  # has not even grown so much
        odds = 1 / (0.9 * chance * share)
        won[owner] = betting.against(t, each[start:], limit) >= odds
    won[None] = betting.against(t, whole[start:], limit) >= 10 / chance
    return won


def _is_supported(book: Book, finding: Finding, won: Mapping[Owner | None, bool]) -> bool:
    """Whether lines that won their bets stand for most of what the finding grew by."""
    risen = {stack: max(0.0, weight) for stack, weight in zip(finding.stacks, finding.weights)}
    by_winners = sum(
        size for stack, size in risen.items() if won.get(book.paths.owner(stack), False)
    )
    return by_winners > 0 and by_winners >= SUPPORT * sum(risen.values())


def _together(sure: Sequence[Finding]) -> Interval:
    """The rates of several leaks added up; their errors are independent."""
    rate = sum(finding.rate for finding in sure)
    low = sum((finding.rate - finding.low) ** 2 for finding in sure) ** 0.5
    high = sum((finding.high - finding.rate) ** 2 for finding in sure) ** 0.5
    return Interval(rate, rate - low, rate + high)


def _interval(t: Sequence[float], sizes: Sequence[float], chance: float) -> Interval:
    """As :func:`confidence.interval`; of three looks nothing is known but the rate."""
    if len(t) >= 4:
        return confidence.interval(t, sizes, chance)
    rate = (sizes[-1] - sizes[0]) / (t[-1] - t[0])
    return Interval(rate, float("-inf"), float("inf"))


# -- outside Python -------------------------------------------------------------------


def _rest(history: History) -> list[float]:
    """The resident set less what is traced and less the tracer's tables, at each look."""
    return [
        float((meta.rss or 0) - (meta.traced or 0) - (meta.tracer or 0)) for meta in history.metas
    ]


def _native(history: History) -> Interval:
    return _interval(history.times, _rest(history), MISSED / 2)


def _native_grows(history: History, limits: Limits, stage: int, native: Interval) -> bool:
    """Whether the resident set grows for good beyond what Python objects explain."""
    if len(history.times) <= SCOUTS or native.low <= limits.native_bytes_per_run:
        return False
    capital = betting.against(history.times, _rest(history), limits.native_bytes_per_run)
    outside = rss.outside(history)
    return outside.grows and capital >= 1 / betting.spent(FALSE_ALARM, stage)
