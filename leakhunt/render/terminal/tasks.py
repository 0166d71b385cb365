"""``leakhunt tasks`` for the eye: a line per task, what it keeps first."""

from __future__ import annotations

from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.styles import QUIET, STRONG
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
    if said := _sentence(report):
        say(console, said, STRONG)
    say(console, ledger.over(len(report.snapshots), kept), QUIET)
    if not report.tasks:
        say(console, ledger.MAIN if report.of_mains else ledger.NONE)
        say_notes(console, report.notes)
        return drawn(console)
    wanted = report.tasks[: report.limit or None]
    left = report.tasks[len(wanted) :]
    rows = [_cells(task, screen) for task in wanted]
    wide = [max(len(title), *(len(row[n]) for row in rows)) for n, title in enumerate(TITLES)]
    room, shown = screen.width - min(28, max(len(visible(t.name)) for t in wanted)), []
    for n in ORDER:
        if any(row[n] for row in rows) and wide[n] + 2 <= room:
            shown.append(n)
            room -= wide[n] + 2
    shown.sort()
    first = screen.width - sum(wide[n] + 2 for n in shown)
    console.print(Text(_laid(TITLES, shown, wide) + "task", STRONG), soft_wrap=True)
    for task, row in zip(wanted, rows):
        name = visible(task.name)
        cut = name if len(name) <= first else "…"[: first > 0] + name[len(name) - first + 1 :]
        console.print(Text(_laid(row, shown, wide) + cut), soft_wrap=True)
    if left:
        say(console, ledger.more(len(left), sum(task.runs for task in left)), QUIET)
    if not all(task.told for task in wanted):
        say(console, ledger.KEY, QUIET)
    if any(task.keeps for task in report.tasks):
        say(console, ledger.NEXT, QUIET)
    say_notes(console, report.notes)
    return drawn(console)


def _sentence(report: TasksReport) -> str:
    """Empty where no figure tells."""
    keepers = [task for task in report.tasks if task.keeps]
    if keepers and (per_run := keepers[0].kept_per_run):
        error = keepers[0].error_per_run or 0
        return ledger.sentence(keepers[0].name, per_run, error, len(keepers), len(report.tasks))
    charged = [task for task in report.tasks if task.kept is not None]
    return ledger.NO_KEEPER if charged and all(task.sure for task in charged) else ""


def _laid(cells: tuple[str, ...], shown: list[int], wide: list[int]) -> str:
    return "".join(cells[n].rjust(wide[n]) + "  " for n in shown)


def _cells(task: Task, screen: Screen) -> tuple[str, ...]:
    busy = task.busy
    kept, per_run = _kept(task)
    full = 0 if busy is None else round(busy * BAR)
    dark, light = ("█", "░") if screen.lines else ("#", ".")
    return (
        kept,
        per_run,
        units.count(task.runs),
        "" if task.failed is None else units.count(task.failed),
        "" if task.wall is None or not task.runs else units.brief(task.wall / task.runs),
        "" if busy is None else units.share(busy),
        "" if busy is None else dark * full + light * (BAR - full),
        "" if task.rss_steps is None else units.count(task.rss_steps),
    )


def _kept(task: Task) -> tuple[str, str]:
    """What it kept, and per run."""
    per_run = task.kept_per_run
    if task.kept is None or per_run is None:
        return "", ""
    if not task.told:
        return ledger.NOT_SURE, ledger.at_most(task.per_run_ci95[1] if task.per_run_ci95 else 0)
    said = units.with_error(per_run, task.error_per_run or 0) if task.sure else units.size(per_run)
    return units.signed_size(task.kept), f"{'+' if per_run > 0 else ''}{said}"
