"""Types of objects over a series."""

from __future__ import annotations

import pytest

from leakhunt.judge import types
from leakhunt.judge.series.shape import LEAK
from tests.support.heaps import FILLS, FLAT, UP, census, walked


def test_a_type_that_goes_on_growing_leaks_and_a_cache_that_fills_does_not() -> None:
    told = types.growths(walked(census(Order=UP, str=FLAT, Page=FILLS)))
    judged = {each.name: each for each in told}
    assert set(judged) == {"Order", "Page"}
    assert judged["Order"].verdict == LEAK
    assert judged["Order"].low <= 60 <= judged["Order"].high  # 6,000 bytes in 100 tasks
    assert judged["Page"].verdict != LEAK


def test_one_that_was_too_small_to_be_told_has_not_grown_more_than_it_can_have() -> None:
    """Before it is among the largest it counts as the smallest of these."""
    late = [None] * 3 + [950_000 + 1_000 * at for at in range(7)]
    told = types.growths(walked(census(str=FLAT, Late=late)))
    (grown,) = (each for each in told if each.name == "Late")
    assert grown.sizes[:3] == (900_000,) * 3


@pytest.mark.parametrize("told", [0, 1, 2, 3])
def test_snapshots_that_do_not_tell_are_left_out(told: int) -> None:
    rows = [
        row if at % 4 == 0 and at // 4 < told else None for at, row in enumerate(census(Order=UP))
    ]
    assert types.told(walked(rows)) == told
    assert bool(types.growths(walked(rows))) is (told == 3)
