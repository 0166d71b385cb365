"""Reports as flat rows: CSV for spreadsheets, Markdown for tickets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Union

from leakhunt import units
from leakhunt.compare.rows import Amount, Row
from leakhunt.model.paths import visible
from leakhunt.report.tables import DiffReport, Labels, TopReport, who

Report = Union[TopReport, DiffReport]


def csv_text(report: Report) -> str:
    """One line per row, the remainder and what was dropped last; bytes as integers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    comparison, labels = report.comparison, _labels(report)
    amounts = (
        ("size_before", "size_after", "size_diff", "count_before", "count_after", "count_diff")
        if isinstance(report, DiffReport)
        else ("size", "count")
    )
    writer.writerow(["rank", "file", "line", "function", "package", *amounts, "stack"])
    for row in comparison.rows:
        site, stack = row.change.site, row.change.stack
        frames = " > ".join(f"{frame.file}:{frame.line}" for frame in stack)
        writer.writerow(
            [row.rank, *map(cell, (site.file, site.line, _function(row, labels), site.package)),
             *_numbers(report, row.change.before, row.change.after), cell(frames)]
        )  # fmt: skip
    for name, amount in (("remainder", comparison.remainder), ("dropped", comparison.dropped)):
        writer.writerow([name, "", "", "", "", *_numbers(report, amount.before, amount.after), ""])
    return out.getvalue()


def markdown_text(report: Report) -> str:
    """A GitHub-flavoured table under a heading that says of what it is."""
    comparison, labels = report.comparison, _labels(report)
    lines: list[str] = []
    if isinstance(report, DiffReport):
        lines += [f"**Growth in {escape(who(report.after))}**", ""]
        head: Sequence[str] = (
            "#",
            "growth",
            "blocks",
            *(("per task",) if report.tasks else ()),
            "where",
        )
    else:
        lines += [f"**Alive in {escape(who(report.snapshot))}**", ""]
        head = ("#", "size", "blocks", "average", "where")
    lines += [_row(head), _row("---:" if name != "where" else "---" for name in head)]
    for row in comparison.rows:
        change = row.change
        if isinstance(report, DiffReport):
            cells = [units.signed_size(change.diff.size), units.signed_count(change.diff.count)]
            cells += [units.size(change.diff.size / report.tasks)] if report.tasks else []
        else:
            live = change.after
            average = units.size(live.size / live.count) if live.count else ""
            cells = [units.size(live.size), units.count(live.count), average]
        lines.append(_row([str(row.rank), *cells, _where(row, labels)]))
    rest, dropped = comparison.remainder, comparison.dropped
    shown = units.signed_size if isinstance(report, DiffReport) else units.size

    def pick(amount: Amount) -> int:
        return amount.diff.size if isinstance(report, DiffReport) else amount.after.size

    lines += ["", f"{comparison.remainder_sites} more: {shown(pick(rest))}; "
              f"dropped or hidden: {shown(pick(dropped))}; total: {shown(pick(comparison.totals))}"]  # fmt: skip
    lines += [f"- note: {escape(note)}" for note in report.notes]
    return "\n".join(lines) + "\n"


def _labels(report: Report) -> Labels:
    if isinstance(report, DiffReport):
        return Labels(report.after, report.before)
    return Labels(report.snapshot)


def _numbers(report: Report, before: Any, after: Any) -> list[int]:
    if isinstance(report, DiffReport):
        return [before.size, after.size, after.size - before.size,
                before.count, after.count, after.count - before.count]  # fmt: skip
    return [after.size, after.count]


def _function(row: Row, labels: Labels) -> Any:
    stack = row.change.stack
    if row.change.site.line is None or not stack or row.depth < 0:
        return None
    return labels.spot(stack[row.depth]).function


def cell(value: Any) -> Any:
    """Text that a spreadsheet takes as text: a leading = + - @ would be a formula there."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = visible(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _where(row: Row, labels: Labels) -> str:
    site, stack = row.change.site, row.change.stack
    if site.package is not None:
        return f"`{escape(site.package)}`"
    if site.line is None or not stack:
        return f"`{escape(labels.file(site.file or ''))}`"
    label = labels.label(stack[row.depth])
    inside = f" in `{escape(label.function)}`" if label.function else ""
    code = f"<br>`{escape(label.code)}`" if label.code else ""
    return f"`{escape(label.where)}`{inside}{code}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escape(text: str) -> str:
    return visible(text).replace("`", "'").replace("|", "\\|").replace("<", "&lt;")
