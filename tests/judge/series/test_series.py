"""A series cut to a part of itself, its errors with it."""

from __future__ import annotations

import pytest

from leakhunt.judge.series.errors import Estimates
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Drift, Halves, Series

T = (0.0, 10.0, 30.0, 60.0)
WHOLE = Series(T, (5.0, 7.0, 4.0, 9.0), (1.0, 2.0, 3.0, 4.0), EXACT)
SAMPLED = Series(
    T, WHOLE.sizes, WHOLE.counts, Estimates([1.0, 2.0, 3.0, 4.0], [5, 6, 7, 8], [9.0, 10.0, 11.0, 12.0])
)  # fmt: skip


def test_the_rise_is_from_end_to_end() -> None:
    assert WHOLE.rise == 4.0
    assert Series(T, (5.0, 9.0, 4.0, 7.0), WHOLE.counts, EXACT).rise == 2.0  # not to its highest
    assert len(WHOLE) == 4


def test_a_later_part_has_its_own_clock_sizes_and_errors() -> None:
    part = SAMPLED.since(1)
    assert (part.t, part.sizes, part.counts) == (T[1:], (7.0, 4.0, 9.0), (2.0, 3.0, 4.0))
    assert part.errors == Estimates([2.0, 3.0, 4.0], [6, 7, 8], [10.0, 11.0, 12.0])
    assert part.rise == 2.0
    assert WHOLE.since(0) is WHOLE
    assert WHOLE.since(3).rise == 0.0


@pytest.mark.parametrize("chosen", [[0, 2, 3], [1], [3, 0]])
def test_single_snapshots_are_taken_with_all_that_is_theirs(chosen: list[int]) -> None:
    part = SAMPLED.at(chosen)
    assert [*part.t] == [T[index] for index in chosen]
    assert [*part.sizes] == [WHOLE.sizes[index] for index in chosen]
    assert [*part.counts] == [WHOLE.counts[index] for index in chosen]
    assert part.errors == Estimates(
        [[1.0, 2.0, 3.0, 4.0][index] for index in chosen],
        [[5, 6, 7, 8][index] for index in chosen],
        [[9.0, 10.0, 11.0, 12.0][index] for index in chosen],
    )


def test_figures_are_by_name() -> None:
    assert Drift(rate=1.0, error=2.0, freedom=3.0) == (1.0, 2.0, 3.0)
    assert Halves(rises=(1.0, 2.0), times=(3.0, 4.0)) == ((1.0, 2.0), (3.0, 4.0))
