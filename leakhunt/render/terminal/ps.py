"""``leakhunt ps`` for the eye: a tree, as many columns as the screen holds, what is wrong below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.model.process import Process
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.guides import Guides, guides
from leakhunt.render.terminal.sheet import Sheet
from leakhunt.render.terminal.styles import GROWN, QUIET, STRONG
from leakhunt.report.ps import PsReport, Row
from leakhunt.report.words import processes as words

#: Seconds of growth from which on it is told by the hour: what a start adds in some would come to GiB.
HOURLY = 600.0


class Column(NamedTuple):
    """One column of the table."""

    title: str
    cell: Callable[[Row, float], str]
    """The text for a row, at a moment."""
    rank: int
    """The lower, the longer it stays when the screen is narrow."""
    side: str = "right"


def ps(report: PsReport, screen: Screen) -> str:
    sheet = Sheet(screen)
    if not report.rows:
        sheet.say(words.NOBODY)
        return sheet.drawn()
    _table(sheet, report, screen.width, guides(screen))
    sheet.line()
    for sum_ in report.sums:
        sheet.say(sum_.line, STRONG)
    for row in report.rows:
        for problem in row.problems:
            _problem(sheet, f"{row.process.role} {row.process.pid}", problem.what, problem.todo)
    for problem in report.crowds:
        _problem(sheet, None, problem.what, problem.todo)
    sheet.notes(report.notes)
    for row in report.rows:
        stack = report.stacks.get(row.process.identity)
        if stack is not None:
            sheet.line()
            sheet.say(_name(row), STRONG)
            for frame in stack.splitlines():
                sheet.line((visible(frame), ""))
    return sheet.drawn()


def _problem(sheet: Sheet, whom: str | None, what: str, todo: str) -> None:
    named = [(f"{whom}: ", STRONG)] if whom else []
    sheet.fold(("! ", GROWN), *named, (visible(what), ""), ("\n  -> ", QUIET), (visible(todo), ""))


def _table(sheet: Sheet, report: PsReport, width: int, lines: Guides) -> None:
    """The names of workers span the table, so that it is laid out here."""
    now = report.machine.now
    trees = _branches(report.rows, lines)
    cells = {
        column.title: [visible(column.cell(row, now)) for row in report.rows] for column in COLUMNS
    }
    wide = {title: max(len(title), *map(len, texts)) for title, texts in cells.items()}
    first = max(
        len("process"), *(len(tree) + len(_name(row)) for tree, row in zip(trees, report.rows))
    )
    shown = _fitting(
        [column for column in COLUMNS if any(cells[column.title])], wide, width - first
    )
    sheet.line(
        ("process".ljust(first), STRONG),
        *(("  " + _aside(column.title, column, wide), STRONG) for column in shown),
    )
    above: Row | None = None
    for number, row in enumerate(report.rows):
        if row.depth == 0:
            if above is None or not _is_beside(row, above):
                if above is not None:
                    sheet.line()
                _head(sheet, row)
            above = row
        sheet.line(
            (trees[number], QUIET),
            (_name(row).ljust(first - len(trees[number])), GROWN if row.problems else ""),
            *(("  " + _aside(cells[column.title][number], column, wide), "") for column in shown),
        )


def _aside(text: str, column: Column, wide: Mapping[str, int]) -> str:
    return (
        text.rjust(wide[column.title]) if column.side == "right" else text.ljust(wide[column.title])
    )


def _fitting(columns: Sequence[Column], wide: Mapping[str, int], room: int) -> list[Column]:
    """The most important ones that fit, in their order."""
    kept: list[Column] = []
    for column in sorted(columns, key=lambda column: column.rank):
        if 2 + wide[column.title] <= room:
            kept.append(column)
            room -= 2 + wide[column.title]
    return [column for column in columns if column in kept]


def _is_beside(row: Row, above: Row) -> bool:
    """Whether two orphans were one worker's."""
    said = row.process.celery
    return (
        row.process.role == "orphan" == above.process.role
        and said == above.process.celery
        and said is not None
    )


