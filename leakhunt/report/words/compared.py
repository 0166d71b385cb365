"""What became of a leak: the sentence that closes the ticket."""

from __future__ import annotations

from math import isfinite

from leakhunt import units
from leakhunt.gate import compared
from leakhunt.gate.compared import Change, Compared, Side
from leakhunt.gate.confidence import Interval
from leakhunt.judge.enough import blind_below
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED
from leakhunt.model.paths import visible
from leakhunt.report.words.places import looked_at

HEADS = {
    compared.FIXED: "Fixed",
    compared.BETTER: "Better",
    compared.SAME: "Not fixed",
    compared.WORSE: "Worse",
    compared.NEW: "New leak",
    compared.OPEN: "Not sure",
}
#: What the two series are called.
SIDES = ("before", "after")
NOTHING = "No leak in either: nothing to compare but the totals."


#: Why a side in which no leak was found may have one.
UNSURE = {
    INCONCLUSIVE: "{} is too short to tell",
    UNEXPLAINED: "{} grows outside of Python's objects",
}
#: Of tasks that ran on one side only so many are named.
NAMED = 3


def summary(result: Compared) -> str:
    """One sentence on the first place, and how many others there are."""
    if not result.changes:
        return _nothing(result)
    first = result.changes[0]
    text = f"{HEADS[first.word]}: {sentence(first, result)}"
    counts = dict(compared.by_word(result))
    counts[first.word] -= 1
    rest = [f"{number} {word}" for word, number in counts.items() if number]
    return f"{text}; of other places {', '.join(rest)}." if rest else f"{text}."


def _nothing(result: Compared) -> str:
    why = [
        UNSURE[side.judged].format(name)
        for name, side in zip(SIDES, result.sides)
        if side.judged in UNSURE
    ]
    return f"Not sure: no leak was found, but {' and '.join(why)}." if why else NOTHING


def sentence(change: Change, result: Compared) -> str:
    """``tasks.py:40 (process) gone: +1.9 KiB → under 15 B per task (95 %), after 40,000 tasks``."""
    site = change.site_after or change.site_before
    line = f":{site.line}" if site is not None else ""
    function = f" ({visible(change.where.function)})" if change.where.function else ""
    where = f"{visible(change.where.file)}{line}{function}"
    gone = " gone" if change.word == compared.FIXED else ""
    per = f"per {unit(change, result)}"
    before, after = _rate(change.before), _rate(change.after)
    if change.idle[0]:
        return f"{where}: {after} {per} (95 %), which never ran in before"
    if change.idle[1]:
        return f"{where}: {before} {per} (95 %), which never ran in after"
    noun = result.noun if change.task is None else "run"
    spent = units.spent(change.ran[1] if change.task else result.after.units, noun)
    return f"{where}{gone}: {before} → {after} {per} (95 %), after {spent}"


def unit(change: Change, result: Compared) -> str:
    """What its rates count: ``task``, or ``run of orders.take``."""
    return result.noun if change.task is None else f"run of {visible(change.task)}"


def _rate(interval: Interval) -> str:
    """``+1.9 KiB ± 0.1``; of what may be nothing the most that it can be: ``under 15 B``."""
    if interval.low > 0:
        return f"+{units.with_error(interval.rate, interval.reach)}"
    if not isfinite(interval.high):
        return "nobody knows what"
    return f"under {units.bound(interval.high)}" if interval.high > 0 else "nothing"


def figures(interval: Interval, unit: str) -> str:
    """``+1.9 KiB per task (1.8 KiB to 2.0 KiB)``; of what was never seen ``nothing seen: under 15 B per task``."""
    if not isfinite(interval.high):
        return units.rate(interval.rate, unit)
    if interval.low == interval.rate == 0 < interval.high:
        return f"nothing seen: {_rate(interval)} per {unit}"
    high = units.bound if interval.low <= 0 < interval.high else units.small_size
    ends = f"{units.small_size(interval.low)} to {high(interval.high)}"
    return f"{units.rate(interval.rate, unit)} ({ends})"


def place(change: Change, result: Compared) -> tuple[str, str]:
    """The figures of both sides; of a task that did not run there, that."""
    before, after = (
        "never ran" if idle else figures(interval, unit(change, result))
        for idle, interval in zip(change.idle, (change.before, change.after))
    )
    return before, after


def missing(change: Change, result: Compared) -> str | None:
    """What would tell what became of a place that is open; None where it is not, or where its task must run first."""
    if change.short is None:
        return None
    name, ran = SIDES[change.short], change.ran[change.short]
    if change.wanted is None:
        return f"{name} has too few snapshots to tell: it takes four"
    noun = result.noun if change.task is None else "run"
    number = units.forecast(max(change.wanted, ran), noun)
    return f"about {number} would tell; {name} has {units.spent(ran, noun)}"


def side(name: str, one: Side, unit: str) -> str:
    """``before  8 snapshots over 1,600 tasks of process 4242, all traced memory +2.0 KiB per task (…)``."""
    history = one.history
    number = looked_at(history)
    whose = f" of process {history.last.pid}" if history.last.pid is not None else ""
    told = f"{name:<8}{number} over {units.spent(one.units, unit)}{whose}"
    return (
        f"{told}; all traced memory {figures(one.whole, unit)}" if len(history.times) > 1 else told
    )


def differences(result: Compared) -> list[str]:
    """In what the two sides are no before and after of the same."""
    if result.is_one:
        return [
            "before and after are the same snapshots: compare those from before a fix with those after it"
        ]
    told = []
    before, after = (side.history for side in result.sides)
    if result.is_turned:
        told.append(
            f"before begins at {units.moment(before.first.taken_at)}, when after has ended "
            f"({units.moment(after.last.taken_at)}): the other way round?"
        )
    if before.noun != after.noun:
        told.append(f"before counts by the {before.noun}, after by the {after.noun}")
    if before.last.engine != after.last.engine:
        told.append(
            f"the engine was {visible(before.last.engine or 'unknown')} before and "
            f"{visible(after.last.engine or 'unknown')} after: sizes of sampled are estimates"
        )
    for name, others in zip(SIDES, compared.alone(result)):
        if others:
            more = f" and {units.count(len(others) - NAMED)} more" if len(others) > NAMED else ""
            told.append(f"only {name} ran {', '.join(map(visible, others[:NAMED]))}{more}")
    return told


def blind(result: Compared) -> list[str]:
    """What may be hidden where nothing was found: on which side a leak of less than so much does not show yet."""
    told = []
    for name, side in zip(SIDES, () if result.changes else result.sides):
        least = blind_below(side.history)
        if least is not None and side.judged == NO_LEAK:
            told.append(
                f"{name} is sampled: what leaks less than about {units.small_size(least)} per "
                f"{side.history.noun} may be hidden"
            )
    return told
