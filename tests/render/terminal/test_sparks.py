"""A series in one line of text."""

from __future__ import annotations

from leakhunt.render.terminal.sparks import ASCII, BARS, spark


def test_a_sparkline_has_the_shape_of_its_series() -> None:
    assert spark([0, 7, 0, 7], True) == "▁█▁█"
    assert spark([5, 5, 5], True) == "▁▁▁"
    assert spark([], True) == ""


def test_from_zero_a_steady_series_is_full() -> None:
    assert spark([5, 5, 5], True, 0.0) == "███"
    assert spark([0, 0], True, 0.0) == "▁▁"


def test_both_alphabets_have_as_many_steps() -> None:
    assert len(set(BARS)) == len(set(ASCII)) == 8
    assert spark([0, 7], False) == f"{ASCII[0]}{ASCII[-1]}"