def _head(sheet: Sheet, row: Row) -> None:
    """What stands above a worker: its node, and what else its command line says."""
    celery = row.process.celery
    if celery is None:
        return
    if not celery.node:  # beat and flower have none
        if celery.app:
            sheet.crop((visible(f"app {celery.app}"), QUIET))
        return
    said = [f"app {celery.app}"] if celery.app else []
    if celery.pool:
        said.append(celery.pool)
    if celery.concurrency or row.children:
        asked = f" of --concurrency {celery.concurrency}" if celery.concurrency else ""
        said.append(words.children(row.children) + asked if row.children else asked[4:])
    if celery.queues:
        said.append(f"queues {celery.queues}")
    if row.process.engine:
        said.append(f"hooked, engine {row.process.engine}")
    elif row.process.readable:
        said.append("not hooked")
    sheet.crop((visible(celery.node), STRONG), ("  " + visible(", ".join(said)), QUIET))


def _branches(rows: Sequence[Row], lines: Guides) -> list[str]:
    """What stands before each process: its place in the tree."""
    branches = []
    follows: list[
        bool
    ] = []  # by depth: whether a later row stands there, with none above it in between
    for row in reversed(rows):
        depth = row.depth
        follows = [*follows[: depth + 1], *[False] * (depth + 1 - len(follows))]
        bars = [lines.along if each else " " * len(lines.along) for each in follows[1:depth]]
        if depth:
            bars.append(lines.between if follows[depth] else lines.last)
        branches.append("".join(bars))
        follows[depth] = True
    return branches[::-1]


def _name(row: Row) -> str:
    return f"{row.process.role} {row.process.pid}"


def _bytes(amount: int | None) -> str:
    return "" if amount is None else units.size(amount)


def _tasks(row: Row, now: float) -> str:
    pulse = row.process.pulse
    return "" if pulse is None else units.count(pulse.done)


def _running(row: Row, now: float) -> str:
    pulse = row.process.pulse
    if pulse is None or not pulse.running or pulse.task is None:
        return ""
    more = f" +{pulse.running - 1}" if pulse.running > 1 else ""
    name = pulse.task if len(pulse.task) <= 28 else f"…{pulse.task[-27:]}"
    since = f" {units.duration(max(0.0, now - pulse.since))}" if pulse.since is not None else ""
    return f"{name}{more}{since}"


def _growth(row: Row, now: float) -> str:
    growth = row.growth
    if growth is None:
        return ""
    if growth.per_task is not None:
        return f"{units.signed_size(growth.per_task)}/task"
    if growth.seconds < HOURLY:
        return f"{units.signed_size(growth.size)} in {units.duration(growth.seconds)}"
    return f"{units.signed_size(growth.per_hour or 0)}/h"


def _cpu(row: Row, now: float) -> str:
    age = now - row.process.started_at
    return units.share(row.process.cpu / age) if age > 0 else ""


def _number(amount: int | None) -> str:
    return "" if amount is None else units.count(amount)


def _hook(row: Row, now: float) -> str:
    process = row.process
    if not process.hooked:
        return "no" if process.readable else "?"
    return process.signal


def _is_odd_state(process: Process) -> bool:
    return process.state not in ("S", "R", "I")


COLUMNS = (
    Column("age", lambda row, now: units.duration(max(0.0, now - row.process.started_at)), 4),
    Column("tasks", _tasks, 3),
    Column("RSS", lambda row, now: _bytes(row.process.memory.rss), 2),
    Column("PSS", lambda row, now: _bytes(row.process.memory.pss), 0),
    Column("USS", lambda row, now: _bytes(row.process.memory.uss), 1),
    Column("grows", _growth, 5),
    Column("running", _running, 6, "left"),
    Column("hook", _hook, 7, "left"),
    Column("shared", lambda row, now: _bytes(row.process.memory.shared), 11),
    Column("swap", lambda row, now: _bytes(row.process.memory.swap or None), 8),
    Column("CPU", _cpu, 10),
    Column("files", lambda row, now: _number(row.process.open_files), 12),
    Column("sockets", lambda row, now: _number(row.process.sockets), 13),
    Column("state", lambda row, now: row.process.state if _is_odd_state(row.process) else "", 9),
    Column("user", lambda row, now: row.process.user, 14, "left"),
)
