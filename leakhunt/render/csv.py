"""Reports as CSV for spreadsheets: one line per row, bytes as numbers, nothing rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Union

from leakhunt.model.query import SPLIT
from leakhunt.render.cells import cell
from leakhunt.report.labels import Labels
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.trend import TrendReport
from leakhunt.report.types import TypesReport
from leakhunt.report.words import growths
from leakhunt.sites.rows import Amount, Row

Report = Union[TopReport, DiffReport]


def rows(report: Report) -> str:
    """Top or diff; the remainder and what was dropped come last."""
    comparison = report.comparison
    compared = isinstance(report, DiffReport)
    labels = Labels(report.after, report.before) if isinstance(report, DiffReport) else Labels(report.snapshot)  # fmt: skip
    amounts = (
        ("size_before", "size_after", "size_diff", "count_before", "count_after", "count_diff")
        if compared
        else ("size", "count")
    )

    def numbers(amount: Amount) -> list[int]:
        before, after, diff = amount.before, amount.after, amount.diff
        if compared:
            return [before.size, after.size, diff.size, before.count, after.count, diff.count]
        return [after.size, after.count]

    named = [report.query.group_by] if report.query.group_by in SPLIT else []
    lines: list[Sequence[Any]] = [
        ["rank", "file", "line", "function", "package", *amounts, "stack", *named]
    ]
    for row in comparison.rows:
        site, stack = row.change.site, row.change.stack
        frames = " > ".join(f"{frame.file}:{frame.line}" for frame in stack)
        lines.append(
            [row.rank, site.file, site.line, _function(row, labels), site.package,
             *numbers(Amount(row.change.before, row.change.after)), frames, *([site.name] if named else [])]
        )  # fmt: skip
    for name, amount in (("remainder", comparison.remainder), ("dropped", comparison.dropped)):
        lines.append([name, "", "", "", "", *numbers(amount), "", *[""] * len(named)])
    return _written(lines)


def _function(row: Row, labels: Labels) -> str | None:
    stack = row.change.stack
    if row.change.site.line is None or not stack or row.depth < 0:
        return None
    return labels.spot(stack[row.depth]).function


FINDING = (
    "rank", "verdict", "file", "line", "function", "bytes_per_unit", "low", "high",
    "blocks_per_unit", "size_first", "size_last", "share", "unit", "task", "reason", "pattern",
)  # fmt: skip


def findings(report: TrendReport) -> str:
    """The findings of a trend."""
    lines: list[Sequence[Any]] = [FINDING]
    for rank, judged in report.ranked:
        each, advice = judged.finding, judged.advice
        function = report.labels.spot(each.site).function
        lines.append(
            [rank, each.verdict, each.site.file, each.site.line, function, each.rate, each.low,
             each.high, each.blocks_rate, round(each.sizes[0]), round(each.sizes[-1]), each.share,
             each.history.unit, each.task, growths.reason(each), advice.pattern if advice else ""]
        )  # fmt: skip
    return _written(lines)


def types(report: TypesReport) -> str:
    """The types of objects that grow."""
    lines: list[Sequence[Any]] = [
        [
            "rank",
            "verdict",
            "type",
            "bytes_per_unit",
            "low",
            "high",
            "size_first",
            "size_last",
            "count",
            "unit",
        ]
    ]
    lines += [
        [rank, each.verdict, each.name, each.rate, each.low, each.high, each.sizes[0], each.sizes[-1],
         each.count, report.history.unit]
        for rank, each in report.ranked
    ]  # fmt: skip
    return _written(lines)


def _written(lines: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(map(cell, line) for line in lines)
    return out.getvalue()
