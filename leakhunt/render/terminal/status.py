"""Where one stands, for the eye."""

from __future__ import annotations

from rich.text import Text

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console
from leakhunt.render.terminal.grid import Column, Line, grid
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.status import StatusReport
from leakhunt.report.words import status as words


def status(report: StatusReport, screen: Screen) -> str:
    console = make_console(screen)
    lines = [
        ("folder", visible(report.folder)),
        ("hooked", words.hooked(report.hooked)),
        ("snapshots", words.snapshots(report.series)),
    ]
    if report.trend is not None:
        lines.append(("verdict", visible(report.trend.summary)))
    rows = [Line((Text(name, QUIET),), said) for name, said in lines]
    grid(console, (Column("", right=False),), "", rows, narrow=0)
    console.print()
    verdict = report.trend.verdict if report.trend else None
    steps = words.steps(report.hooked, report.series, verdict)
    following = [Line((Text("next", QUIET), Text(step, STRONG)), why) for step, why in steps]
    grid(console, (Column("", right=False), Column("", right=False)), "", following, narrow=0)
    return drawn(console)
