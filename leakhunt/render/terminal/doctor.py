"""``leakhunt doctor`` for the eye: one paragraph for what is alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from leakhunt.report.doctor import DoctorReport, alike
from leakhunt.report.words import doctor as words

_TONES = {SERIOUS: GROWN, ADVICE: "yellow", NOTE: QUIET}


def doctor(report: DoctorReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, f"looked at {visible(report.looked_at)}", QUIET)
    console.print()
    for group in alike(report.findings):
        for what, places in _said(group):
            head = Text.assemble(
                (group[0].severity, _TONES[group[0].severity]),
                f"  {visible(words.places(places))}: ",
            )
            head.append(visible(what), STRONG)
            console.print(head)
        for text, tone in _below(group):
            console.print(Padding(Text(visible(text), tone), (0, 0, 0, 2)))
        console.print()
    if not report.findings:
        say(console, words.NOTHING, SHRUNK)
    say_notes(console, report.notes)
    return drawn(console)


def _said(group: Sequence[Finding]) -> list[tuple[str, list[str]]]:
    """What is said, each with the places that it is said of."""
    places: dict[str, list[str]] = {}
    for finding in group:
        places.setdefault(finding.what, []).append(finding.where)
    return list(places.items())


def _below(group: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Why, what to set or to do, and the source: once for all of them."""
    first = group[0]
    if first.why:
        yield first.why, ""
    if first.setting is not None:
        values: dict[str, list[str]] = {}
        for finding in group:
            values.setdefault(words.setting(first.setting, finding.value), []).append(finding.where)
        for setting, places in values.items():
            whose = f"  ({words.places(places)})" if len(values) > 1 else ""
            yield f"-> {setting}{whose}", SHRUNK
    elif first.todo:
        yield f"-> {first.todo}", SHRUNK
    yield f"{first.source}  [{first.rule}]" if first.source else f"[{first.rule}]", QUIET
