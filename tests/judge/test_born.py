"""A leak that begins suddenly: since when, and at which rate, within a period too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge import codes
from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.born import _moment
from leakhunt.judge.reasons import onset
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import judge
from leakhunt.model.snapshot import Calendar
from tests.support.builders import history, stack
from tests.support.lives import BLOCK, PERIOD, aged, held

LINE = "/srv/shop/tasks.py:40"
RATE = 10 * BLOCK  # bytes per task


@pytest.mark.parametrize("begun", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("period", [4, 8])
def test_a_rate_is_that_of_whole_periods_and_the_onset_lies_within_one(
    period: int, begun: float
) -> None:
    """The leak begins when that part of the period has passed; the rate over it would be too low."""
    each = RATE * PERIOD
    sizes = [0.0] * period + [each * (1 - begun)] + [each] * (23 - period)
    history = lived(aged((LINE, sizes), ("/srv/shop/tasks.py:9", [each] + [0.0] * 23)))
    assert history is not None
    shape = Survivors(history).judge([stack(LINE)])
    assert shape.verdict == LEAK
    assert shape.rate == pytest.approx(RATE)
    assert shape.blocks_rate == pytest.approx(RATE / BLOCK)
    assert shape.low < RATE < shape.high
    assert onset(history, shape) == pytest.approx((period + begun) * PERIOD)


def test_a_leak_from_the_start_began_at_the_start() -> None:
    history = lived(aged((LINE, [RATE * PERIOD] * 12)))
    assert history is not None
    shape = Survivors(history).judge([stack(LINE)])
    assert (shape.verdict, shape.since) == (LEAK, 0)
    assert onset(history, shape) == 0.0


@pytest.mark.parametrize(
    ("unit", "moment"), [(0, 100.0), (10, 200.0), (15, 350.0), (20, 500.0), (99, 500.0)]
)
def test_a_moment_between_two_edges_is_at_an_even_pace(unit: float, moment: float) -> None:
    calendar = Calendar("task", (0, 10, 20), (100.0, 200.0, 500.0), (None, None), 0)
    assert _moment(calendar, unit) == moment


def test_a_moment_that_nobody_knows_is_none() -> None:
    calendar = Calendar("task", (0, 10, 20), (None, 200.0, None), (None, None), 0)
    assert _moment(calendar, 5) == 200.0
    assert _moment(calendar, 15) is None


def test_what_was_born_in_each_period_is_told() -> None:
    """Nothing in the first eight."""
    each = RATE * PERIOD
    history = lived(aged((LINE, [0.0] * 8 + [each] * 16), ("/srv/shop/a.py:9", [each] * 24)))
    assert history is not None
    verdict = judge([history])
    found = next(one for one in verdict.findings if one.site == stack(LINE)[-1])
    assert found.born is not None
    _, sizes = found.born
    assert [round(size / each) for size in sizes] == [0] * 8 + [1] * 16
    assert found.since is not None
    assert (found.since.unit, found.reason.code) == (8 * PERIOD, codes.BORN_EVENLY)


def test_what_keeps_a_leak_is_not_the_module_that_its_line_has_imported_once() -> None:
    """The first call imports: a table that is larger than all that leaks since, and never grows."""
    imports = f"/usr/lib/python3.11/stringprep.py:21 < {LINE}"
    each = RATE * PERIOD
    snapshot = aged(
        (LINE, [each] * 12),
        (imports, [40 * each] + [0.0] * 11),
        retention={
            LINE: held("list", 240, None, size=round(12 * each)),
            imports: held("dict", 650, None, "stringprep", size=round(40 * each)),
        },
    )
    verdict = judge([replace(history((LINE, [1], [1])), newest=snapshot)])
    (found,) = [one for one in verdict.findings if one.verdict == LEAK]
    assert {stack(LINE), stack(imports)} <= set(found.stacks)
    assert found.holder is not None
    assert (found.holder.container_type, found.holder.length) == ("list", 240)
