"""The sentence above a report: leak or not, which line, how fast, until when."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.judge import codes
from leakhunt.judge.allocators import FRAGMENTATION, NATIVE
from leakhunt.judge.history import SECOND, TASK, History
from leakhunt.judge.resources import Change, Rising
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, Finding, Verdict
from leakhunt.model.meta import OFF
from leakhunt.model.paths import visible
from leakhunt.report.labels import Labels
from leakhunt.report.words import growths, resources
from leakhunt.report.words.places import looked_at, place

#: A part of the growth below this is not worth a clause.
TELLING = 0.005


def summary(
    verdict: Verdict,
    leaks: Sequence[Finding],
    labels: Labels,
    ended: bool,
    rising: Sequence[Rising] = (),
    unsure: Sequence[Change] = (),
) -> str:
    """One sentence, or a few. ``leaks``: those that are shown; ``ended``: whether the process is gone;
    ``rising``: what it opens ever more of; ``unsure``: what it may.
    """
    text = _of_memory(verdict, leaks, labels, ended)
    if (rising or unsure) and verdict.verdict == NO_LEAK:
        text = text.replace("No leak: nothing grows", "No leak in memory: no object grows", 1)
    return text + _open(rising) + _may_open(unsure)


def _open(rising: Sequence[Rising]) -> str:
    """`` It opens ever more: sockets to :5432 (PostgreSQL) 12 → 1,012, 1 per task.``"""
    if not rising:
        return ""
    first = rising[0]
    change = first.change
    told = resources.risen(
        change.resource, change.first, change.last.number, first.rate, first.unit
    )
    more = f", and {units.counted(len(rising) - 1, 'more kind')}" if len(rising) > 1 else ""
    return f" It opens ever more: {told}{more}."


def _may_open(unsure: Sequence[Change]) -> str:
    """`` More are open than at first: pipes 10 → 80; more snapshots would tell whether that goes on.``"""
    if not unsure:
        return ""
    first = unsure[0]
    told = resources.risen(first.resource, first.first, first.last.number, None, None)
    more = f", and {units.counted(len(unsure) - 1, 'more kind')}" if len(unsure) > 1 else ""
    return f" More are open than at first: {told}{more}; more snapshots would tell whether that goes on."


def _of_memory(verdict: Verdict, leaks: Sequence[Finding], labels: Labels, ended: bool) -> str:
    if verdict.verdict == LEAK:
        return _leak(verdict, leaks, labels, ended)
    if verdict.verdict == UNEXPLAINED:
        return _unexplained(verdict, leaks, labels)
    if verdict.verdict == INCONCLUSIVE:
        return _inconclusive(verdict, labels, ended)
    assert verdict.verdict == NO_LEAK
    return _no_leak(verdict, labels)


def head(said: str) -> str:
    """The word before the colon, of a summary."""
    return said.partition(":")[0]


def share_of(verdict: Verdict) -> str:
    """What shares are of."""
    grows = verdict.outside is not None and verdict.outside.grows_at_all
    return "RSS growth" if grows else "growth of traced memory"


def _leak(verdict: Verdict, leaks: Sequence[Finding], labels: Labels, ended: bool) -> str:
    if not leaks:
        return "Leak: it grows, at lines that the filters leave out."
    first = leaks[0]
    text = f"Leak: {units.rate(first.rate, first.history.noun)} at {place(first.site, labels)}"
    if len(leaks) > 1:
        alike = all(each.history.unit == first.history.unit for each in leaks)
        text += f", the {'fastest' if alike else 'first'} of {units.count(len(leaks))}"
    if first.since is not None and first.since.unit > 0:
        text += f", {growths.since(first.since, first.history.noun)}"
    if first.task is not None and first.task_runs is not None:
        text += f", in {visible(first.task)}"
    if growths.where(first):
        text += f", {growths.where(first)}"
    if first.share is not None and first.share >= TELLING:
        text += f", {units.share(min(1.0, first.share))} of the {share_of(verdict)}"
    return text + "." + ("" if ended else _forecast(verdict, first))


def _forecast(verdict: Verdict, leak: Finding) -> str:
    """When the process reaches its limit, where the snapshots know of one."""
    history = leak.history
    limits = history.last.facts.get("limits")
    if not isinstance(limits, dict) or history.last.rss is None:
        return ""
    read = [(limit, name) for name, limit in limits.items() if isinstance(limit, int) and limit > 0]
    if not read:
        return ""
    limit, name = min(read)
    rate = leak.rate
    outside = verdict.outside
    if (
        outside
        and outside.grows_at_all
        and outside.keeps
        and outside.rss_rate
        and history is verdict.main
    ):
        rate = max(rate, outside.rss_rate)
    left = limit - history.last.rss
    process = "child" if history.last.role == "child" else "process"
    said = f"{units.size(limit)} {'limit' if name == 'max_memory_per_child' else 'memory limit'}"
    if left <= 0:
        return f" The {process} is at its {said}."
    number = left / rate
    amount = units.forecast(number, history.noun)
    elapsed = seconds(history)
    hours = ""
    if elapsed and history.unit != SECOND:
        hours = f" (about {units.duration(number * elapsed / history.times[-1])})"
    return f" At this rate the {process} reaches its {said} in {amount}{hours}."


def seconds(history: History) -> float | None:
    """How long it took from the first snapshot to the newest, by the process's own clock."""
    return history.last.since(history.first)


