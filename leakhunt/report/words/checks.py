"""What a check says: kept, not kept, not sure, and what would make it sure."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from leakhunt import units
from leakhunt.gate.confidence import Interval, seldom
from leakhunt.gate.decision import FALSE_ALARM, MISSED, NATIVE_LIMIT, Ruling
from leakhunt.gate.outcome import Broken, Outcome
from leakhunt.gate.plan import OUT_OF_TIME
from leakhunt.judge.finding import Finding
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.paths import visible
from leakhunt.report.labels import Labels
from leakhunt.report.words import growths
from leakhunt.report.words.places import place

#: The rule that code scanning shows.
KEPT = "Memory that is kept for good"
KEPT_FOR_GOOD = "Each run keeps memory that nothing frees, so the process grows until it is ended."
HELP = (
    "The message says how much a run keeps, what holds it and how it is let go. Run `leakhunt check` with the same target "
    "again when it is fixed. What may be kept stands in a baseline: `--baseline FILE --update-baseline`."
)
GREW_TOO = "grew too, and is no leak:"

HEADS = {LEAK: "Leak", NO_LEAK: "No leak", "unsure": "Not sure"}
NOTHING = "no look was taken"


def summary(outcome: Outcome, labels: Labels) -> str:
    """One sentence: what a run keeps, where, how surely."""
    name, ruling = visible(outcome.target), outcome.ruling
    if ruling is None:
        return f"Not sure: {name} {_why_nothing(outcome)}."
    text = {LEAK: _leaks, NO_LEAK: _keeps_nothing}.get(outcome.verdict, _unsure)(
        outcome, ruling, labels
    )
    return f"{HEADS[outcome.verdict]}: {name} {text}."


def keeps(finding: Finding) -> str:
    """``1.9 KiB ± 0.1 a run``."""
    return f"{units.with_error(finding.rate, (finding.high - finding.low) / 2)} a run"


def _leaks(outcome: Outcome, ruling: Ruling, labels: Labels) -> str:
    if ruling.sure:
        first = ruling.sure[0]
        text = f"keeps {keeps(first)} at {place(first.site, labels)}"
        more = len(ruling.sure) - 1
        return f"{text}, and more at {units.counted(more, 'other place')}" if more else text
    if ruling.native_leaks and ruling.native is not None:
        return _outside(ruling.native)
    said = units.with_error(ruling.kept.rate, ruling.kept.reach)
    if ruling.mostly is not None:
        return (
            f"keeps {said} a run, by the looks of it mostly at {place(ruling.mostly.site, labels)}"
        )
    return f"keeps {said} a run, of which no single line has most"


def _outside(native: Interval) -> str:
    said = units.with_error(native.rate, native.reach)
    return f"keeps {said} a run outside Python's objects"


def outside(outcome: Outcome, native: Interval) -> str:
    """Of a leak outside Python alone, whatever else leaks."""
    return f"{HEADS[LEAK]}: {visible(outcome.target)} {_outside(native)}."


def _keeps_nothing(outcome: Outcome, ruling: Ruling, labels: Labels) -> str:
    if ruling.baselined:
        accepted = sum(finding.rate for finding in ruling.baselined)
        places = units.counted(len(ruling.baselined), "place")
        return (
            f"keeps {units.size(accepted)} a run at {places} that the baseline knows, and "
            f"{_at_most(ruling)} beyond"
        )
    return f"keeps {_at_most(ruling)}"


def _at_most(ruling: Ruling) -> str:
    if ruling.still:
        rare = seldom(ruling.runs, MISSED)
        least = f"1 run in {units.count(int(1 / rare))}" if rare < 1 else "every run"
        return f"nothing: less than {least} keeps anything (95 %)"
    if ruling.kept.high <= 0:
        return "nothing: what is alive shrinks (95 %)"
    return f"less than {units.bound(ruling.kept.high)} a run (95 %)"


def _unsure(outcome: Outcome, ruling: Ruling, labels: Labels) -> str:
    low, high = ruling.kept.low, ruling.kept.high
    limit = units.small_size(outcome.limits.bytes_per_run)
    if ruling.suspects:
        first = ruling.suspects[0]
        text = f"looks as if it kept {keeps(first)} at {place(first.site, labels)}, not yet surely"
    elif not isfinite(high):
        text = f"was looked at too seldom to tell whether it keeps more than {limit} a run"
    elif high < low or high <= 0:
        text = "keeps nothing that was seen, in too few looks"
    else:
        least = f"{units.small_size(low)} to " if low > 0 else "up to "
        text = f"may keep {least}{units.small_size(high)} a run (95 %), and {limit} may be kept"
    return text


def _why_nothing(outcome: Outcome) -> str:
    runs = units.counted(outcome.runs, "run")
    if outcome.stopped == OUT_OF_TIME and outcome.runs == 0:
        return f"has not come back from its first run in {units.duration(outcome.at_most)}"
    if outcome.stopped == OUT_OF_TIME:
        return f"has done {runs} in {units.duration(outcome.at_most)}, too few to tell"
    return f"was given {runs}, too few to tell"


class Options(NamedTuple):
    """What the user says it with."""

    at_most: str = "--at-most {}"
    warm_up: str = "--warm-up N"


#: Of a test.
MARKER = Options("--leakhunt-at-most {}", "warm_up=N")


def next_step(outcome: Outcome, options: Options = Options()) -> str | None:  # noqa: B008 - immutable
    """What would make it sure."""
    if outcome.verdict in (LEAK, NO_LEAK):
        return None
    if outcome.stopped != OUT_OF_TIME:
        return "more runs would tell: without a number of runs it goes on until the answer is sure"
    if outcome.wanted is None or not outcome.runs:
        return f"more time would tell: {options.at_most.format(_rounded(4 * outcome.at_most))}"
    seconds = outcome.seconds * outcome.wanted / outcome.runs
    runs = units.forecast(outcome.wanted, "run")
    text = f"about {runs} would tell: {options.at_most.format(_rounded(1.3 * seconds))}"
    if outcome.is_short:
        text += f", or {options.warm_up}, where N runs fill what caches it has"
    return text


def _rounded(seconds: float) -> str:
    """As --at-most takes it."""
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{-int(-seconds // length)}{unit}"
    return f"{max(1, -int(-seconds // 1))}s"


def rests_on(outcome: Outcome) -> str:
    """``5,200 runs in 1.4 s, of which the first 1,000 do not count; …``."""
    text = f"{units.counted(outcome.runs, 'run')} in {units.duration(outcome.seconds)}"
    ruling = outcome.ruling
    if ruling is None:
        return text
    if ruling.since:
        first = "" if ruling.since == 1 else f" {units.count(ruling.since)}"
        text += f", of which the first{first} {'is' if ruling.since == 1 else 'are'} warm-up"
    return f"{text}; {odds(outcome)}"


def odds(outcome: Outcome) -> str:
    """The error rate of the verdict."""
    checks = units.count(round(1 / FALSE_ALARM))
    alarm = f"healthy code that is warm by then is called leaking less than once in {checks} checks"
    if outcome.verdict == LEAK:
        return alarm
    if outcome.verdict == NO_LEAK:
        limit = units.small_size(outcome.limits.bytes_per_run)
        return (
            f"code that keeps more than {limit} a run passes at most once in "
            f"{units.count(round(1 / MISSED))} checks"
        )
    return "neither verdict is sure enough"


def figures(finding: Finding) -> str:
    """How fast, how sure, in how many blocks."""
    return (
        f"{units.small_size(finding.rate)} a run (95 %: {units.small_size(finding.low)} to "
        f"{units.small_size(finding.high)}), in {growths.blocks(finding)}"
    )


def native(ruling: Ruling) -> str | None:
    """What grows outside Python, where somebody asked."""
    if ruling.native is None:
        return None
    said = f"{units.small_size(ruling.native.low)} to {units.small_size(ruling.native.high)}"
    least = f" (less than {units.size(NATIVE_LIMIT)} is not seen)"
    return f"outside Python: {said} a run (95 %){'' if ruling.native_leaks else least}"


def broken(failed: Broken) -> str:
    """Why the target could not be run."""
    return f"{visible(failed.target)}: {visible(failed.failure.message or '')}"


# -- against a baseline ---------------------------------------------------------------


def regressed(finding: Finding, labels: Labels, before: float | None) -> str:
    """``shop/tasks.py:40 (process) keeps 1.9 KiB a run, 1.0 KiB in the baseline``."""
    where = f"{place(finding.site, labels)} keeps {keeps(finding)}"
    if before is None:
        return f"{where}, and is not in the baseline"
    return f"{where}, {units.small_size(before)} in the baseline"


def improved(where: str, line: int, before: float, now: float | None) -> str:
    """``shop/tasks.py:40 kept 1.9 KiB a run and keeps nothing now``."""
    rest = (
        "is not seen to keep anything now" if now is None else f"keeps {units.small_size(now)} now"
    )
    return f"improved: {visible(where)}:{line} kept {units.small_size(before)} a run and {rest}"


def grown(name: str, size: int, most: int) -> str:
    """Of a block that left something behind."""
    return (
        f"Growth: the block in {visible(name)} leaves {units.size(size)} behind, and "
        f"{units.size(most)} may be left"
    )


def counts(leaks: int, healthy: int, unsure: int) -> str:
    """``2 leak, 14 keep nothing, 1 is not sure``."""
    parts = [
        f"{units.count(leaks)} {'leaks' if leaks == 1 else 'leak'}" if leaks else "",
        f"{units.count(healthy)} {'keeps' if healthy == 1 else 'keep'} nothing" if healthy else "",
        f"{units.count(unsure)} {'is' if unsure == 1 else 'are'} not sure" if unsure else "",
    ]
    return ", ".join(part for part in parts if part)
