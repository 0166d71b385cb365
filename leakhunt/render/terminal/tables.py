"""Reports for the eye: rich tables that fold only their last column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.judge import account as causes
from leakhunt.model.paths import visible
from leakhunt.model.query import Query
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.account import say_next, say_opened
from leakhunt.render.terminal.console import drawn, heading, make_console, say, say_notes, say_why
from leakhunt.render.terminal.grid import Column, Line, grid
from leakhunt.render.terminal.sparks import spark
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, SHRUNK, STRONG
from leakhunt.report.labels import Labels
from leakhunt.report.tables import (
    DiffReport,
    Table,
    TopReport,
    born_of,
    cut,
    garbage_of,
    kinds_of,
)
from leakhunt.report.words import lines
from leakhunt.report.words.places import recycled, taken, types, waits, who
from leakhunt.sites.rows import Row
from leakhunt.snapshots import births
from leakhunt.snapshots.births import Born

#: From this width on, births have a column, with so many bars.
WIDE, BARS = 110, 8
#: Of a table so many rows are shown however low the window is.
FEWEST = 1


def top(report: TopReport, screen: Screen) -> str:
    return _fitting(_top, report, screen)


def diff(report: DiffReport, screen: Screen) -> str:
    return _fitting(_diff, report, screen)


def _fitting(draw: Callable[[Table, Screen], str], report: Table, screen: Screen) -> str:
    """The page; where it has to fit, with fewer rows, the largest ones, and what is left out below them."""
    page, rows = draw(report, screen), len(report.comparison.rows)
    while screen.fits and rows > FEWEST and page.count("\n") >= screen.height:
        rows -= 1
        page = draw(cut(report, rows), screen)
    return page


def _top(report: TopReport, screen: Screen) -> str:
    console = make_console(screen)
    snapshot, labels = report.snapshot, Labels(report.snapshot)
    heading(console, "alive in", who(snapshot))
    say(console, taken(snapshot), QUIET)
    say_why(console, report.why)
    console.print()
    wide = bool(report.births) and screen.width >= WIDE
    columns = [*map(Column, ("#", "size", "blocks", "average", "share"))]
    columns += [Column("born", right=False)] if wide else []
    totals = report.comparison.totals.after
    table = []
    for row in report.comparison.rows:
        live = row.change.after
        cells: list[str | Text] = [
            str(row.rank),
            Text(units.size(live.size) + _sure(row), STRONG),
            units.count(live.count),
            units.size(live.size / live.count) if live.count else "",
            units.share(live.size / totals.size) if totals.size else "",
            *([_born(born_of(report, row), screen)] if wide else []),
        ]
        table.append(Line(cells, _where(row, labels, report)))
    rest = report.comparison.remainder.after
    if report.comparison.remainder_sites:
        told = ["", units.size(rest.size), units.count(rest.count), "", "", *([""] if wide else [])]
        table.append(Line(told, _rest(report), QUIET))
    _print_table(console, columns, table, lines.NOTHING_ALIVE)
    say(console, f"total {lines.alive(totals)}", STRONG)
    for text in lines.left_out(
        report.comparison, report.query, lambda amount: units.size(amount.after.size)
    ):
        say(console, text, QUIET)
    say_notes(console, report.notes)
    return drawn(console)


def _diff(report: DiffReport, screen: Screen) -> str:
    console = make_console(screen)
    labels = Labels(report.after, report.before)
    heading(console, "growth in", who(report.after))
    say(console, f"before  {taken(report.before)}", QUIET)
    say(console, f"after   {taken(report.after)}", QUIET)
    between = lines.between(report.seconds, report.tasks, report.after.meta.unit)
    if between:
        say(console, between, QUIET)
    say_why(console, report.why)
    console.print()
    names = ["#", "growth", "blocks"]
    names += [f"per {report.after.meta.unit}"] if report.tasks else []
    table = []
    for row in report.comparison.rows:
        change = row.change.diff
        cells: list[str | Text] = [
            str(row.rank),
            Text(units.signed_size(change.size) + _sure(row), _tone(change.size)),
            units.signed_count(change.count),
        ]
        if report.tasks:
            cells.append(units.small_size(change.size / report.tasks))
        table.append(Line(cells, _where(row, labels, report)))
    rest = report.comparison.remainder.diff
    if report.comparison.remainder_sites:
        blank = [""] if report.tasks else []
        told = ["", units.signed_size(rest.size), units.signed_count(rest.count), *blank]
        table.append(Line(told, _rest(report), QUIET))
    _print_table(console, [*map(Column, names)], table, lines.NOTHING_CHANGED)
    total = report.comparison.totals.diff
    say(
        console,
        f"total {lines.grown(total)}"
        + (
            f", {units.rate(total.size / report.tasks, report.after.meta.unit)}"
            if report.tasks
            else ""
        ),
        STRONG,
    )
    for text in lines.left_out(
        report.comparison, report.query, lambda amount: units.signed_size(amount.diff.size)
    ):
        say(console, text, QUIET)
    process = report.process
    explained = lines.explained(
        process.rss_diff, process.traced_diff, process.tracer_diff, process.explained
    )
    if report.account is None:
        if explained is not None:
            say(console, explained)
    else:  # it says the same, with the figures of this very table
        say(console, visible(report.account.sentence))
        if report.account.cause.kind != causes.PYTHON:  # else the table is the next step
            say_next(console, report.account)
        say_opened(console, report.account, report.tasks)
    say_notes(console, report.notes)
    return drawn(console)


# -- pieces ---------------------------------------------------------------------------


def _print_table(
    console: Console, columns: Sequence[Column], rows: Sequence[Line], empty: str
) -> None:
    if rows:
        grid(console, columns, "where", rows)
    else:
        say(console, empty)
    console.print()


def _rest(report: TopReport | DiffReport) -> str:
    return f"{lines.more(report.comparison, report.query)} (-n 0 shows all)"


def _born(born: Born | None, screen: Screen) -> str:
    """``▁▂▅▇ recent``: when a row's bytes were asked for, over the life of the process."""
    if born is None or born.events < births.FEWEST or not sum(born.sizes):
        return ""  # too few events: a picture of chance
    return f"{spark(born.spread(1.0, BARS), screen.lines, 0.0)} {born.shape or ''}".rstrip()


