"""``leakhunt ls`` for the eye: a line per process, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.grid import Column, Line, grid
from leakhunt.render.terminal.styles import GROWN, QUIET, STRONG
from leakhunt.report.listing import ListReport
from leakhunt.report.words import listed
from leakhunt.snapshots import facts
from leakhunt.snapshots.series import Series

#: Of more processes than that, the newest are shown: a pool that replaces its children leaves a folder for each.
MOST_LISTED = 500


def listing(report: ListReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, visible(report.folder), STRONG)
    if report.series:
        columns = [*map(Column, ("pid", "files", "tasks", "RSS", "traced"))]
        rows = []
        older = len(report.series) - MOST_LISTED
        for at, line in enumerate(report.series):
            if at < older and line is not report.fastest:
                continue
            first, last = line.first.meta, line.newest.meta
            ends = (first, last) if len(line.entries) > 1 else (last,)
            cells = (
                str(last.pid or ""),
                units.count(len(line.entries)),
                _lines(units.count, *(end.tasks_done for end in ends)),
                _lines(units.size, *(end.rss for end in ends)),
                _lines(units.size, *(facts.live(end) for end in ends)),
            )
            rows.append(Line(cells, _about(line, line is report.fastest, report.engine(line))))
        if len(rows) < len(report.series):
            say(console, listed.older(len(report.series) - len(rows)), QUIET)
        grid(console, columns, "process", rows)
        if any(len(line.entries) > 1 for line in report.series):
            say(console, listed.FIGURES, QUIET)
    else:
        say(console, listed.NONE)
    for waiting in report.waiting:
        say(console, visible(listed.waiting(waiting)), QUIET)
    say_notes(console, report.notes)
    return drawn(console)


def _about(line: Series, fastest: bool, engine: str | None) -> Text:
    text = Text(visible(listed.process(line)))
    grown = listed.grown(line, fastest)
    if grown:
        text.append(f"\n{grown}", GROWN if fastest else "")
    for said in (
        listed.when(line),
        listed.engine(line.newest.meta, engine),
        listed.since(line.newest.meta),
    ):
        text.append(f"\n{visible(said)}" if said else "", QUIET)
    text.append(f"\n{visible(line.folder.name)}", QUIET)
    return text


def _lines(text: Callable[[int], str], *values: int | None) -> str:
    return "\n".join("?" if value is None else text(value) for value in values)
