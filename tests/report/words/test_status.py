"""Where one stands, and what to type next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, UNEXPLAINED
from leakhunt.report.words import status
from leakhunt.snapshots.series import Series
from tests.support.growing import hourly


def test_where_one_stands_names_some_and_counts_the_rest() -> None:
    names = ["a", "b", "c", "d", "e"]
    assert status.hooked([]) == "no process of this host that you may signal"
    assert status.hooked(names[:1]) == "1 process: a"
    assert status.hooked(names[:3]) == "3 processes: a, b, c"
    assert status.hooked(names) == "5 processes: a, b, c and 2 more"
    assert status.snapshots([]) == "none yet"
    assert status.snapshots([hourly(1, 2), hourly(1, alive=False)]) == (
        "3 snapshots of 2 processes, the newest of 4242, 2027-01-15 12:00:00Z; this process has ended"
    )


def test_the_next_step_is_for_what_there_is() -> None:
    def first(hooked: list[str], *series: Series) -> str:
        return next(command for command, _ in status.steps(hooked, series, None))

    assert first([]) == "leakhunt demo"
    assert first([], hourly(1)) == "leakhunt top"
    assert first([], hourly(1, 2)) == "leakhunt diff"
    assert first([], hourly(1, 2, 3)) == "leakhunt ls"
    assert first(["a"], hourly(1, 2)) == "leakhunt dump --all"
    assert first(["a"], hourly(1, 2, 3)) == "leakhunt ls"


def test_the_next_step_is_by_what_was_judged() -> None:
    """More snapshots are asked of processes that run, and of no others."""

    def first(hooked: list[str], verdict: str) -> str:
        judged: Any = SimpleNamespace(verdict=verdict)
        return next(command for command, _ in status.steps(hooked, [hourly(1, 2, 3)], judged))

    assert first(["a"], LEAK) == first([], UNEXPLAINED) == "leakhunt verdict -v"
    assert first(["a"], INCONCLUSIVE) == "leakhunt dump --all"
    assert first([], INCONCLUSIVE) == first(["a"], NO_LEAK) == "leakhunt ls"
