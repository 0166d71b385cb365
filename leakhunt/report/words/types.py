"""Types of objects that grow, in words."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.judge.history import History
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.types import TypeGrowth
from leakhunt.report.words.places import who


def summary(history: History, growths: Sequence[TypeGrowth], told: int, enough: int) -> str:
    """Which type grows fastest, or why nothing can be said."""
    of = who(history)
    if told < enough:
        return (
            f"{units.counted(told, 'snapshot')} of {of} {units.plural(told, 'tells', 'tell')} of the whole heap, "
            f"and it takes {enough}: LEAKHUNT_WALK says how far snapshots look"
        )
    leaks = [growth for growth in growths if growth.verdict == LEAK]
    if leaks:
        first = leaks[0]
        more = f", and {units.counted(len(leaks) - 1, 'more type')}" if len(leaks) > 1 else ""
        return f"{first.name} grows by {units.rate(first.rate, history.noun)} in {of}{more}"
    if growths:
        return f"no type of object grows for good in {of}"
    return f"no type of object grows in {of}"


def notes(growths: Sequence[TypeGrowth]) -> tuple[str, ...]:
    """What the figures are."""
    return ("sizes are of the objects themselves, not of what they keep",) if growths else ()
