"""Where the resident memory is, for the eye: a line per part, and what they say."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.model.account import REST, Part
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, heading, make_console, say, say_notes, say_why
from leakhunt.render.terminal.grid import Column, Line, grid
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.account import AccountReport, Told
from leakhunt.report.words import account as words
from leakhunt.report.words import resources
from leakhunt.report.words.lines import between
from leakhunt.report.words.places import taken, who

#: What is open that is told, kinds.
OPENED = 5


def account(report: AccountReport, screen: Screen) -> str:
    console = make_console(screen)
    heading(console, "memory of", who(report.after))
    if report.before is None:
        say(console, taken(report.after), QUIET)
    else:
        say(console, f"before  {taken(report.before)}", QUIET)
        say(console, f"after   {taken(report.after)}", QUIET)
        spent = between(
            report.after.meta.since(report.before.meta), report.tasks, report.after.meta.unit
        )
        if spent:
            say(console, spent, QUIET)
    say_why(console, report.why)
    console.print()
    say(console, visible(report.told.sentence), STRONG)
    say_next(console, report.told)
    console.print()
    say_parts(console, report.told)
    say_opened(console, report.told, report.tasks)
    say_notes(console, report.notes)
    return drawn(console)


def say_next(console: Console, told: Told) -> None:
    """The next step, where there is one."""
    if told.next is not None:
        console.print(Text.assemble(("next  ", QUIET), visible(told.next)))


def say_parts(console: Console, told: Told) -> None:
    """A line per part that is not nothing, the largest first and the rest last; they add up to the last line."""
    whole = told.account
    amount = units.signed_size if told.grown else units.size
    chosen = [part for part in whole.parts if part.size and part.part != REST]
    chosen.sort(key=lambda part: -abs(part.size))
    chosen += [part for part in whole.parts if part.part == REST and part.size]
    rows = []
    for part in chosen:
        text = Text(visible(words.label(part.part)))
        text.append(f"  {words.source(part.source)}", QUIET)
        rows.append(Line((amount(part.size), f"{_share(part, whole.rss):>6}"), text))
    total = "growth of RSS" if told.grown else "RSS"
    rows.append(Line((Text(amount(whole.rss), STRONG), ""), Text(total, STRONG)))
    grid(console, (Column(""), Column("")), "", rows, narrow=0)


def _share(part: Part, rss: int) -> str:
    return units.share(part.size / rss) if rss > 0 and 0 <= part.size <= rss else ""


def say_opened(console: Console, told: Told, tasks: int | None) -> None:
    """What there is more or less of beside memory."""
    for one in told.opened[:OPENED]:
        each = one.grown / tasks if tasks and one.grown > 0 else None
        text = resources.risen(
            one.resource, one.first, one.last.number, each, None if each is None else "task"
        )
        states = resources.states(one.last)
        say(console, visible(f"open: {text}" + (f" ({states})" if states else "")))
