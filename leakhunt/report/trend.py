"""What a renderer of ``leakhunt trend`` gets: a verdict in words, its findings with advice.

Pure, as everything between the files and the renderers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakhunt import units
from leakhunt.advice.match import Advice, Evidence, advise, scoped
from leakhunt.judge import enough as wanted
from leakhunt.judge.history import SECOND, TASK, History
from leakhunt.judge.rss import FRAGMENTATION, NATIVE
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED, Finding, Verdict, judge
from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame
from leakhunt.report.tables import Labels
from leakhunt.snapshots.filters import matcher
from leakhunt.snapshots.objects import RECYCLED

#: Stacks of a finding that the rule base is asked about.
TELLING = 40


@dataclass(frozen=True)
class Judged:
    """A finding with what may be said of it."""

    finding: Finding
    advice: Advice | None


@dataclass(frozen=True)
class TrendReport:
    """Everything that ``leakhunt trend`` shows."""

    verdict: Verdict
    summary: str
    findings: tuple[Judged, ...]
    hidden: int
    """Findings that a filter left out."""
    advice: Advice | None
    """What growth outside Python looks like."""
    labels: Labels
    why: str | None
    notes: tuple[str, ...]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        return tuple(each.finding for each in self.findings if each.finding.verdict == LEAK)


def trend(
    histories: Sequence[History],
    filters: Sequence[str] = (),
    excludes: Sequence[str] = (),
    why: str | None = None,
    notes: tuple[str, ...] = (),
) -> TrendReport:
    """Judge the histories; keep the findings that pass through ``filters`` and not ``excludes``."""
    found = judge(histories)
    labels = Labels(*histories)
    kept = [finding for finding in found.findings if _passes(finding, filters, excludes)]
    said = [note for history in histories for note in history.notes]
    return TrendReport(
        verdict=found,
        summary=_summary(found, labels),
        findings=tuple(Judged(finding, _advice(finding)) for finding in kept),
        hidden=len(found.findings) - len(kept),
        advice=_advice_outside(found),
        labels=labels,
        why=why,
        notes=(*dict.fromkeys(said), *_notes(found), *notes),
    )


def _passes(finding: Finding, filters: Sequence[str], excludes: Sequence[str]) -> bool:
    known = prefixes(finding.history.last.facts)
    if excludes and matcher(excludes, known)(finding.site.file):
        return False
    if not filters:
        return True
    wanted = matcher(filters, known)
    return any(wanted(frame.file) for stack in finding.stacks for frame in stack)


# -- advice ---------------------------------------------------------------------------


def _advice(finding: Finding) -> Advice | None:
    if finding.verdict != LEAK:
        return None
    history = finding.history
    growing = [
        (stack, weight) for stack, weight in zip(finding.stacks, finding.weights) if weight > 0
    ]
    return advise(
        _evidence(
            history,
            stacks=[stack for stack, _ in growing[:TELLING]],
            weights=[weight for _, weight in growing[:TELLING]],
            site=finding.site,
            blocks_per_unit=finding.blocks_rate,
            bytes_per_unit=finding.rate,
            task=finding.task,
        )
    )


def _advice_outside(found: Verdict) -> Advice | None:
    if found.verdict != UNEXPLAINED or found.outside is None:
        return None
    return advise(_evidence(found.main, bytes_per_unit=found.outside.rest or 0.0))


def _evidence(history: History, **what: object) -> Evidence:
    versions = history.last.facts.get("versions")
    heads, shared = scoped(history.last.facts, history.spots)
    return Evidence(
        spots=history.spots,
        heads=heads,
        shared=shared,
        prefixes=prefixes(history.last.facts),
        role=history.last.role,
        pool=history.last.pool,
        versions=versions if isinstance(versions, dict) else {},
        facts_first=history.first.facts,
        facts_last=history.last.facts,
        **what,  # type: ignore[arg-type]  # named in the two callers above
    )


# -- the verdict in words ----------------------------------------------------------------


def _summary(found: Verdict, labels: Labels) -> str:
    leaks = [finding for finding in found.findings if finding.verdict == LEAK]
    if found.verdict == LEAK:
        return _leak(found, leaks, labels)
    if found.verdict == UNEXPLAINED:
        return _unexplained(found, leaks, labels)
    if found.verdict == INCONCLUSIVE:
        return _inconclusive(found, labels)
    return _no_leak(found, labels)


def place(frame: Frame, labels: Labels) -> str:
    """``shop/tasks.py:40 (process_order)``."""
    label = labels.label(frame)
    return label.where + (f" ({label.function})" if label.function else "")


def per_unit(amount: float, unit: str) -> str:
    """``+1.9 KiB per task``."""
    return f"{units.signed_size(amount)} per {unit}"


def _leak(found: Verdict, leaks: list[Finding], labels: Labels) -> str:
    first = leaks[0]
    text = f"Leak: {per_unit(first.rate, found.unit)} at {place(first.site, labels)}"
    if first.task_said:
        text += f", {first.task_said}"
    if first.share is not None and first.share >= 0.005:
        of = (
            "RSS growth"
            if found.outside and found.outside.grows_at_all
            else "growth of traced memory"
        )
        text += f", {units.share(min(1.0, first.share))} of the {of}"
    text += f", {first.reason}"
    text += f", {where(first)}." if where(first) else "."
    if len(leaks) > 1:
        others = len(leaks) - 1
        text += f" {units.count(others)} more leak{'' if others == 1 else 's'} below."
    return text + _forecast(found, first)


def where(finding: Finding) -> str:
    """``in 3 of 4 children``, ``in the main process``; empty for the only process."""
    if finding.role == "main":
        return "in the main process"
    if finding.of < 2:
        return ""
    what = "children" if finding.role == "child" else "processes"
    if finding.together:
        return f"in {len(finding.parts)} of {finding.of} {what}"
    leaking = sum(part.verdict == finding.verdict for part in finding.parts)
    if finding.samples is not None:  # the others may have too few samples
        return f"seen in {leaking} of {finding.of} {what}"
    text = f"in {leaking} of {finding.of} {what}"
    if leaking == 1:
        pid = next(part.pid for part in finding.parts if part.verdict == finding.verdict)
        text += f" (only {pid})" if pid is not None else ""
    return text


def _forecast(found: Verdict, leak: Finding) -> str:
    """When the process reaches its limit, where the snapshots know of one."""
    history = leak.history
    limits = history.last.facts.get("limits")
    if not isinstance(limits, dict) or history.last.rss is None:
        return ""
    known = [
        (limit, name) for name, limit in limits.items() if isinstance(limit, int) and limit > 0
    ]
    if not known:
        return ""
    limit, name = min(known)
    rate = leak.rate
    if found.outside and found.outside.grows_at_all and found.outside.rss_rate and leak.history is found.main:  # fmt: skip
        rate = max(rate, found.outside.rss_rate)
    left = limit - history.last.rss
    who = "child" if history.last.role == "child" else "process"
    said = f"{units.size(limit)} " + ("limit" if name == "max_memory_per_child" else "memory limit")
    if left <= 0:
        return f" The {who} is at its {said}."
    number = left / rate
    elapsed = _seconds(history)
    hours = ""
    if elapsed and history.unit != SECOND:
        hours = f" (about {_about(number * elapsed / history.times[-1])})"
    amount = _about(number) if history.unit == SECOND else f"{_round(number)} {history.unit}s"
    return f" At this rate the {who} reaches its {said} in {amount}{hours}."


def _seconds(history: History) -> float | None:
    start, end = history.first.taken_at, history.last.taken_at
    return end - start if start is not None and end is not None and end > start else None


def _about(seconds: float) -> str:
    """A duration with its first part only."""
    return " ".join(units.duration(seconds).split()[:2])


def _round(number: float) -> str:
    """To two digits: it is a forecast."""
    digits = max(0, len(str(int(number))) - 2)
    return units.count(int(round(number, -digits)))


def _unexplained(found: Verdict, leaks: list[Finding], labels: Labels) -> str:
    outside = found.outside
    assert outside is not None
    if not outside.grows:
        return (
            f"Unexplained: RSS stays {units.size(outside.held)} above what Python objects explain, and no "
            "longer grows: fragmentation, memory of a peak that is free and was not returned to the system."
        )
    text = f"Unexplained: RSS grows by {units.size(outside.rss_rate or 0.0)} per {found.unit}, and "
    explained = outside.explained or 0.0
    text += (
        f"Python objects explain {units.share(min(1.0, explained))} of it"
        if explained >= 0.0005
        else "Python objects explain none of it"
    )
    text += {
        NATIVE: ": native memory, held by an extension or a library.",
        FRAGMENTATION: ": fragmentation, memory that is free but cannot be returned.",
        None: ": native memory, or fragmentation; these snapshots do not tell which.",
    }[outside.kind]
    if leaks:
        text += (
            f" Beside it {per_unit(leaks[0].rate, found.unit)} at {place(leaks[0].site, labels)}."
        )
    return text


def _inconclusive(found: Verdict, labels: Labels) -> str:
    number = max(len(history.metas) for history in found.histories)
    seen = f"{number} snapshot{'' if number == 1 else 's'}"
    if found.unit == TASK:
        seen += f" over {units.count(round(found.main.times[-1]))} tasks"
    text = f"Inconclusive: {seen} do not tell a leak from a warm-up"
    scarce = next((finding for finding in found.findings if finding.wanted), None)
    if scarce is not None and scarce.wanted is not None:
        amount = wanted.duration(scarce.wanted.units, found.unit)
        return (
            f"{text}: {scarce.wanted.samples} samples at {place(scarce.site, labels)} are too few. About "
            f"{units.size(scarce.wanted.size)} more will tell, {amount} at this rate."
        )
    if found.wanted is not None:
        return (
            f"Inconclusive: RSS keeps growing, by {units.size(found.rss.per_unit or 0.0)} per {found.unit}, and "
            f"too few samples tell where. {wanted.duration(found.wanted.units, found.unit)} more will."
        )
    rising = next((finding for finding in found.findings if finding.is_open), None)
    if rising is not None:
        text += (
            f"; {place(rising.site, labels)} rises by {units.size(rising.rate)} per {found.unit}"
        )
    more = found.more or 0
    return f"{text}. Take {more} more, with tasks in between."


def _no_leak(found: Verdict, labels: Labels) -> str:
    number = len(found.main.metas)
    over = f"{number} snapshots"
    if found.unit == TASK:
        over += f" and {units.count(round(found.main.times[-1]))} tasks"
    text = f"No leak: nothing grows for good over {over}."
    largest = found.findings[0] if found.findings else None
    if largest is not None:
        text += (
            f" The largest growth is a {largest.verdict} at {place(largest.site, labels)}: {largest.reason}."
            if largest.verdict != "noise"
            else f" {place(largest.site, labels)} varies most, in no direction."
        )
    return text


def _notes(found: Verdict) -> list[str]:
    notes = []
    if any(each.kinds is not None and each.kinds.is_recycled for each in found.findings):
        notes.append(RECYCLED)
    outside = found.outside
    if found.verdict != UNEXPLAINED and outside is not None and not outside.grows:
        held = outside.held
        if held >= 16 << 20 and held >= 0.2 * (found.rss.first or 0):
            notes.append(
                f"RSS stays {units.size(held)} above what Python objects explain, and does not keep "
                "growing: memory of a peak that the allocator has not returned"
            )
    main = found.main
    least = wanted.blind_below(main)
    if least is not None and found.verdict == NO_LEAK:
        notes.append(
            f"sizes are sampled: a leak of less than about {units.size(least)} per {found.unit} may not "
            "show yet"
        )
    if (
        main.last.engine == "exact"
        and main.first.armed_at
        and main.first.facts.get("start") == "signal"
    ):
        notes.append(
            f"tracing began at {units.moment(main.first.armed_at)}: what was allocated before is not seen"
        )
    if main.nframe < 3 and found.findings:
        notes.append(
            f"taken with nframe {main.nframe}: stacks are cut, and memory that libraries allocate may be "
            "named by the library's line"
        )
    return notes
