"""What a renderer of ``leakhunt check`` gets."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.gate.baseline import Growths, place
from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import UNSURE
from leakhunt.gate.outcome import Outcome
from leakhunt.judge.finding import Finding
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.snapshot import Frame
from leakhunt.report.account import Told
from leakhunt.report.labels import Labels
from leakhunt.report.trend import Judged, accounted, advised
from leakhunt.report.words import checks

#: Exit status by verdict.
STATUS = {NO_LEAK: 0, LEAK: 3, UNSURE: 4}


@dataclass(frozen=True)
class Whole:
    """A leak that no single line has: of all Python objects together, or of what lies outside them."""

    text: str
    kept: Interval
    """Bytes a run, 95 %."""
    site: Frame | None
    """The line that most of it looks to be from, or where the target is defined; None: neither is known."""


@dataclass(frozen=True)
class CheckReport:
    """Everything that ``leakhunt check`` shows."""

    outcome: Outcome
    summary: str
    findings: tuple[Judged, ...]
    """The leaks that are sure, then what looks like one, then what the baseline knows."""
    others: tuple[Finding, ...]
    """What grew too and is no leak."""
    labels: Labels
    next_step: str | None
    """What would make it sure."""
    notes: tuple[str, ...]
    root: str | None = None
    """The folder of the repository: what other programs find files below."""
    account: Told | None = None
    """Where the resident memory went, of a leak outside Python; None: there is none, or the kernel does not say."""

    def below(self, file: str) -> str | None:
        """A file as seen from the repository's folder; None where it lies elsewhere."""
        if self.root is None or not file.startswith(self.root.rstrip("/") + "/"):
            return None
        return file[len(self.root.rstrip("/")) :].lstrip("/") or None

    @property
    def status(self) -> int:
        """The exit status."""
        return STATUS[self.outcome.verdict]

    @property
    def whole(self) -> Whole | None:
        """What leaks beside the findings that are sure; None: nothing."""
        outcome, ruling = self.outcome, self.outcome.ruling
        if ruling is None or outcome.verdict != LEAK:
            return None
        if ruling.native_leaks and ruling.native is not None:
            said = [checks.outside(outcome, ruling.native)]
            said += [self.account.sentence] if self.account is not None else []
            return Whole(" ".join(said), ruling.native, outcome.at)
        if ruling.sure:
            return None
        site = ruling.mostly.site if ruling.mostly is not None else outcome.at
        return Whole(self.summary, ruling.kept, site)

    @property
    def sure(self) -> tuple[Judged, ...]:
        number = len(self.outcome.ruling.sure) if self.outcome.ruling is not None else 0
        return self.findings[:number]


def check(
    outcome: Outcome,
    baseline: Growths | None = None,
    root: str | None = None,
    options: checks.Options = checks.Options(),  # noqa: B008 - immutable
) -> CheckReport:
    """The report of an outcome; ``baseline``: what was known of the target before, where one is kept;
    ``root``: the folder below which files are named to other programs; ``options``: by which more is asked for.
    """
    advice = checks.next_step(outcome, options)
    ruling = outcome.ruling
    if ruling is None:
        labels = Labels()
        return CheckReport(outcome, checks.summary(outcome, labels), (), (), labels, advice, ())
    labels = Labels(ruling.judged.main)
    shown = (*ruling.sure, *ruling.suspects, *ruling.baselined)
    sites = {finding.site for finding in shown}
    return CheckReport(
        outcome=outcome,
        summary=checks.summary(outcome, labels),
        findings=tuple(Judged(finding, advised(finding)) for finding in shown),
        others=tuple(each for each in ruling.judged.findings if each.site not in sites),
        labels=labels,
        next_step=advice,
        notes=_notes(outcome, baseline, labels),
        root=root,
        account=accounted([ruling.judged.main], ruling.judged) if ruling.native_leaks else None,
    )


def _notes(outcome: Outcome, baseline: Growths | None, labels: Labels) -> tuple[str, ...]:
    ruling = outcome.ruling
    assert ruling is not None
    notes = [checks.native(ruling)]
    if baseline and outcome.verdict != UNSURE:
        now = {
            place(each.site, each.history): each
            for each in (*ruling.sure, *ruling.baselined, *ruling.suspects)
        }
        for where, growth in baseline.items():
            finding = now.get(where)
            if finding is None or finding.high < growth.low:
                rate = None if finding is None else finding.rate
                notes.append(checks.improved(where.file, growth.line, growth.bytes_per_run, rate))
        for finding in ruling.sure:
            before = baseline.get(place(finding.site, finding.history))
            told = None if before is None else before.bytes_per_run
            notes.append(checks.regressed(finding, labels, told))
    return tuple(note for note in notes if note)
