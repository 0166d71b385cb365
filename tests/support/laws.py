"""What every report must obey, whatever it is of.

Every sentence follows from the figures beside it; no two contradict; parts add up to the whole; one is
singular and many are plural; nothing is said twice.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, Finding
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.trend import TrendReport
from leakhunt.report.words import growths
from leakhunt.sites.rows import Comparison

#: Sums of shares of numbers that are not whole.
SLIGHTLY = 1e-9


def obeyed(report: object) -> None:
    """The laws of the values, before anything is drawn."""
    if isinstance(report, (TopReport, DiffReport)):
        _conserved(report.comparison)
    if isinstance(report, TrendReport):
        _judged(report)


def _conserved(comparison: Comparison) -> None:
    """Rows, the remainder and what was dropped are all there is; what is hidden is dropped."""
    for side in ("before", "after"):
        for measure in (0, 1):
            parts = [
                *(getattr(row.change, side)[measure] for row in comparison.rows),
                getattr(comparison.remainder, side)[measure],
                getattr(comparison.dropped, side)[measure],
            ]
            assert sum(parts) == getattr(comparison.totals, side)[measure]
            hidden = getattr(comparison.hidden, side)[measure]
            assert 0 <= hidden <= getattr(comparison.dropped, side)[measure]
    assert 0 <= comparison.hidden_sites <= comparison.dropped_sites
    assert [row.rank for row in comparison.rows] == list(range(1, len(comparison.rows) + 1))


def _judged(report: TrendReport) -> None:
    found, leaks = report.verdict, report.leaks
    for finding in found.findings:
        _finding(finding)
    shares = [each.share for each in found.findings if each.verdict == LEAK and each.share]
    assert sum(shares) <= 1 + SLIGHTLY, shares
    if found.verdict == NO_LEAK:
        assert not [each for each in found.findings if each.verdict == LEAK]
        assert found.outside is None or not found.outside.grows
    if found.verdict == LEAK:
        assert [each for each in found.findings if each.verdict == LEAK]
    if found.verdict == INCONCLUSIVE and not report.ended:
        assert (found.more or 0) >= 1
    assert len(report.findings) + report.hidden == len(found.findings)
    if leaks:
        assert leaks[0].rate == max(leak.rate for leak in leaks)
    verdicts = [each.finding.verdict == LEAK for each in report.findings]
    assert verdicts == sorted(verdicts, reverse=True), "leaks come first"
    head = report.summary.partition(":")[0]
    assert head == {"leak": "Leak", "no-leak": "No leak"}.get(
        found.verdict, found.verdict.capitalize()
    )
    if report.ended:
        assert "Take " not in report.summary
        assert "more will" not in report.summary
    assert len(set(report.notes)) == len(report.notes), report.notes


def _finding(finding: Finding) -> None:
    assert finding.sites[0] == finding.site
    assert len(finding.sites) == len(set(finding.sites))
    assert finding.share is None or finding.share <= 1 + SLIGHTLY or finding.verdict != LEAK
    if finding.verdict == LEAK:
        assert finding.low <= finding.rate + abs(finding.rate) * SLIGHTLY, (
            "the interval holds its estimate"
        )
        assert finding.rate <= finding.high + abs(finding.rate) * SLIGHTLY, (
            "the interval holds its estimate"
        )
        assert all(map(math.isfinite, (finding.low, finding.rate, finding.high, finding.p)))
    assert 0 <= finding.p <= 1
    assert finding.task_runs is None or 0 < finding.task_runs <= 1
    assert 0 < len(finding.parts) <= finding.of
    assert growths.reason(finding)


# -- what is read ---------------------------------------------------------------------

_NOUNS = (
    "task", "snapshot", "process", "child", "children", "sample", "block", "stack", "line", "file",
    "package", "finding", "growth", "second", "frame", "folder", "caller", "row", "site", "type",
)  # fmt: skip
_MANY = {"process": "processes", "children": "children", "child": "children"}
_PLURALS = {_MANY.get(noun, f"{noun}s") for noun in _NOUNS}
_ONE = re.compile(rf"(?<![\d.,/\w:-])1 (?:more )?({'|'.join(sorted(_PLURALS))})\b(?!\.\w)")
_SEVERAL = re.compile(
    rf"(?<![\d.,\w:-])(?!1 )(\d[\d,.]*) (?:more )?({'|'.join(noun for noun in _NOUNS if noun not in _PLURALS)})\b(?! of |\.\w)"
)
_EXPONENT = re.compile(r"\d(?:\.\d+)?e[+-]?\d+\b")
_PERCENT = re.compile(r"(?<![\w.])(\d[\d.]*) %")


def reads_well(text: str) -> None:
    """The laws of what is printed: of a page or of a ticket."""
    flowing = " ".join(text.split())
    for wrong in (_ONE, _SEVERAL, _EXPONENT):
        match = wrong.search(flowing)
        assert match is None, (
            f"{match[0]!r} in: {flowing[max(0, match.start() - 60) : match.end() + 40]}"
        )
    assert " 0 tasks at this rate" not in flowing
    assert "in 0 tasks" not in flowing
    for of_growth in re.finditer(r"(\d[\d.]*) % of (?:the|what)", flowing):
        assert float(of_growth[1]) <= 100, of_growth[0]
    for nothing in ("None", "nan", "inf B", "--", "..:", " ,", "( "):
        assert nothing not in re.sub(r"`[^`]*`|\S*--\S+", "", flowing).split() or nothing == "--", (
            nothing
        )
    _nothing_twice(text)


def _nothing_twice(text: str) -> None:
    """No clause of five words or more stands in two places."""
    clauses: Counter[str] = Counter()
    for line in re.split(r"\n\s*\n|\n(?=\S)", text):
        for clause in set(re.split(r"[;:.,](?:\s|$)", " ".join(line.split()))):
            words = clause.strip().casefold()
            if len(re.findall(r"[a-z]{2,}", words)) >= 5:
                clauses[words] += 1
    twice = [clause for clause, number in clauses.items() if number > 1]
    assert not twice, twice


# -- JSON -----------------------------------------------------------------------------


def adds_up(document: dict[str, Any]) -> None:
    """The laws that the contract promises to scripts."""
    command = document["schema"].partition("/")[2].partition("@")[0]
    if command in ("top", "diff"):
        for measure in document["totals"]:
            parts = [row[measure] for row in document["rows"]]
            parts += [document["remainder"][measure], document["dropped"][measure]]
            assert sum(parts) == document["totals"][measure], measure
    if command in ("trend", "verdict"):
        leaks = [each for each in document["findings"] if each["verdict"] == "leak"]
        assert sum(each["share"] or 0 for each in leaks) <= 1 + SLIGHTLY
        for each in leaks:
            low, high = each["ci95"]
            assert low <= each["bytes_per_unit"] * (1 + SLIGHTLY)
            assert each["bytes_per_unit"] <= high * (1 + SLIGHTLY)
        if document["verdict"] == "no-leak":
            assert not leaks
