"""Two series as a renderer gets them."""

from __future__ import annotations

import pytest

from leakhunt.errors import LeakhuntError
from leakhunt.gate import compared
from leakhunt.judge.history import History
from leakhunt.model.snapshot import Frame
from leakhunt.report.compared import compare
from tests.support.builders import history
from tests.support.growing import rising

TASKS = "/srv/shop/tasks.py:40"
FRAMES = {"/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")}}


def leaking() -> History:
    return history((TASKS, rising(50_000, 12), rising(100, 12)), frames=FRAMES)


def flat(function: str = "take") -> History:
    frames = {"/srv/shop/tasks.py": {40: (function, "ORDERS.append(order)")}}
    return history((TASKS, [50_000] * 12, [100] * 12), frames=frames)


def test_a_leak_that_is_gone_is_fixed() -> None:
    report = compare(leaking(), flat(), ("note",))
    assert report.result.word == compared.FIXED
    assert report.summary.startswith("Fixed: tasks.py:40 (take) gone: ")
    assert report.notes == ("note",)


def test_a_leak_that_has_come_is_new() -> None:
    report = compare(flat(), leaking())
    assert report.result.is_worse
    assert report.summary.startswith("New leak: ")


def test_each_side_is_labelled_by_its_own_source() -> None:
    report = compare(flat("old_name"), leaking())
    frame = Frame("/srv/shop/tasks.py", 40)
    assert report.before.spot(frame).function == "old_name"
    assert report.after.spot(frame).function == "take"


def test_series_of_unlike_units_cannot_be_compared() -> None:
    from dataclasses import replace

    with pytest.raises(LeakhuntError, match="growth cannot be compared"):
        compare(replace(leaking(), unit="second"), flat())
