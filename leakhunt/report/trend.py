"""What a renderer of ``leakhunt trend`` gets: a verdict with its sentence, its findings with advice.

Pure, as everything between the files and the renderers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakhunt.advice.evidence import Evidence, scoped
from leakhunt.advice.match import Advice, advise
from leakhunt.judge.account import live_in
from leakhunt.judge.history import History
from leakhunt.judge.resources import Change, Rising, fastest, undecided
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import UNEXPLAINED, Finding, Verdict, judge
from leakhunt.model.paths import prefixes
from leakhunt.report.account import Told, of_two
from leakhunt.report.labels import Labels
from leakhunt.report.words import notes as words
from leakhunt.report.words.verdicts import summary
from leakhunt.snapshots import process
from leakhunt.snapshots.filters import matcher

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
    ended: bool = False
    """Whether every process has ended."""
    limit: int = 0
    """Findings that are shown; 0: all."""
    command: str = "trend"
    """``trend`` or ``verdict``: what the document is called."""
    account: Told | None = None
    """Where the growth of the main process's resident memory went, where its snapshots tell."""
    rising: tuple[Rising, ...] = ()
    """What the processes open ever more of, the fastest first."""
    unsure: tuple[Change, ...] = ()
    """What they have opened more and more of, where that may be an accident, the most first."""

    @property
    def ranked(self) -> list[tuple[int, Judged]]:
        """The findings that are shown, numbered from 1."""
        return list(enumerate(self.findings[: self.limit or None], 1))

    @property
    def leaks(self) -> tuple[Finding, ...]:
        return tuple(each.finding for each in self.findings if each.finding.verdict == LEAK)


def trend(
    histories: Sequence[History],
    filters: Sequence[str] = (),
    excludes: Sequence[str] = (),
    why: str | None = None,
    notes: tuple[str, ...] = (),
    ended: bool = False,
    limit: int = 0,
    command: str = "trend",
) -> TrendReport:
    """Judge the histories; keep the findings that pass through ``filters`` and not ``excludes``.

    ``ended``: every process is known to be gone, so no more snapshots can be taken.
    """
    verdict = judge(histories)
    labels = Labels(*histories)
    kept = [finding for finding in verdict.findings if _passes(finding, filters, excludes)]
    leaks = [finding for finding in kept if finding.verdict == LEAK]
    left_out = [each for history in histories for each in history.notes]
    rising = fastest(histories)
    unsure = undecided(histories, rising)
    return TrendReport(
        verdict=verdict,
        summary=summary(verdict, leaks, labels, ended, rising, unsure),
        findings=tuple(Judged(finding, advised(finding)) for finding in kept),
        hidden=len(verdict.findings) - len(kept),
        advice=_advice_outside(verdict),
        labels=labels,
        why=why,
        notes=(*words.left_out(left_out), *words.of_verdict(verdict), *notes),
        ended=ended,
        limit=limit,
        command=command,
        account=accounted(histories, verdict),
        rising=rising,
        unsure=unsure,
    )


def accounted(histories: Sequence[History], verdict: Verdict) -> Told | None:
    """The account of the process that the figures are of, from its first to its newest snapshot; None where
    they are of the life that the newest one tells of, and begin long before the first.
    """
    if verdict.main.lived:
        return None
    history = next(
        (each for each in histories if each.last.same_process(verdict.main.last)), verdict.main
    )
    first, last = history.first, history.last
    if len(history.looks) < 2 or any(process.maps(each) is None for each in (first, last)):
        return None
    return of_two(
        first,
        live_in(history.first_blocks.values(), history.sizes[0]),
        last,
        live_in(history.last_blocks.values(), history.sizes[-1]),
    )


def _passes(finding: Finding, filters: Sequence[str], excludes: Sequence[str]) -> bool:
    roots = prefixes(finding.history.last.facts)
    if excludes and matcher(excludes, roots)(finding.site.file):
        return False
    if not filters:
        return True
    wanted = matcher(filters, roots)
    return any(wanted(frame.file) for stack in finding.stacks for frame in stack)


# -- advice ---------------------------------------------------------------------------


def advised(finding: Finding) -> Advice | None:
    """What the rule base says of a leak; None of anything else, or where no rule fits."""
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
            holder=finding.kinds.holders[0].kind
            if finding.kinds and finding.kinds.holders
            else None,
            kept=finding.holder,
        )
    )


def _advice_outside(verdict: Verdict) -> Advice | None:
    if verdict.verdict != UNEXPLAINED or verdict.outside is None:
        return None
    return advise(_evidence(verdict.main, bytes_per_unit=verdict.outside.rest or 0.0))


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
