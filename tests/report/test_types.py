"""``trend -g type``: of several processes the one whose objects leak."""

from __future__ import annotations

from leakhunt.report.types import by_type
from tests.support.heaps import FILLS, FLAT, UP, census, types_report, walked


def test_the_process_that_leaks_is_told_and_not_the_one_that_grew_more() -> None:
    quiet, leaking = walked(census(Page=FILLS)), walked(census(Order=UP))
    report = by_type([quiet, leaking], None, (), 0)
    assert report.history is leaking
    assert [each.name for each in report.growths] == ["Order"]


def test_a_limit_hides_rows_and_keeps_them() -> None:
    report = types_report(census(Order=UP, Page=FILLS, str=FLAT), limit=1)
    assert [rank for rank, _ in report.ranked] == [1]
    assert len(report.growths) == 2
