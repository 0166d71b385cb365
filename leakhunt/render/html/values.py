"""What the page's script draws, as plain values: numbers unrounded, text safe to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from leakhunt.judge.finding import Finding
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.report.labels import Labels
from leakhunt.report.page import PageReport, Process, fit
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.words.places import role
from leakhunt.sites.rows import Amount, Row

Table = Union[DiffReport, TopReport]


class Frames:
    """Every frame and file that is drawn, each once; others refer to it by number."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._roots = labels.roots
        self._numbers: dict[Frame, int] = {}
        self._files: dict[str, int] = {}
        self.frames: list[list[Any]] = []
        """[file, line, function, code]"""
        self.files: list[list[str]] = []
        """[path, short path, package, kind]"""

    def number(self, frame: Frame | None) -> int:
        """-1 for none."""
        if frame is None:
            return -1
        index = self._numbers.get(frame)
        if index is None:
            index = self._numbers[frame] = len(self.frames)
            spot = self._labels.spot(frame)
            function, code = spot.function, spot.code
            self.frames.append(
                [self._file(frame.file), frame.line,
                 visible(function) if function else "", visible(code) if code else ""]
            )  # fmt: skip
        return index

    def stack(self, stack: Stack) -> list[int]:
        return [self.number(frame) for frame in stack]

    def _file(self, file: str) -> int:
        index = self._files.get(file)
        if index is None:
            index = self._files[file] = len(self.files)
            roots = self._roots
            self.files.append(
                [
                    visible(file),
                    self._labels.file(file),
                    visible(roots.package(file)),
                    roots.kind(file),
                ]
            )
        return index


def drawn(report: PageReport) -> dict[str, Any]:
    """All of it."""
    tree = report.tree
    files = {node.frame.file for node in tree.nodes if node.frame is not None}
    labels = report.trend.labels
    if not any(kind == "app" for _, kind in labels.roots.folders):
        labels = _guessed(labels, files)
    frames = Frames(labels)
    numbers = [frames.number(node.frame) for node in tree.nodes]
    return {
        "processes": [_process(each) for each in report.processes],
        "findings": [_finding(judged.finding) for _, judged in report.trend.ranked],
        "tree": {
            "parents": [node.parent for node in tree.nodes],
            "frames": numbers,
            "smaller": {str(at): node.stacks for at, node in enumerate(tree.nodes) if node.stacks},
            "ends": [
                [[at, *node.ends[index]] for at, node in enumerate(tree.nodes) if any(node.ends[index])]
                for index in range(len(report.processes))
            ],
        },
        "table": _table(report.table, frames),
        "frames": frames.frames,
        "files": frames.files,
    }  # fmt: skip


def _guessed(labels: Labels, files: set[str]) -> Labels:
    """Labels that tell the application's packages apart, where no folder of it is recorded."""
    other = Labels(*labels.sources)
    other.roots = labels.roots.guessed(files)
    return other


def _process(process: Process) -> dict[str, Any]:
    meta = process.meta
    looks = process.looks
    return {
        "name": visible(role(meta) if meta.pid is not None else "the process"),
        "node": visible(meta.node or meta.host or ""),
        "unit": meta.unit,
        "compared": process.compared,
        "started": meta.started_at,
        "t": [look.meta.taken_at for look in looks],
        "rss": [look.meta.rss for look in looks],
        "uss": [look.meta.uss for look in looks],
        "traced": [look.meta.traced for look in looks],
        "tasks": [look.meta.tasks_done for look in looks],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    line = fit(finding)
    born = finding.born
    history = finding.history
    lived = history.lived
    return {
        "unit": history.noun,
        "lived": lived,
        "x": list(history.times[: len(finding.sizes)]),
        "y": list(finding.sizes),
        "fit": None if line is None else line._asdict(),
        "born": None if born is None else {"edges": list(born[0]), "bytes": list(born[1])},
        "born_unit": history.newest.calendar.unit
        if history.newest is not None and history.newest.calendar is not None
        else None,
    }


def _table(table: Table, frames: Frames) -> dict[str, Any]:
    comparison = table.comparison
    compared = isinstance(table, DiffReport)
    return {
        "compared": compared,
        "tasks": table.tasks if isinstance(table, DiffReport) else None,
        "unit": table.after.meta.unit if isinstance(table, DiffReport) else None,
        "rows": [_row(row, frames) for row in comparison.rows],
        "remainder": [*_amount(comparison.remainder), comparison.remainder_sites],
        "dropped": [*_amount(comparison.dropped), comparison.dropped_sites],
        "totals": _amount(comparison.totals),
    }


def _row(row: Row, frames: Frames) -> dict[str, Any]:
    change = row.change
    stack = change.stack
    at = row.depth if stack else -1
    return {
        "rank": row.rank,
        "stack": frames.stack(stack),
        "at": at,
        "frame": frames.number(stack[at] if at >= 0 else None),
        "sizes": _amount(Amount(change.before, change.after)),
        "stderr": row.stderr,
    }


def _amount(amount: Amount) -> list[int]:
    """[bytes before, bytes after, blocks before, blocks after]"""
    before, after = amount.before, amount.after
    return [before.size, after.size, before.count, after.count]


def spread(values: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    step = (len(values) - 1) / (most - 1)
    return [values[round(index * step)] for index in range(most)]
