"""How often to run, when to look and when to stop: a warm-up, then stages of evenly spread looks.

A stage begins when the warm-up is over and goes on for as many runs again, with :data:`~.decision.LOOKS`
looks on the way, their distances jittered so that nothing periodic hides between them. When it leaves the
question open the next begins, with twice as many runs: all that was run so far is its warm-up. So a
leak that is regular is decided in the first stage, and noise has to give way in the end.

A look and a judgement cost the same however many runs lie between, and only runs narrow what is not known. So
what they take is measured. The runs of the first stage, in which a regular leak shows, take half as long at least, those of
the next as long, and so on: no more than two thirds of the first stage go into looking and judging, a half of the second, a
third of the third.
How long the stages are says nothing of how they end, so the bets stay fair: each length is fixed before the
stage's looks that are judged, by clocks alone.
"""

from __future__ import annotations

import math
import random
from math import ceil
from pathlib import Path
from typing import NamedTuple

from leakhunt.gate.costs import Costs
from leakhunt.gate.decision import LOOKS, Limits, Ruling, decide, doubted
from leakhunt.gate.orders import EXHAUSTED, FAILED, RUN, STOP, Answer, Order
from leakhunt.gate.readings import Readings
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK

#: The warm-up goes on for so many runs and so many seconds, but not beyond this many seconds.
WARM_RUNS, WARM_SECONDS, WARM_AT_MOST = 1000, 0.4, 3.0
#: And takes no more of the time, or of the runs, than this part.
WARM_PART = 0.25
#: A stage is laid out so that its runs take no more of the time that is left than this part.
PART_OF_TIME = 0.7
#: The runs of the second stage take as long as all else in it, at least; with each stage so many times as long.
RUNNING = 2
#: Runs of which something may be said.
FEWEST_RUNS = 3
#: Where there is no room for a stage of so many times the runs,
LONGER = 2
#: the last one goes on for this part of the time that is left,
LAST_PART = 0.9
#: if that is so many looks more.
FEWEST_MORE = 4
#: Of the looks of a stage that goes on one in so many is judged, or fewer: a judgement may cost this part of the time between.
RARELY, JUDGING = 4, 0.25
#: Distances between looks vary by so much.
JITTER = 0.2
#: Looks before which no bet can have been won.
FEWEST = 17
#: Looks with which a stage that was cut short may still say that nothing is kept.
ENOUGH = 8

DECIDED, OUT_OF_TIME, OUT_OF_RUNS, BROKEN = "decided", "out-of-time", "out-of-runs", "broken"


class Terms(NamedTuple):
    """What the user allows."""

    limits: Limits
    at_most: float
    """Seconds."""
    runs: int | None = None
    """At most; None: as many as it takes."""
    warm_up: int | None = None
    """Runs that do not count; None: as the time allows."""


def _jittered(seed: int, steps: int, total: int) -> list[int]:
    """So many runs in about so many parts, no two alike."""
    dice = random.Random(seed)
    weights = [1 + JITTER * (2 * dice.random() - 1) for _ in range(steps)]
    edges = [0]
    for weight in weights:
        edges.append(max(edges[-1] + 1, round(edges[-1] + total * weight / sum(weights))))
    return [min(total, b) - min(total, a) for a, b in zip(edges, edges[1:]) if a < total]


