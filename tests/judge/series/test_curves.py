"""Curves against what they must tell apart."""

from __future__ import annotations

import math

from leakhunt.judge.series import curves


def test_a_bend_is_told_from_a_pace_that_falls_all_the_time() -> None:
    at = [(step + 0.5) / 7 for step in range(7)]
    bent = [100.0, 20, 19, 21, 20, 22, 19]
    assert curves.bends(at, bent, [1.0] * 7)
    assert not curves.bends(at, [count / 10 for count in bent], [1.0] * 7)  # too few
    assert not curves.bends(at, [100 * math.exp(-2 * x) for x in at], [1.0] * 7)
    assert not curves.bends(at, [30 / (x + 0.1) for x in at], [1.0] * 7)
    assert not curves.bends(at, [30 / math.sqrt(x) for x in at], [1.0] * 7)
    assert not curves.bends(at, [0.0] * 7, [1.0] * 7)
