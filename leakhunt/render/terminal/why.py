"""What keeps the objects of a place, for the eye: a way to each, the named ones first."""

from __future__ import annotations

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import QUIET, STRONG, drawn, make_console, say
from leakhunt.report.why import WhyReport


def why(report: WhyReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, visible(report.shown.location), STRONG)
    say(console, visible(report.summary), QUIET)
    for way, amount in report.lines:
        say(console, "")
        say(console, visible(way))
        say(console, visible(f"  {amount}"), QUIET)
    return drawn(console)
