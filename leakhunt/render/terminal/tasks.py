"""``leakhunt tasks`` for the eye: a line per task, what it keeps first."""

from __future__ import annotations

from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import QUIET, STRONG, drawn, make_console, say, say_notes
from leakhunt.report.tasks import Task, TasksReport
from leakhunt.report.words import ledger

#: Columns of the bar that shows CPU as a part of the time.
BAR = 10
TITLES = ("kept", "per run", "runs", "failed", "per run takes", "CPU", "", "RSS steps")
#: The order in which columns find room.
ORDER = (0, 1, 2, 4, 5, 3, 7, 6)


def tasks(report: TasksReport, screen: Screen) -> str:
    console = make_console(screen)
    kept = any(task.kept is not None for task in report.tasks)
    say(console, ledger.over(len(report.snapshots), kept), QUIET)
    if not report.tasks:
        say(console, ledger.NONE)
        say_notes(console, report.notes)
        return drawn(console)
    rows = [_cells(task, screen) for task in report.tasks]
    wide = [max(len(title), *(len(row[n]) for row in rows)) for n, title in enumerate(TITLES)]
    room, shown = screen.width - min(28, max(len(visible(t.name)) for t in report.tasks)), []
    for n in ORDER:
        if any(row[n] for row in rows) and wide[n] + 2 <= room:
            shown.append(n)
            room -= wide[n] + 2
    shown.sort()
    first = screen.width - sum(wide[n] + 2 for n in shown)
    console.print(Text(_laid(TITLES, shown, wide) + "task", STRONG), soft_wrap=True)
    for task, row in zip(report.tasks, rows):
        name = visible(task.name)
        cut = name if len(name) <= first else "…"[: first > 0] + name[len(name) - first + 1 :]
        console.print(Text(_laid(row, shown, wide) + cut), soft_wrap=True)
    say_notes(console, report.notes)
    return drawn(console)


def _laid(cells: tuple[str, ...], shown: list[int], wide: list[int]) -> str:
    return "".join(cells[n].rjust(wide[n]) + "  " for n in shown)


def _cells(task: Task, screen: Screen) -> tuple[str, ...]:
    per_run, busy = task.kept_per_run, task.busy
    full = 0 if busy is None else round(busy * BAR)
    dark, light = ("█", "░") if screen.lines else ("#", ".")
    return (
        "" if task.kept is None else units.signed_size(task.kept),
        "" if per_run is None else units.signed_size(per_run),
        units.count(task.runs),
        "" if task.failed is None else units.count(task.failed),
        "" if task.wall is None or not task.runs else _moment(task.wall / task.runs),
        "" if busy is None else units.share(busy),
        "" if busy is None else dark * full + light * (BAR - full),
        "" if task.rss_steps is None else units.count(task.rss_steps),
    )


def _moment(seconds: float) -> str:
    """Tasks often take milliseconds."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.95 else units.duration(seconds)
