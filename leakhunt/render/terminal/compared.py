"""``leakhunt compare`` for the eye: the sentence, a block for each place, both series."""

from __future__ import annotations

from rich.text import Text

from leakhunt.gate.compared import BETTER, FIXED, NEW, OPEN, SAME, WORSE
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, SHRUNK, STRONG, unbroken
from leakhunt.report.compared import CompareReport
from leakhunt.report.words import compared as words

TONES = {FIXED: SHRUNK, BETTER: SHRUNK, SAME: NOTE, OPEN: NOTE, WORSE: GROWN, NEW: GROWN}


def compare(report: CompareReport, screen: Screen) -> str:
    console = make_console(screen)
    result = report.result
    head, _, rest = visible(report.summary).partition(":")
    tone = TONES[result.word] if result.changes or result.word == OPEN else SHRUNK
    console.print(Text.assemble((f"{head}:", tone), (unbroken(rest), STRONG)))
    for change in result.changes:
        console.print()
        site = change.site_after or change.site_before
        line = f":{site.line}" if site is not None else ""
        moved = (
            f", line {change.site_before.line} before"
            if change.site_before is not None
            and change.site_after is not None
            and change.site_before.line != change.site_after.line
            else ""
        )
        console.print(
            Text.assemble(
                (f"{change.word:<8}", TONES[change.word]),
                (f"{visible(change.where.file)}{line}", STRONG),
                (moved, QUIET),
            )
        )
        if change.where.code and not change.where.code.startswith(":"):
            say(console, f"        {visible(change.where.code)}", QUIET)
        for name, told in zip(words.SIDES, words.place(change, result)):
            say(console, f"        {name:<8}{told}")
        missing = words.missing(change, result)
        if missing:
            say(console, f"        {missing}")
    console.print()
    for name, side in zip(words.SIDES, result.sides):
        say(console, words.side(name, side, result.noun), QUIET)
    say_notes(console, report.notes)
    return drawn(console)
