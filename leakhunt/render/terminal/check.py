"""``leakhunt check`` for the eye: the sentence, each place with its source, holder and fix, what it rests on."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.account import say_next
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, SHRUNK, STRONG, unbroken
from leakhunt.report.check import CheckReport
from leakhunt.report.trend import Judged
from leakhunt.report.words import checks, growths, kept, supports
from leakhunt.report.words.places import place

TONES = {LEAK: GROWN, NO_LEAK: SHRUNK}
#: Places that are shown at first.
FIRST = 5


def check(report: CheckReport, screen: Screen) -> str:
    """The page, or with a verbose screen all the evidence."""
    console = make_console(screen)
    outcome = report.outcome
    head, _, rest = visible(report.summary).partition(":")
    console.print(
        Text.assemble((f"{head}:", TONES.get(outcome.verdict, NOTE)), (unbroken(rest), STRONG))
    )
    if report.next_step:
        say(console, report.next_step, NOTE)
    shown = report.findings if screen.verbose else report.findings[:FIRST]
    for rank, judged in enumerate(shown, 1):
        _place(console, report, rank, judged, screen.verbose)
    left = len(report.findings) - len(shown)
    if left:
        say(console, supports.more(left, False), QUIET)
    if screen.verbose and report.others:
        console.print()
        say(console, checks.GREW_TOO, QUIET)
        for finding in report.others:
            why = growths.because(finding.reason, "run")
            grown = units.signed_size(finding.rise)
            say(
                console, visible(f"  {grown} at {place(finding.site, report.labels)}: {why}"), QUIET
            )
    if report.account is not None:
        console.print()
        say(console, visible(report.account.sentence), STRONG)
        say_next(console, report.account)
    console.print()
    say(console, checks.rests_on(outcome), QUIET)
    say_notes(console, report.notes)
    return drawn(console)


def _place(console: Console, report: CheckReport, rank: int, judged: Judged, verbose: bool) -> None:
    finding, labels = judged.finding, report.labels
    label = labels.label(finding.site)
    console.print()
    console.print(Text(f"{rank}  {visible(place(finding.site, labels))}", STRONG))
    _indent(console, Text(unbroken(checks.figures(finding))))
    if label.code and not verbose:
        _indent(console, Text(f"  {visible(label.code)}"))
    if verbose:
        for frame in finding.stack:
            each = labels.label(frame)
            text = Text(f"  {visible(each.where)}", STRONG if frame == finding.site else "")
            text.append(f" in {visible(each.function)}" if each.function else "", QUIET)
            _indent(console, text)
            if each.code:
                _indent(console, Text(f"    {visible(each.code)}", QUIET))
    if finding.holder is not None:
        _indent(console, Text(visible(kept.by(finding.holder))))
    advice = judged.advice
    if advice is None:
        return
    _indent(console, Text(visible(advice.because[:1].upper() + advice.because[1:])))
    told = (("why  ", advice.why), ("fix  ", advice.fix), ("see  ", advice.source))
    for title, text_ in told if verbose else told[1:2]:
        _indent(console, Text.assemble((title, QUIET), visible(text_)))


def _indent(console: Console, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, 3), expand=False))
