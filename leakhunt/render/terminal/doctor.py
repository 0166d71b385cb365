"""``leakhunt doctor`` for the eye: what is alike in one place, what is wrong and what to set; all else is for ``-v``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from leakhunt.advice.doctor.case import ADVICE, NOTE, SERIOUS, Finding
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.styles import GROWN, QUIET, SHRUNK, STRONG
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
        if screen.verbose and group[0].why:
            _indent(console, group[0].why)
        for text in _remedies(group):
            _indent(console, text, SHRUNK)
        if screen.verbose:
            first = group[0]
            source = f"{first.source}  [{first.rule}]" if first.source else f"[{first.rule}]"
            # An address in one piece, for whoever copies it.
            console.print(Text(f"  {visible(source)}", QUIET), soft_wrap=True)
            console.print()
    if not report.findings:
        say(console, words.NOTHING, SHRUNK)
    elif not screen.verbose:
        console.print()
        say(console, words.MORE, QUIET)
    say_notes(console, report.notes)
    return drawn(console)


def _said(group: Sequence[Finding]) -> list[tuple[str, list[str]]]:
    """What is said, each with the places that it is said of."""
    places: dict[str, list[str]] = {}
    for finding in group:
        places.setdefault(finding.what, []).append(finding.where)
    return list(places.items())


def _remedies(group: Sequence[Finding]) -> Iterator[str]:
    """What to set or to do, once for all of them."""
    first = group[0]
    if first.setting is not None:
        values: dict[str, list[str]] = {}
        for finding in group:
            values.setdefault(words.setting(first.setting, finding.value), []).append(finding.where)
        for setting, places in values.items():
            whose = f"  ({words.places(places)})" if len(values) > 1 else ""
            yield f"-> {setting}{whose}"
    elif first.todo:
        yield f"-> {first.todo}"


def _indent(console: Console, text: str, tone: str = "") -> None:
    console.print(Padding(Text(visible(text), tone), (0, 0, 0, 2)))
