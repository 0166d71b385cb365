"""What became of a leak: the sentence that closes the ticket."""

from __future__ import annotations

from math import isfinite

from leakhunt import units
from leakhunt.gate import compared
from leakhunt.gate.compared import Change, Compared, Side
from leakhunt.gate.confidence import Interval
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
NOTHING = "No leak in either: nothing to compare but the totals."


def summary(result: Compared) -> str:
    """One sentence on the first place, and how many others there are."""
    if not result.changes:
        return NOTHING
    first = result.changes[0]
    text = f"{HEADS[first.word]}: {sentence(first, result)}"
    counts = dict(compared.by_word(result))
    counts[first.word] -= 1
    rest = [f"{number} {word}" for word, number in counts.items() if number]
    return f"{text}; of other places {', '.join(rest)}." if rest else f"{text}."


def sentence(change: Change, result: Compared) -> str:
    """``tasks.py:40 (process) gone: +1.9 KiB → under 15 B per task (95 %), after 40,000 tasks``."""
    site = change.site_after or change.site_before
    line = f":{site.line}" if site is not None else ""
    function = f" ({visible(change.where.function)})" if change.where.function else ""
    where = f"{visible(change.where.file)}{line}{function}"
    gone = " gone" if change.word == compared.FIXED else ""
    before, after = _rate(change.before), _rate(change.after)
    spent = units.spent(result.after.units, result.noun)
    return f"{where}{gone}: {before} → {after} per {result.noun} (95 %), after {spent}"


def _rate(interval: Interval) -> str:
    """``+1.9 KiB ± 0.1``; of what may be nothing the most that it can be: ``under 15 B``."""
    if interval.low > 0:
        return f"+{units.with_error(interval.rate, interval.reach)}"
    if not isfinite(interval.high):
        return "nobody knows what"
    return f"under {units.bound(interval.high)}" if interval.high > 0 else "nothing"


def figures(interval: Interval, unit: str) -> str:
    """``+1.9 KiB per task (1.8 KiB to 2.0 KiB)``."""
    if not isfinite(interval.high):
        return units.rate(interval.rate, unit)
    return (
        f"{units.rate(interval.rate, unit)} ({units.small_size(interval.low)} to "
        f"{units.small_size(interval.high)})"
    )


def side(name: str, one: Side, unit: str) -> str:
    """``before  8 snapshots over 1,600 tasks of process 4242, all traced memory +2.0 KiB per task (…)``."""
    history = one.history
    number = looked_at(history)
    whose = f" of process {history.last.pid}" if history.last.pid is not None else ""
    grows = figures(one.whole, unit)
    return (
        f"{name:<8}{number} over {units.spent(one.units, unit)}{whose}; all traced memory {grows}"
    )
