"""Where one stands, for the eye."""

from __future__ import annotations

from rich.text import Text

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import QUIET, STRONG, drawn, make_console
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
    for name, said in lines:
        console.print(Text.assemble((f"{name:11}", QUIET), said))
    console.print()
    verdict = report.trend.verdict if report.trend else None
    steps = list(words.steps(report.hooked, report.series, verdict))
    wide = max(len(step) for step, _ in steps)
    for step, why in steps:
        console.print(Text.assemble(("next  ", QUIET), (f"{step:{wide}}", STRONG), f"  {why}"))
    return drawn(console)
