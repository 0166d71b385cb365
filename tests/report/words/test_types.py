"""What is said of types that grow."""

from __future__ import annotations

import pytest

from tests.support.heaps import FILLS, FLAT, UP, census, types_report


def test_the_fastest_leak_is_named_with_its_rate() -> None:
    assert "shop.Order grows by " in types_report(census(**{"shop.Order": UP, "str": FLAT})).summary
    both = types_report(census(Order=UP, Line=[3 * size for size in UP])).summary
    assert both.startswith("Line grows by ")
    assert both.endswith(", and 1 more type")


def test_what_only_grew_is_no_leak_and_what_stands_is_no_growth() -> None:
    assert "no type of object grows for good" in types_report(census(Page=FILLS)).summary
    assert "no type of object grows in" in types_report(census(str=FLAT)).summary


@pytest.mark.parametrize(
    ("told", "said"), [(0, "0 snapshots"), (1, "1 snapshot of"), (2, "2 snapshots")]
)
def test_too_few_walks_are_said_with_the_setting(told: int, said: str) -> None:
    rows = [row if at < told else None for at, row in enumerate(census(Order=UP))]
    summary = types_report(rows).summary
    assert summary.startswith(said)
    assert "LEAKHUNT_WALK" in summary
