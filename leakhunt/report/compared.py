"""What a renderer of ``leakhunt compare`` gets."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.gate import compared
from leakhunt.gate.compared import Compared
from leakhunt.judge.history import History
from leakhunt.report.labels import Labels
from leakhunt.report.words import compared as words


@dataclass(frozen=True)
class CompareReport:
    """Everything that ``leakhunt compare`` shows."""

    result: Compared
    summary: str
    before: Labels
    after: Labels
    notes: tuple[str, ...]


def compare(before: History, after: History, notes: tuple[str, ...] = ()) -> CompareReport:
    """Raises LeakhuntError where their units differ."""
    result = compared.compare(before, after)
    told = (*words.differences(result), *words.blind(result), *notes)
    return CompareReport(result, words.summary(result), Labels(before), Labels(after), told)
