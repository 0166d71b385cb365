"""Reports as Markdown for tickets: GitHub-flavoured tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from leakhunt import units
from leakhunt.judge.series.shape import LEAK
from leakhunt.render.quoting import code, escape, span
from leakhunt.report.compared import CompareReport
from leakhunt.report.labels import Labels
from leakhunt.report.tables import DiffReport, TopReport, garbage_of, kinds_of
from leakhunt.report.trend import TrendReport
from leakhunt.report.types import TypesReport
from leakhunt.report.words import compared as words
from leakhunt.report.words import growths, lines
from leakhunt.report.words.places import place, recycled, waits, who
from leakhunt.sites.rows import Amount, Row

Report = Union[TopReport, DiffReport]


def rows(report: Report) -> str:
    """Top or diff: a table under a heading that says of what it is."""
    comparison, query = report.comparison, report.query
    compared = isinstance(report, DiffReport)
    newest = report.after if isinstance(report, DiffReport) else report.snapshot
    labels = Labels(report.after, report.before) if isinstance(report, DiffReport) else Labels(newest)  # fmt: skip
    tasks = report.tasks if isinstance(report, DiffReport) else None
    names = [
        "growth",
        "blocks",
        *([f"per {report.after.meta.unit}"] if tasks and isinstance(report, DiffReport) else []),
    ]
    head = ["#", *(names if compared else ["size", "blocks", "average"]), "where"]
    text = [f"**{'Growth' if compared else 'Alive'} in** {span(who(newest))}", ""]
    text += [_row(head), _row("---:" if name != "where" else "---" for name in head)]
    for row in comparison.rows:
        text.append(
            _row([str(row.rank), *_cells(row, compared, tasks), _where(row, labels, report)])
        )

    def size(amount: Amount) -> str:
        return units.signed_size(amount.diff.size) if compared else units.size(amount.after.size)

    below = [f"{lines.more(comparison, query)}: {size(comparison.remainder)}"]
    below += lines.left_out(comparison, query, size)
    text += ["", "; ".join([*below, f"total: {size(comparison.totals)}"])]
    text += [f"- note: {escape(note)}" for note in report.notes]
    return "\n".join(text) + "\n"


def _cells(row: Row, compared: bool, tasks: int | None) -> list[str]:
    change = row.change
    if compared:
        cells = [units.signed_size(change.diff.size), units.signed_count(change.diff.count)]
        return cells + ([units.small_size(change.diff.size / tasks)] if tasks else [])
    live = change.after
    average = units.size(live.size / live.count) if live.count else ""
    return [units.size(live.size), units.count(live.count), average]


def findings(report: TrendReport) -> str:
    """The verdict and a table of the findings."""
    unit = report.verdict.noun
    text = [f"**{escape(report.summary)}**", ""]
    if report.ranked:
        head = ("#", "verdict", f"per {unit}", "grown", "where", "why")
        text += [_row(head), "| ---: | --- | ---: | ---: | --- | --- |"]
    for rank, judged in report.ranked:
        each = judged.finding
        told = units.rate(each.rate, each.history.noun).removesuffix(f" per {unit}")
        rate = told if each.verdict == LEAK else ""
        grown = units.signed_size(each.rise)
        cells = (str(rank), growths.verdict(each), rate, grown, place(each.site, report.labels))
        text.append(_row(map(escape, (*cells, growths.reason(each)))))
    text += ["", *(f"- note: {escape(note)}" for note in report.notes)] if report.notes else []
    return "\n".join(text) + "\n"


def types(report: TypesReport) -> str:
    """The types of objects that grow."""
    noun = report.history.noun
    text = [f"**{escape(report.summary)}**", ""]
    if report.ranked:
        text += [_row(("#", "verdict", f"per {noun}", "grown", "objects", "type"))]
        text += ["| ---: | --- | ---: | ---: | ---: | --- |"]
    for rank, each in report.ranked:
        rate = (
            units.rate(each.rate, noun).removesuffix(f" per {noun}") if each.verdict == LEAK else ""
        )
        cells = (
            str(rank),
            each.verdict,
            rate,
            units.signed_size(each.grown),
            units.count(each.count),
        )
        text.append(_row((*map(escape, cells), code(each.name))))
    text += ["", *(f"- note: {escape(note)}" for note in report.notes)] if report.notes else []
    return "\n".join(text) + "\n"


def compared(report: CompareReport) -> str:
    """What became of each place, and both series."""
    result = report.result
    text = [f"**{escape(report.summary)}**", ""]
    if result.changes:
        text += [_row(("place", "change", *words.SIDES)), "| --- | --- | --- | --- |"]
    for change in result.changes:
        site = change.site_after or change.site_before
        where = code(f"{change.where.file}:{site.line}" if site is not None else change.where.file)
        line = change.where.code
        if line and not line.startswith(":"):
            where += f"<br>{code(line)}"
        text.append(_row((where, change.word, *map(escape, words.place(change, result)))))
    text += [""] if result.changes else []
    for name, side in zip(words.SIDES, result.sides):
        said = words.side(name, side, result.noun).removeprefix(f"{name:<8}")
        text.append(f"- {name}: {escape(said)}")
    text += [f"- note: {escape(note)}" for note in report.notes]
    return "\n".join(text) + "\n"


def _where(row: Row, labels: Labels, report: Report) -> str:
    site, stack, kinds = row.change.site, row.change.stack, kinds_of(report, row)
    may_be = f"<br>{escape(recycled(kinds, labels.roots))}" if kinds and kinds.is_recycled else ""
    waiting = garbage_of(report, row)
    may_be += f"<br>{escape(waits(waiting, isinstance(report, DiffReport)))}" if waiting else ""
    if site.package is not None or site.name is not None:
        return f"{code(site.package or site.name or '')}{may_be}"
    if site.line is None or not stack:
        return f"{code(labels.file(site.file or ''))}{may_be}"
    label = labels.label(stack[row.depth])
    inside = f" in {code(label.function)}" if label.function else ""
    line = f"<br>{code(label.code)}" if label.code else ""
    return f"{code(label.where)}{inside}{line}{may_be}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
