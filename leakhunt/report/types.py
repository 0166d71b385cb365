"""What a renderer of ``leakhunt trend -g type`` gets: the types of objects that grow in a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakhunt.judge import types
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.types import TypeGrowth
from leakhunt.report.words import types as words


@dataclass(frozen=True)
class TypesReport:
    """Everything that is shown."""

    history: History
    """Of the process whose objects grew most."""
    growths: tuple[TypeGrowth, ...]
    summary: str
    why: str | None
    notes: tuple[str, ...]
    limit: int = 0
    """Types that are shown; 0: all."""

    @property
    def ranked(self) -> list[tuple[int, TypeGrowth]]:
        """The types that are shown, numbered from 1."""
        return list(enumerate(self.growths[: self.limit or None], 1))


def by_type(
    histories: Sequence[History], why: str | None, notes: tuple[str, ...], limit: int
) -> TypesReport:
    """Of several processes the one that leaks most by its types, else that grew most."""
    judged = [(history, types.growths(history)) for history in histories]
    history, growths = max(judged, key=_weight)
    said = words.summary(history, growths, types.told(history), LEVELS.lives.snapshots)
    return TypesReport(history, growths, said, why, (*words.notes(growths), *notes), limit)


def _weight(each: tuple[History, tuple[TypeGrowth, ...]]) -> tuple[float, int, int]:
    history, growths = each
    rates = [growth.rate for growth in growths if growth.verdict == LEAK]
    return sum(rates), sum(growth.grown for growth in growths), types.told(history)
