"""Types of objects that grow, for the eye: a line each."""

from __future__ import annotations

from rich.text import Text

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes, say_why
from leakhunt.render.terminal.sparks import spark
from leakhunt.render.terminal.styles import GROWN, QUIET, STRONG
from leakhunt.report.types import TypesReport

#: Points of a series that are drawn.
POINTS = 12


def types(report: TypesReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, visible(report.summary), STRONG)
    say_why(console, report.why)
    if report.ranked:
        console.print()
        noun = report.history.noun
        heads = ("#", "verdict", f"per {noun}", "grown", "alive", "objects", "series", "type")
        rows = [
            (
                str(rank), each.verdict,
                units.rate(each.rate, noun).removesuffix(f" per {noun}") if each.verdict == LEAK else "",
                units.signed_size(each.grown), units.size(each.sizes[-1]), units.count(each.count),
                spark(each.sizes[-POINTS:], screen.lines), visible(each.name),
            )
            for rank, each in report.ranked
        ]  # fmt: skip
        wide = [max(map(len, column)) for column in zip(heads, *rows)]
        for row in (heads, *rows):
            cells = [
                cell.ljust(width) if at in (1, 6, 7) else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, wide))
            ]
            style = STRONG if row is heads else GROWN if row[1] == LEAK else QUIET
            console.print(Text("  ".join(cells).rstrip(), style), soft_wrap=True)
    left = len(report.growths) - len(report.ranked)
    if left:
        say(console, f"{units.counted(left, 'more type')} (-n 0 shows all)", QUIET)
    say_notes(console, report.notes)
    return drawn(console)
