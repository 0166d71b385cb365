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
    tone = TONES[result.word] if result.changes else SHRUNK
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
        say(console, f"        before  {words.figures(change.before, result.noun)}")
        say(console, f"        after   {words.figures(change.after, result.noun)}")
    console.print()
    say(console, words.side("before", result.before, result.noun), QUIET)
    say(console, words.side("after", result.after, result.noun), QUIET)
    say_notes(console, report.notes)
    return drawn(console)