def _unexplained(verdict: Verdict, leaks: Sequence[Finding], labels: Labels) -> str:
    outside = verdict.outside
    assert outside is not None
    if not outside.grows:
        return (
            f"Unexplained: RSS stays {units.size(outside.held)} above what Python objects explain, and no "
            "longer grows: fragmentation, memory of a peak that is free and was not returned to the system."
        )
    explained = outside.explained or 0.0
    part = units.share(min(1.0, explained)) if explained >= TELLING / 10 else "none"
    text = (
        f"Unexplained: RSS grows by {units.small_size(outside.rss_rate or 0.0)} per {verdict.noun}, and Python "
        f"objects explain {part} of it"
    )
    looks = len(verdict.main.looks)
    these = "these snapshots do" if looks > 1 else "one snapshot does"
    text += {
        NATIVE: ": native memory, held by an extension or a library.",
        FRAGMENTATION: ": fragmentation, memory that is free but cannot be returned.",
        None: f": native memory, or fragmentation; {these} not tell which.",
    }[outside.kind]
    if leaks:
        rate = units.rate(leaks[0].rate, verdict.noun)
        text += f" Beside it {rate} at {place(leaks[0].site, labels)}."
    return text


def _inconclusive(verdict: Verdict, labels: Labels, ended: bool) -> str:
    longest = max(verdict.histories, key=lambda history: len(history.looks))
    number, seen = len(longest.looks), looked_at(longest)
    last = verdict.main.last
    if last.engine == OFF:
        how = f"`leakhunt arm {last.pid or 'PID'} --engine sampled` switches it on"
        return (
            "Inconclusive: the engine is off, so that nothing tells what Python allocates: "
            f"{'start it with LEAKHUNT_ENGINE=sampled' if ended else how}."
        )
    if verdict.unit == TASK and verdict.main.spent > 0:
        seen += f" over {units.spent(verdict.main.spent, verdict.noun)}"
    text = f"Inconclusive: {seen} {'does' if number == 1 else 'do'} not tell a leak from a warm-up"
    scarce = next((finding for finding in verdict.findings if finding.wanted), None)
    if scarce is not None and scarce.wanted is not None:
        lacking = scarce.wanted
        text += f": {units.counted(lacking.samples, 'sample')} at {place(scarce.site, labels)} "
        text += "does not decide." if lacking.samples == 1 else "do not decide."
        return text + (
            _gone()
            if ended
            else f" About {units.size(lacking.size)} more will tell, "
            f"{units.forecast(lacking.units, verdict.noun)} at this rate."
        )
    if verdict.wanted is not None:
        text = (
            f"Inconclusive: RSS keeps growing, by {units.small_size(verdict.rss.per_unit or 0.0)} per "
            f"{verdict.noun}, and too few samples tell where."
        )
        return text + (
            _gone()
            if ended
            else f" Look again in {units.forecast(verdict.wanted.units, verdict.noun)}."
        )
    rising = next(
        (finding for finding in verdict.findings if finding.is_open and finding.rise > 0), None
    )
    if rising is not None:  # a rate would be a guess
        text += (
            f"; {place(rising.site, labels)} has grown by {units.size(rising.rise)}, and may go on"
        )
    if ended:
        return f"{text}.{_gone()}"
    more = verdict.more or 0
    return f"{text}. Take {units.count(more)} more, with {units.plural(2, verdict.main.last.unit)} in between."


def _gone() -> str:
    return " The process has ended: look at the one that took its place."


def _no_leak(verdict: Verdict, labels: Labels) -> str:
    looks = len(verdict.main.looks)
    over = f"{'over' if looks > 1 else 'by the births in'} {looked_at(verdict.main)}"
    if verdict.unit == TASK:
        over += f" and {units.spent(verdict.main.spent, verdict.noun)}"
    text = f"No leak: nothing grows for good {over}."
    largest = verdict.findings[0] if verdict.findings else None
    if largest is not None and largest.verdict != NOISE:
        text += f" The largest growth is a {largest.verdict} at {place(largest.site, labels)}."
    elif largest is not None and largest.reason.code == codes.NO_DIRECTION:
        text += f" {place(largest.site, labels)} varies most, in no direction."
    return text
