"""``leakhunt doctor`` for the eye: one paragraph a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.padding import Padding
from rich.text import Text

from leakhunt.advice.doctor.case import ADVICE, NOTE, SERIOUS, Finding
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import (
    GROWN,
    QUIET,
    SHRUNK,
    STRONG,
    drawn,
    make_console,
    say,
    say_notes,
)
from leakhunt.report.doctor import DoctorReport

_TONES = {SERIOUS: GROWN, ADVICE: "yellow", NOTE: QUIET}

#: Places that are named before they are counted.
SHOWN = 4


def doctor(report: DoctorReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, f"looked at {visible(report.looked_at)}", QUIET)
    console.print()
    for finding in report.findings:
        head = Text.assemble(
            (finding.severity, _TONES[finding.severity]), f"  {visible(finding.where)}: "
        )
        head.append(visible(finding.what), STRONG)
        console.print(head)
        for text, tone in _below(finding):
            console.print(Padding(Text(visible(text), tone), (0, 0, 0, 2)))
        console.print()
    if not report.findings:
        say(console, "nothing to complain of", SHRUNK)
    say_notes(console, report.notes)
    return drawn(console)


def _alike(findings: Sequence[Finding]) -> list[tuple[Finding, list[str]]]:
    """The same of several processes or nodes is said once."""
    found: dict[Finding, list[str]] = {}
    for finding in findings:
        found.setdefault(replace(finding, where=""), []).append(finding.where)
    return list(found.items())


def _listed(places: Sequence[str]) -> str:
    known = list(dict.fromkeys(places))
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more


def _below(finding: Finding) -> list[tuple[str, str]]:
    found = [(finding.why, "")] if finding.why else []
    if finding.setting is not None:
        value = "" if finding.value is None else f" = {finding.value!r}"
        found.append((f"-> {finding.setting}{value}", SHRUNK))
    elif finding.todo:
        found.append((f"-> {finding.todo}", SHRUNK))
    if finding.source:
        found.append((f"{finding.source}  [{finding.rule}]", QUIET))
    else:
        found.append((f"[{finding.rule}]", QUIET))
    return found