class Gate:
    """The judge's side of one check: answers come in, orders go out, and in the end there is a result."""

    def __init__(self, terms: Terms, at: tuple[str, int] | None = None) -> None:
        self.terms = terms
        self.at = at
        """File and line where the target is defined; None: not known."""
        self.ruling: Ruling | None = None
        self.stopped: str | None = None
        """Why it has stopped: DECIDED, OUT_OF_TIME, OUT_OF_RUNS or BROKEN."""
        self.failure: Answer | None = None
        self.runs = 0
        self.stage = 0
        self.is_short = False
        """Whether a leak was found and not believed, for want of a longer warm-up."""
        self.spent = 0.0
        """Seconds of running, looks not counted."""
        self._looks = Readings()
        self._earlier: Ruling | None = None
        """Of the stage before, at its end."""
        self._batches: list[int] = []
        self._full = self._warming = self._is_laid_out = self._is_cut = False
        self._costs = Costs()
        self._ruled: tuple[int, bool] | None = None
        """Looks that the ruling is of, and whether these were all."""

    def first(self) -> Order:
        """One run, by which it is seen how long one takes."""
        return Order(RUN, 1)

    def next(self, answer: Answer, elapsed: float) -> Order:
        """What to do after an answer; ``elapsed``: seconds since the start of the check."""
        if answer.kind == FAILED:
            self.failure = answer
            return self._stop(BROKEN)
        self._costs.told(answer, answer.runs - self.runs, self._full, elapsed)
        self.runs, self.spent = answer.runs, self.spent + answer.seconds
        if answer.path is not None:
            self._looks.paths.append(Path(answer.path))
        order = self._after(elapsed) if answer.kind != EXHAUSTED else None
        if order is None:
            return self._stop(OUT_OF_RUNS)
        if order.do == RUN and elapsed + order.runs * self._costs.run > self.terms.at_most:
            return self._stop(OUT_OF_TIME)
        return order

    def give_up(self) -> None:
        """The time is over while it runs: what the looks so far say counts."""
        if self.stopped is None:
            self._stop(OUT_OF_TIME)

    def _after(self, elapsed: float) -> Order | None:
        """None where there are no more runs to be had."""
        if self.stage == 0:
            wanted = self._warm_up()
            if wanted > self.runs and self.spent < self._warm_seconds():
                left = self._warm_seconds() - self.spent
                soon = int(left / self._costs.run) if self._costs.run > 0 else wanted
                return Order(RUN, max(1, min(wanted - self.runs, self.runs, soon)))
            return self._begin()
        if self._warming:
            self._warming = False
            return self._begin()
        if not self._is_laid_out:  # now it is known what a look takes
            self._is_laid_out, self._batches = True, self._split()
            return self._batch(self._batches.pop(0)) if self._batches else None
        if self._batches and self._is_late():
            self._batches, self._is_cut = [], True
        looks = len(self._looks)
        if looks >= 3 and self._is_due():
            ruling = self._rule(complete=not self._batches)
            unsure = not self._batches and ruling.verdict is None
            if (ruling.verdict == LEAK or unsure) and not self._full:  # who holds it?
                self._full = True
                return self._batch(self._batches.pop(0) if self._batches else self._size())
            self._full = False
            if ruling.verdict == LEAK and self._may_be_passing(ruling) and not self._is_cut:
                return self._warmer() or self._begin()
            if ruling.verdict is not None and not self._is_cut:
                return self._stop(DECIDED)
        if self._is_cut and not self._batches:
            return self._stop(OUT_OF_TIME)
        if not self._batches:
            return self._begin()
        return self._batch(self._batches.pop(0))

    def _is_late(self) -> bool:
        """Whether one more look would leave no time to say what they tell. A machine may become slower on the way."""
        step = self._batches[0] * self._costs.run + self._costs.look
        left = self.terms.at_most - self._costs.elapsed - step
        return len(self._looks) >= ENOUGH and left < (1 + JUDGING) * self._costs.ending(
            self._size()
        )

    def _is_due(self) -> bool:
        """Whether the looks so far are judged: where that can decide, and costs little of what it may save."""
        looks = len(self._looks)
        if not self._batches or self._full or looks == FEWEST:
            return True
        if looks <= LOOKS:
            return (
                looks > FEWEST
                and self._costs.judging <= self._batches[0] * self._costs.run + self._costs.look
            )
        since = self._costs.elapsed - self._costs.judged_at
        return looks % RARELY == 0 and self._costs.judging <= JUDGING * since

    def _may_be_passing(self, ruling: Ruling) -> bool:
        """Whether what was found may end: then it is a leak only when it is found again, after a longer warm-up.

        A slow target has few runs behind it when its warm-up ends: a cache of a few hundred keys still fills, and looks like
        a leak in every stage until it is full. And what holds less than its rate makes of all runs has begun late, or has
        been emptied on the way and may be again.
        """
        return not ruling.lasting or (
            self.terms.warm_up is None and ruling.since < self._warm_enough()
        )

    def _warm_enough(self) -> int:
        """Runs before the first look of a stage whose leaks are believed."""
        return min(WARM_RUNS, self._half())

    def _half(self) -> int:
        """Half of the runs that there may be, and no fewer left than a stage has steps."""
        runs = self.terms.runs
        return WARM_RUNS if runs is None else max(1, min(runs // 2, runs - (LOOKS - 1)))

    def _warmer(self) -> Order | None:
        """The runs that the warm-up lacks, at once, where the time has room for them and for a stage; its first look is next.

        Stages that double would come to as many with twice as many runs.
        """
        missing = self._warm_enough() - self.runs
        seconds = (missing + LOOKS - 1) * self._costs.run + self._beside()
        left = LAST_PART * (self.terms.at_most - self._costs.elapsed)
        if missing <= 0 or self.terms.warm_up is not None or seconds > left:
            return None
        self._warming = True
        return Order(RUN, missing)

    def _begin(self) -> Order | None:
        """The first look of the next stage, at once; or more looks of this one, where the time has no room for a longer one."""
        if self._is_last():
            more = self._more()
            if not more:
                return self._stop(OUT_OF_TIME)
            self.stage += 1
            self._full, self._batches = False, more
            return self._batch(self._batches.pop(0))
        if self.terms.runs is not None and self.terms.runs - self.runs < FEWEST_RUNS:
            return None
        self.stage += 1
        self._earlier = self.ruling
        self._looks, self._full, self._batches = Readings(), False, []
        self._is_laid_out, self._ruled = False, None
        return Order(RUN, 0, look=True)

    def _is_last(self) -> bool:
        """Whether the time that is left has no room for a stage of twice as many runs: this one, gone on, knows more."""
        if self.ruling is None or self.ruling.verdict is not None or len(self._looks) < LOOKS:
            return False
        return self._room() < LONGER * self.ruling.runs

    def _room(self) -> float:
        """Runs that another stage has time for, beside its looks."""
        left = LAST_PART * self._left() - self._beside()
        return left / self._costs.run if self._costs.run > 0 else math.inf

    def _left(self) -> float:
        return self._costs.left(self.terms.at_most)

    def _beside(self) -> float:
        return self._costs.beside(LOOKS, self._size())

    def _each(self) -> int:
        """Runs between two looks of this stage."""
        assert self.ruling is not None
        return max(1, round(self.ruling.runs / (len(self._looks) - 1)))

    def _more_steps(self) -> int:
        """Looks by which this stage may become longer."""
        each = self._each()
        cost = (1 + JUDGING) * (each * self._costs.run + self._costs.look)
        left = LAST_PART * self._left() - self._costs.ending(self._size())
        steps = max(0.0, left) / cost if cost > 0 else LOOKS
        return int(
            steps if self.terms.runs is None else min(steps, (self.terms.runs - self.runs) // each)
        )

    def _more(self) -> list[int]:
        """Runs between the looks by which the last stage becomes longer; none where there is hardly any time.

        Its bets go on, what its interval is over grows, and it is ruled at the chance of a stage of its own.
        """
        steps = self._more_steps()
        return [] if steps < FEWEST_MORE else _jittered(self.stage, steps, steps * self._each())

    def _split(self) -> list[int]:
        """Runs between the looks of a stage; none where no two are left."""
        steps = LOOKS - 1
        total = max(self.runs, steps)
        if self._costs.run > 0:
            beside = self._beside()
            total = max(total, int(RUNNING ** (self.stage - 2) * beside / self._costs.run))
            # A stage that the time cuts short decides nothing.
            left = PART_OF_TIME * (self._left() - beside) / self._costs.run
            total = max(steps, int(min(total, left)))
        if self.terms.runs is not None:
            left = self.terms.runs - self.runs
            total = min(total, left)
            if left - total < total:  # not enough for one more stage: this one takes all
                total = left
        if total < FEWEST_RUNS:
            return []
        return _jittered(self.stage, min(steps, total), total)

    def _size(self) -> int:
        return max(1, self.runs // (2 * LOOKS))

    def _batch(self, runs: int) -> Order | None:
        if self.terms.runs is not None:
            runs = min(runs, max(0, self.terms.runs - self.runs))
        if runs <= 0 and not self._full:
            return None
        return Order(RUN, runs, look=True, full=self._full)

    def _warm_up(self) -> int:
        """Runs at which the warm-up is over."""
        wanted = self.terms.warm_up
        if wanted is None:
            wanted = WARM_RUNS
            if self.spent < WARM_SECONDS and self.runs >= WARM_RUNS:
                wanted = 2 * self.runs
        return wanted if self.terms.runs is None else min(wanted, self._half())

    def _warm_seconds(self) -> float:
        if self.terms.warm_up is not None:
            return self.terms.at_most
        if self.terms.runs is not None:  # somebody knows how many are enough
            return self.terms.at_most / 2
        return min(WARM_AT_MOST, WARM_PART * self.terms.at_most)

    def _rule(self, complete: bool) -> Ruling:
        if self.ruling is not None and self._ruled == (len(self._looks), complete):
            return self.ruling
        self.ruling = decide(self._looks.history(), self.stage, self.terms.limits, complete)
        self._costs.judged()
        self._ruled = (len(self._looks), complete)
        return self.ruling

    def _stop(self, why: str) -> Order:
        self.stopped = why
        if why in (OUT_OF_TIME, OUT_OF_RUNS):
            if len(self._looks) >= 3:
                self._rule(complete=len(self._looks) >= ENOUGH)
            self.ruling = self._last_word()
            if (
                self.ruling is not None
                and self.ruling.verdict == LEAK
                and self._may_be_passing(self.ruling)
            ):
                self.is_short = self.ruling.lasting
                self.ruling = doubted(self.ruling)
            if self.ruling is not None and self.ruling.verdict in (LEAK, NO_LEAK):
                self.stopped = DECIDED
        return Order(STOP)

    def _last_word(self) -> Ruling | None:
        """What counts of a stage that was cut short and the one before it.

        With few looks the one before knows more. A leak that it found stands where what is alive grows on.
        """
        newest, earlier = self.ruling, self._earlier
        if newest is None or earlier is None or newest.verdict is not None:
            return newest
        wider = earlier.verdict is None and newest.kept.reach > earlier.kept.reach
        if len(self._looks) < ENOUGH or wider:
            return earlier
        if earlier.verdict == LEAK and self._grows_on(newest):
            return earlier
        return newest

    def _grows_on(self, ruling: Ruling) -> bool:
        limits, outside = self.terms.limits, ruling.native
        return (
            bool(ruling.suspects)
            or ruling.kept.low > limits.bytes_per_run
            or (outside is not None and outside.low > limits.native_bytes_per_run)
        )

    # -- what would make it sure --------------------------------------------------------

    def wanted(self) -> int | None:
        """About how many runs would make it sure, if it goes on as it does; None: nobody knows.

        The interval of what is kept narrows as the runs grow, where what wanders stays as it is.
        """
        ruling = self.ruling
        if ruling is None or not self.runs:
            return None
        if self.is_short:
            return max(2 * self.runs, ceil((1 + WARM_PART) * self._warm_enough()))
        room = abs(self.terms.limits.bytes_per_run - ruling.kept.rate)
        if room <= 0 or ruling.kept.reach == float("inf"):
            return None
        return ceil(max(2 * self.runs, self.runs * ruling.kept.reach / room))
