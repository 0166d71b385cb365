"""Series against the runs of one task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.history import History
from leakhunt.judge.owners import Book, Range, in_step
from leakhunt.judge.series import shape
from leakhunt.judge.series.shape import LEAK
from tests.support.builders import history, stack

WHERE = "/srv/shop/tasks.py:40"
#: Of 100 tasks between two snapshots each.
RUNS = [10, 90, 20, 70, 5, 60, 15, 80, 30]


def following(**facts: Any) -> History:
    """Grows with the runs of one of two tasks, but for a little."""
    done = [0]
    for number in RUNS:
        done.append(done[-1] + number)
    ledger = [{"take": {"runs": n}, "send": {"runs": 100 * i - n}} for i, n in enumerate(done)]
    wobble = [0, 300, -200, 100, -300, 250, -150, 200, -100, 0]
    sizes = [1000 * n + 10_000 + w for n, w in zip(done, wobble)]
    return history((WHERE, sizes, [n + 10 for n in done]), ledger=ledger, **facts)


def test_rate_and_interval_are_by_all_units_whatever_the_axis() -> None:
    made = following()
    book, key = Book(made), (stack(WHERE),)
    judged = book.judge(key)
    assert (judged.verdict, judged.axis) == (LEAK, "take")
    alone = shape.judge(replace(made.series(key), t=book.runs["take"]))
    share = sum(RUNS) / 900
    assert judged.rate == pytest.approx(alone.rate * share)
    assert judged.low == pytest.approx(alone.low * share)
    assert judged.high == pytest.approx(alone.high * share)
    assert judged.low < judged.rate < judged.high


def test_the_choice_of_an_axis_is_paid_for_where_sizes_are_samples() -> None:
    made = following()
    key = stack(WHERE)
    samples = [max(1, size // 100) for size in made.tracks[key].sizes]
    sampled = replace(
        made, variances={key: [10_000.0 * n for n in samples]}, samples={key: samples}
    )
    book = Book(sampled)
    judged = book.judge((key,))
    assert judged.axis == "take"
    alone = shape.judge(replace(sampled.series((key,)), t=book.runs["take"]))
    assert alone.verdict == judged.verdict == LEAK
    assert 0 < judged.p < 1
    assert judged.p == pytest.approx(alone.p * 3, abs=0.0)


@pytest.mark.parametrize(("part", "axis"), [(0.5, None), (0.6, "take")])
def test_a_task_is_the_axis_where_it_fits_clearly_better(part: float, axis: str | None) -> None:
    """By its runs the misfit is 0.84 and 0.63 of that by all units: by less it may be an accident."""
    done = [0, 50, 110, 155, 210, 250, 308, 355, 407, 456]
    ledger = [{"take": {"runs": n}, "send": {"runs": 100 * i - n}} for i, n in enumerate(done)]
    sizes = [
        round(100_000 * i + 1000 * part * (n - 50 * i) + 10_000 + 2700 * (-1) ** i)
        for i, n in enumerate(done)
    ]
    made = history((WHERE, sizes, [1] * len(done)), ledger=ledger)
    assert Book(made).judge((stack(WHERE),)).axis == axis


SIZES = st.lists(st.integers(0, 1 << 40), min_size=4, max_size=4)


@given(st.lists(SIZES, max_size=6), SIZES, st.floats(0, 1))
def test_one_in_a_range_is_in_step_with_each(
    several: list[list[int]], one: list[int], apart: float
) -> None:
    range_ = Range()
    for each in several:
        range_.add(each)
    assert range_.admits(one, apart) == all(in_step(one, each, apart) for each in several)
