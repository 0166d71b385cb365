"""Reports for the eye: rich tables that fold only their last column."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leakhunt import units
from leakhunt.compare.rows import Comparison, Row
from leakhunt.model.paths import visible
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Meta
from leakhunt.render.terminal.console import (  # fmt: skip
    GROWN,
    NOTE,
    QUIET,
    SHRUNK,
    STRONG,
    drawn,
    heading,
    make_console,
    moment_line,
    say,
    say_notes,
    say_why,
    types_line,
)
from leakhunt.report.tables import DiffReport, Labels, ListReport, TopReport, kinds_of, who
from leakhunt.snapshots import facts
from leakhunt.snapshots.load import Series
from leakhunt.snapshots.objects import MAY_BE, Kinds


def top(report: TopReport, width: int, color: bool) -> str:
    console = make_console(width, color)
    snapshot, labels = report.snapshot, Labels(report.snapshot)
    heading(console, "alive in", who(snapshot))
    say(console, moment_line("", snapshot), QUIET)
    say_why(console, report.why)
    console.print()
    table = _table(
        ("#", "right"),
        ("size", "right"),
        ("blocks", "right"),
        ("average", "right"),
        ("share", "right"),
    )
    totals = report.comparison.totals.after
    for row in report.comparison.rows:
        live = row.change.after
        table.add_row(
            str(row.rank),
            Text(units.size(live.size) + _sure(row), STRONG),
            units.count(live.count),
            units.size(live.size / live.count) if live.count else "",
            units.share(live.size / totals.size) if totals.size else "",
            _where(row, labels, report.query, kinds_of(report, row)),
        )
    rest = report.comparison.remainder.after
    if report.comparison.remainder_sites:
        table.add_row(
            "",
            units.size(rest.size),
            units.count(rest.count),
            "",
            "",
            _rest(report.comparison, report.query),
            style=QUIET,
        )
    _print_table(console, table, report.comparison, "nothing is alive here")
    say(console, f"total {units.size(totals.size)} in {units.count(totals.count)} blocks", STRONG)
    _dropped(console, report.comparison, report.query, lambda amount: units.size(amount.after.size))
    say_notes(console, report.notes)
    return drawn(console)


def diff(report: DiffReport, width: int, color: bool) -> str:
    console = make_console(width, color)
    labels = Labels(report.after, report.before)
    heading(console, "growth in", who(report.after))
    say(console, moment_line("before ", report.before), QUIET)
    say(console, moment_line("after  ", report.after), QUIET)
    between = [units.duration(report.seconds)] if report.seconds is not None else []
    between += [f"{units.count(report.tasks)} tasks"] if report.tasks is not None else []
    if between:
        say(console, f"between {', '.join(between)}", QUIET)
    say_why(console, report.why)
    console.print()
    per_task = [("per task", "right")] if report.tasks else []
    table = _table(("#", "right"), ("growth", "right"), ("blocks", "right"), *per_task)
    for row in report.comparison.rows:
        change = row.change.diff
        cells: list[str | Text] = [
            str(row.rank),
            Text(units.signed_size(change.size) + _sure(row), _tone(change.size)),
            units.signed_count(change.count),
        ]
        if report.tasks:
            cells.append(units.size(change.size / report.tasks))
        table.add_row(*cells, _where(row, labels, report.query, kinds_of(report, row)))
    rest = report.comparison.remainder.diff
    if report.comparison.remainder_sites:
        blank = [""] if report.tasks else []
        table.add_row(
            "",
            units.signed_size(rest.size),
            units.signed_count(rest.count),
            *blank,
            _rest(report.comparison, report.query),
            style=QUIET,
        )
    _print_table(console, table, report.comparison, "nothing changed here")
    total = report.comparison.totals.diff
    say(
        console,
        f"total {units.signed_size(total.size)} in {units.signed_count(total.count)} blocks"
        + (f", {units.size(total.size / report.tasks)} per task" if report.tasks else ""),
        STRONG,
    )
    _dropped(
        console, report.comparison, report.query, lambda amount: units.signed_size(amount.diff.size)
    )
    _explained(console, report)
    say_notes(console, report.notes)
    return drawn(console)


def listing(report: ListReport, width: int, color: bool) -> str:
    console = make_console(width, color)
    say(console, visible(report.folder), STRONG)
    if report.series:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STRONG)
        for name in ("pid", "files", "tasks", "RSS", "traced"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("process", overflow="fold")
        for line in report.series:
            first, last = line.first.meta, line.newest.meta
            ends = (first, last) if len(line.entries) > 1 else (last,)
            table.add_row(
                str(last.pid or ""),
                units.count(len(line.entries)),
                _lines(units.count, *(end.tasks_done for end in ends)),
                _lines(units.size, *(end.rss for end in ends)),
                _lines(units.size, *(end.traced for end in ends)),
                _about(line, line is report.fastest),
            )
        console.print(table)
        say(console, "two figures: of the first and of the newest snapshot", QUIET)
    else:
        say(console, "no snapshots yet")
    for waiting in report.waiting:
        armed = "traced" if waiting.armed_at else "not traced before the first trigger"
        say(
            console,
            f"hooked, no snapshot yet: {waiting.role or 'process'} {waiting.pid}"
            + (f" of {visible(waiting.node)}" if waiting.node else "")
            + f" ({armed}; kill -{waiting.signal.removeprefix('SIG')} {waiting.pid})",
            QUIET,
        )
    say_notes(console, report.notes)
    return drawn(console)


def _about(line: Series, fastest: bool) -> Text:
    first, last = line.first.meta, line.newest.meta
    text = Text(visible(last.node or line.folder.name))
    role = " ".join(word for word in (last.role, f"({last.pool})" if last.pool else "") if word)
    text.append(f" {visible(role)}" if role else "")
    if line.growth is not None and len(line.entries) > 1:
        grown = f"{units.signed_size(line.growth)} RSS"
        text.append(
            f"\n{grown}, grows fastest" if fastest else f"\n{grown}", GROWN if fastest else ""
        )
    when = units.moment(last.taken_at)
    if len(line.entries) > 1:
        when = f"{units.moment(first.taken_at)} to {when[11:]}"
    text.append(f"\n{when}", QUIET)
    if last.engine is not None:
        text.append(f"\n{_engine(last)}", QUIET)
    if last.armed_at is not None and last.facts.get("start") == "signal":
        text.append(
            f"\ntraced since {units.moment(last.armed_at)[11:]}, not what was before", QUIET
        )
    text.append(f"\n{visible(line.folder.name)}", QUIET)
    return text


def _engine(known: Meta) -> str:
    """``sampled: 0.84 % CPU so far (budget 1.0 %), every 256.0 KiB``: the engine, and what it has cost
    the process by its own clock. A young one takes more, to see more.
    """
    cost = facts.cost(known)
    figures = []
    if cost.overhead is not None:
        of = f" (budget {units.share(cost.budget)})" if cost.budget is not None else ""
        figures.append(f"{units.share(cost.overhead)} CPU so far{of}")
    if cost.interval is not None:
        figures.append(f"every {units.size(cost.interval)}")
    return visible(known.engine or "") + (f": {', '.join(figures)}" if figures else "")


def _lines(text: Callable[[int], str], *values: int | None) -> str:
    return "\n".join("?" if value is None else text(value) for value in values)


# -- pieces ---------------------------------------------------------------------------


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=STRONG, expand=False)
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("where", overflow="fold")
    return table


def _print_table(console: Console, table: Table, comparison: Comparison, empty: str) -> None:
    if comparison.rows or comparison.remainder_sites:
        console.print(table)
    else:
        say(console, empty)
    console.print()


def _sure(row: Row) -> str:
    """`` ± 120 KiB``: the standard error of an estimate; empty for what is exact."""
    return "" if row.stderr is None else f" ± {units.size(row.stderr)}"


def _tone(amount: int) -> str:
    return GROWN if amount > 0 else SHRUNK if amount < 0 else QUIET


def _where(row: Row, labels: Labels, query: Query, kinds: Kinds | None) -> Text:
    text = _place(row, labels, query)
    if kinds is not None:
        if query.group_by == "traceback" and kinds.types:
            text.append(f"\n  {types_line(kinds)}", QUIET)
        if kinds.is_recycled:
            text.append(f"\n  {MAY_BE}", NOTE)
            if kinds.holder is not None:
                text.append(f", kept by {kinds.holder.said(labels.known)}", NOTE)
    return text


def _place(row: Row, labels: Labels, query: Query) -> Text:
    site, stack = row.change.site, row.change.stack
    if site.package is not None:
        return Text(visible(site.package), STRONG)
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


def _sites(number: int, query: Query) -> str:
    noun = {"lineno": "line", "filename": "file", "traceback": "stack", "package": "package"}[
        query.group_by
    ]
    return f"{units.count(number)} {noun}" + ("" if number == 1 else "s")


def _rest(comparison: Comparison, query: Query) -> str:
    return f"{_sites(comparison.remainder_sites, query)} more (-n 0 shows all)"


def _dropped(console: Console, comparison: Comparison, query: Query, size: object) -> None:
    if not comparison.dropped_sites:
        return
    text = size(comparison.dropped) if callable(size) else ""
    if query.filters or query.excludes:
        how = "dropped by filters"
        if not query.show_all:
            how += " or hidden (tracing and import machinery)"
    else:
        how = "hidden (tracing and import machinery; --all shows it)"
    say(console, f"{how}: {text} at {_sites(comparison.dropped_sites, query)}", QUIET)


def _explained(console: Console, report: DiffReport) -> None:
    process = report.process
    if process.rss_diff is None or process.traced_diff is None:
        return
    text = f"RSS {units.signed_size(process.rss_diff)}: Python objects {units.signed_size(process.traced_diff)}"
    if process.explained is not None:
        text += f" ({units.share(process.explained)})"
    if process.tracer_diff is not None:
        rest = process.rss_diff - process.traced_diff - process.tracer_diff
        text += (
            f", the tracer's own tables {units.signed_size(process.tracer_diff)}, "
            f"the rest {units.signed_size(rest)} (allocator, native code, reuse of free memory)"
        )
    say(console, text)