def _sure(row: Row) -> str:
    """`` ± 120 KiB``: the standard error of an estimate; empty for what is exact."""
    return "" if row.stderr is None else f" ± {units.size(row.stderr)}"


def _tone(amount: int) -> str:
    return GROWN if amount > 0 else SHRUNK if amount < 0 else QUIET


def _where(row: Row, labels: Labels, report: TopReport | DiffReport) -> Text:
    query, kinds, waiting = report.query, kinds_of(report, row), garbage_of(report, row)
    text = _place(row, labels, query)
    if kinds is not None:
        if query.group_by == "traceback" and kinds.types:
            text.append(f"\n  {types(kinds)}", QUIET)
        if kinds.is_recycled:
            text.append(f"\n  {recycled(kinds, labels.roots)}", NOTE)
    if waiting:
        text.append(f"\n  {waits(waiting, isinstance(report, DiffReport))}", NOTE)
    return text


def _place(row: Row, labels: Labels, query: Query) -> Text:
    site, stack = row.change.site, row.change.stack
    if site.package is not None or site.name is not None:
        return Text(visible(site.package or site.name or ""), STRONG)
    if query.group_by == "filename":
        return Text(labels.file(site.file or ""), STRONG)
    if query.group_by == "traceback":
        text = Text()
        for frame in stack:
            label = labels.label(frame)
            text.append(f"{label.where}", STRONG if frame is stack[row.depth] else "")
            text.append(f" in {visible(label.function)}" if label.function else "", QUIET)
            text.append(f"\n  {visible(label.code)}\n" if label.code else "\n", QUIET)
        text.rstrip()
        return text
    if not stack or row.depth < 0:
        return Text(visible(site.file or ""), STRONG)
    label = labels.label(stack[row.depth])
    text = Text(label.where, STRONG)
    text.append(f" in {visible(label.function)}" if label.function else "")
    text.append(f"\n  {visible(label.code)}" if label.code else "", QUIET)
    caller = labels.caller(stack, row.depth)
    if caller is not None:
        called = labels.label(caller)
        text.append(f"\n  for {called.where}", QUIET)
        text.append(f" in {visible(called.function)}" if called.function else "", QUIET)
    return text
