"""For GitHub Actions: workflow commands that annotate the guilty line.

``::error file=…,line=…,title=…::message`` on standard output, as the documentation of workflow commands
has it (docs.github.com, "Workflow commands for GitHub Actions"): ``%``, CR and LF are escaped in a message,
``:`` and ``,`` too in a property.
"""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame
from leakhunt.render.quoting import code, escape, span
from leakhunt.report.check import CheckReport
from leakhunt.report.trend import Judged
from leakhunt.report.words import checks, kept

#: The command by verdict.
COMMANDS = {LEAK: "error", NO_LEAK: "notice"}


def check(report: CheckReport) -> str:
    """A command per place that leaks for sure, and one for what leaks and has no place; one in all where nothing leaks."""
    command = COMMANDS.get(report.outcome.verdict, "warning")
    title = "leakhunt"
    told = [(judged.finding.site, "\n".join(_said(report, judged))) for judged in report.sure]
    whole = report.whole
    lines = [_line(command, _at(report, site, title), text) for site, text in told]
    if whole is not None:
        lines.append(_line(command, _at(report, whole.site, title), whole.text))
    if not lines:
        said = [report.summary, *([report.next_step] if report.next_step else [])]
        lines = [_line(command, {"title": title}, "\n".join(said))]
    return "".join(f"{line}\n" for line in lines)


def _at(report: CheckReport, site: Frame | None, title: str) -> dict[str, str]:
    where = (
        {} if site is None else {"file": _file(report, site.file), "line": str(max(1, site.line))}
    )
    return {**where, "title": f"{title}: memory leak"}


def summary(report: CheckReport) -> str:
    """Markdown for the job's summary (``GITHUB_STEP_SUMMARY``)."""
    outcome = report.outcome
    sign = {LEAK: "❌", NO_LEAK: "✅"}.get(outcome.verdict, "⚠️")
    lines = [
        " ".join(("###", sign, "leakhunt check", span(outcome.target))),
        "",
        escape(report.summary),
    ]
    if report.next_step:
        lines += ["", report.next_step]
    if report.findings:
        lines += ["", "| kept a run | 95 % | where |", "|---|---|---|"]
        for judged in report.findings:
            finding = judged.finding
            label = report.labels.label(finding.site)
            low_high = f"{units.small_size(finding.low)} to {units.small_size(finding.high)}"
            line = f"<br>{code(label.code)}" if label.code else ""
            lines.append(f"| {checks.keeps(finding)} | {low_high} | {code(label.where)}{line} |")
    lines += ["", escape(checks.rests_on(outcome)), *(f"- {escape(note)}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _said(report: CheckReport, judged: Judged) -> Sequence[str]:
    finding, advice = judged.finding, judged.advice
    label = report.labels.label(finding.site)
    lines = [f"{visible(report.outcome.target)} keeps {checks.figures(finding)}"]
    lines += [visible(label.code)] if label.code else []
    lines += [visible(kept.by(finding.holder))] if finding.holder is not None else []
    lines += [f"fix: {visible(advice.fix)}"] if advice is not None else []
    return [*lines, checks.rests_on(report.outcome)]


def _file(report: CheckReport, file: str) -> str:
    """What GitHub finds in the repository; of a file elsewhere its whole path, which is none of the repository's.

    A name that no console can show, or that would write to one, is found by nobody: its escapes are told.
    """
    return visible(report.below(file) or file)


def _line(command: str, properties: dict[str, str], message: str) -> str:
    told = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    return f"::{command} {told}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
