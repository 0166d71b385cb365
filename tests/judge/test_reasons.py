"""Each verdict's reason, with its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.codes import Reason, because
from leakhunt.judge.enough import Wanted
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.reasons import first_unit, reason
from leakhunt.judge.series.shape import LEAK, NOISE, SAWTOOTH, STEP, TURNOVER, WARM_UP
from leakhunt.model.snapshot import Calendar
from tests.support.builders import history, snap
from tests.support.growing import LINE, growth, rising


def told(sizes: list[int], missing: Wanted | None = None, **judged: Any) -> Reason:
    """The reason of a line with those sizes, after 100 tasks each, judged so."""
    made = history((LINE, sizes, [1] * len(sizes)))
    return reason(made, growth(Book(made), LINE, **judged), missing)


def figures(found: Reason) -> dict[str, float]:
    return dict(found.figures)


def test_what_explains_it_comes_first_then_what_is_missing_then_its_shape() -> None:
    made = history((LINE, rising(100), [1] * 8))
    judged = growth(Book(made), LINE, verdict=LEAK, since=0)
    missing = Wanted(4, 2048.0, 70.0)
    explained = replace(judged, why=because(codes.UNCOLLECTED))
    assert reason(made, explained, missing) == because(codes.UNCOLLECTED)
    assert reason(made, judged, missing) == because(
        codes.TOO_FEW_SAMPLES, samples=4, size=2048.0, units=70.0
    )
    assert reason(made, judged, None) == because(codes.FROM_THE_FIRST)


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ({"since": 0}, because(codes.FROM_THE_FIRST)),
        ({"since": 2}, because(codes.STEADY, since=3, of=8)),  # counted from 1
        ({"since": 2, "valleys": True}, because(codes.VALLEYS_RISE, since=3, of=8)),
        ({"since": 0, "valleys": True}, because(codes.VALLEYS_RISE, since=1, of=8)),
    ],
)
def test_a_leak_is_told_by_where_it_begins(judged: dict[str, Any], expected: Reason) -> None:
    assert told(rising(100), verdict=LEAK, **judged) == expected


def test_a_step_is_told_by_its_largest_increment_and_the_snapshot_after_it() -> None:
    sizes = [100, 110, 500, 510, 505]
    assert told(sizes, verdict=STEP) == because(codes.ONE_JUMP, size=390, at=3, of=5)
    assert told([0, 0, 0, 0, 900], verdict=STEP) == because(codes.ONE_JUMP, size=900, at=5, of=5)


def test_a_sawtooth_is_told_by_how_low_it_falls_and_how_far_apart_where_there_are_enough() -> None:
    """Falls at the snapshots 3, 5 and 8: 200 and 300 tasks apart, 250 in the middle."""
    sizes = [0, 100, 10, 100, 20, 60, 100, 5, 50]
    found = told(sizes, verdict=SAWTOOTH)
    assert found.code == codes.FALLS_BACK
    assert figures(found) == {"size": 5, "apart": 250}
    assert LEVELS.worth.falls == 3
    assert figures(told(sizes[:7], verdict=SAWTOOTH)) == {"size": 10}
    # It falls by no good part of its range: its lowest size is told.
    assert figures(told([50, 100, 75, 30, 90], verdict=SAWTOOTH)) == {"size": 30}
    assert figures(told([0, 100, 90, 95, 85], verdict=SAWTOOTH)) == {"size": 0}


def test_a_warm_up_is_told_by_where_it_is_flat_else_by_how_much_slower_it_gets() -> None:
    sizes = [0, 40, 80, 100, 110, 120, 130]
    assert told(sizes, verdict=WARM_UP, since=2) == because(codes.LEVELS_OFF, since=3)
    # Flat at no snapshot but the last, or at none: 40, 40, 20 in the first half (the median
    # of its slopes is 40 - 100/3 among others), 10 in the second.
    for since in (0, len(sizes) - 1):
        found = told(sizes, verdict=WARM_UP, since=since)
        assert found.code == codes.SLOWS_DOWN
        assert 10 / 40 <= figures(found)["late"] <= 10 / 20


def test_no_figure_is_told_where_the_second_half_is_no_slower() -> None:
    assert told([0, 10, 20, 60, 100], verdict=WARM_UP) == because(codes.SLOWS_DOWN)
    assert told([100, 90, 80, 70, 60], verdict=WARM_UP) == because(codes.SLOWS_DOWN)
    assert told([0, 50, 100, 80, 60], verdict=WARM_UP) == because(codes.SLOWS_DOWN, late=0.0)


def test_what_has_no_shape_is_told_by_its_samples_else_by_whether_it_still_rises() -> None:
    few = LEVELS.samples.suspicious
    assert told([1, 2, 1], verdict=NOISE, open=True, samples=few - 1) == because(
        codes.HARDLY_SAMPLED, samples=few - 1
    )
    assert told([1, 2, 1], verdict=NOISE, open=True, samples=few) == because(codes.RISES_UNSURELY)
    assert told([1, 2, 1], verdict=NOISE, open=True) == because(codes.RISES_UNSURELY)
    assert told([1, 2, 1], verdict=NOISE, open=False) == because(codes.NO_DIRECTION)


# -- of one snapshot's ages -----------------------------------------------------------


def life(sizes: list[int]) -> History:
    """Columns at the edges 150, 250, ... of a process that did 50 tasks before it was traced."""
    made = history((LINE, sizes, [1] * len(sizes)))
    edges = tuple(50 + 100 * index for index in range(len(sizes) + 1))
    calendar = Calendar("task", edges, (None,) * len(edges), (1.0,) * len(sizes), 50)
    return replace(made, lived=True, newest=replace(snap("a.py:1 1B x1"), calendar=calendar))


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ({"verdict": LEAK, "since": 0}, because(codes.BORN_EVENLY, since=0.0, belief=0.9)),
        # The third column is the edge 350.
        ({"verdict": LEAK, "since": 2}, because(codes.BORN_EVENLY, since=350.0, belief=0.9)),
        (
            {"verdict": LEAK, "since": 0, "entries": 70},
            because(codes.BORN_EVENLY, since=0.0, belief=0.9, entries=70),
        ),
        ({"verdict": WARM_UP}, because(codes.BIRTHS_DIE_OUT, belief=0.9)),
        ({"verdict": TURNOVER}, because(codes.YOUNG, belief=0.9)),
        ({"verdict": STEP}, because(codes.BORN_AT_ONCE, size=700, at=350.0)),
        ({"verdict": NOISE, "samples": 4}, because(codes.AGES_UNSURE, samples=4)),
    ],
)
def test_ages_tell_by_the_unit_of_the_process(judged: dict[str, Any], expected: Reason) -> None:
    made = life([100, 200, 900, 950])
    assert reason(made, growth(Book(made), LINE, belief=0.9, **judged), None) == expected


def test_units_are_counted_from_the_start_of_the_process() -> None:
    made = life([100, 200, 900])
    assert first_unit(made) == 150
    assert first_unit(replace(made, lived=False)) == 100  # tasks done at the first snapshot
    assert first_unit(replace(made, newest=None)) == 100
    unknown = history((LINE, [1, 2, 3], [1, 1, 1]), tasks_done=None)
    assert first_unit(unknown) == 0
