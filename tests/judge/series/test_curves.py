"""Curves against what they must tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

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


@pytest.mark.parametrize("scale", [1, 100])
def test_counts_that_scatter_show_no_bend_however_many_they_are(scale: int) -> None:
    """A pace that goes up and down around one level: Poisson's counts would not."""
    at = [(step + 0.5) / 12 for step in range(12)]
    wild = [scale * (28.0 if step % 2 else 12.0) for step in range(12)]
    assert not curves.bends(at, wild, [1.0] * 12)
    bent = [scale * (110.0 if step % 2 else 90.0) * (1 if step < 2 else 0.2) for step in range(12)]
    assert curves.bends(at, bent, [1.0] * 12)


def test_a_bend_is_followed_by_a_steeper_or_flatter_line_from_a_knot_on() -> None:
    """What bends in the middle is no straight line, and the bent ones leave nothing of it."""
    clock = tuple(n / 10 for n in range(11))
    models = curves._models(clock)
    sizes = [at + 3 * max(0.0, at - 0.4) for at in clock]
    assert min(curves.left(model, sizes) for model in models.bent) < 1e-12
    assert curves.left(models.straight, sizes) > 0.1


def test_what_a_straight_line_explains_is_compared_with_no_curve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nearly every line that rises is one, and the curves are four dozen."""
    fitted: list[curves.Basis] = []
    left = curves._left

    def counted(basis: curves.Basis, rest: Sequence[float]) -> float:
        fitted.append(basis)
        return left(basis, rest)

    monkeypatch.setattr(curves, "_left", counted)
    t = [100.0 * index for index in range(12)]
    assert not curves.saturates(t, [50 * at for at in t], surely=True)
    assert len(fitted) == 2  # with the first snapshot and without it
    assert curves.saturates(t, [1e6 * (1 - math.exp(-at / 275)) for at in t], surely=True)
    assert len(fitted) > 24
