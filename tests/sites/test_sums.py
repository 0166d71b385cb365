"""Stacks are added up into rows: which stack leads one, what is dropped, how parts are shared out."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from leakhunt.model.paths import prefixes
from leakhunt.model.query import Query
from leakhunt.model.snapshot import UNTOLD
from leakhunt.sites.sums import RowSums, shared_out
from leakhunt.snapshots.filters import selector
from tests.support.builders import snap, stack


def test_a_row_is_led_by_the_stack_that_changed_most_whichever_comes_first() -> None:
    small, large, still = (stack(f"/srv/shop/{name}.py:1") for name in ("z", "m", "a"))
    four = {small: (0, 0, 10, 1), large: (90, 9, 60, 6), still: (5000, 5, 5000, 5)}
    for order in ((small, large, still), (still, large, small), (large, still, small)):
        sums = RowSums()
        for depth, each in enumerate(order):
            sums.enter("row", four[each], each, depth)
        assert sums.leads([0]) == [(large, order.index(large))]
        assert [list(row) for row in sums.rows] == [[5090, 14, 5070, 12]]


def test_what_is_dropped_is_added_up_and_its_sites_are_counted_once() -> None:
    sums = RowSums()
    for four in ((1, 2, 3, 4), (10, 20, 30, 40)):
        sums.drop("site", four)
    assert sums.dropped == [11, 22, 33, 44]
    assert sums.dropped_sites == {"site"}
    assert list(sums.amounts) == [(), (), (), ()]


def test_the_error_of_a_part_is_its_share_of_the_variance() -> None:
    """By hand: 1,000 ± 300 B, of which 360 are dict: its error is 300 times the root of 0.36."""
    place = stack("/srv/shop/a.py:1")
    told = replace(UNTOLD, stderr=300.0, types={"dict": 360, "str": 640})
    sampled = replace(snap("/srv/shop/a.py:1 1000B x10"), facts=MappingProxyType({place: told}))
    query = Query("type", show_all=True)
    sums, errors = shared_out(None, sampled, query, selector(query, prefixes({})))
    assert errors is not None
    assert [errors["dict"], errors["str"]] == pytest.approx([180.0, 240.0])
    assert [sums.frame(index).file for index in range(2)] == ["dict", "str"]
    exact = snap("/srv/shop/a.py:1 1000B x10")
    assert shared_out(None, exact, query, selector(query, prefixes({})))[1] is None
