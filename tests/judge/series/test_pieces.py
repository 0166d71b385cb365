"""How sure a sum of what runs kept is."""

from __future__ import annotations

import random
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.series.pieces import Piece, sure
from leakhunt.judge.series.stats import student_quantile


def test_one_piece_tells_nothing() -> None:
    assert sure([]) is None
    assert sure([Piece(9, 100)]) is None
    assert sure([Piece(0, 0), Piece(0, 0)]) is None
    assert sure([Piece(9, 100), Piece(0, 0)]) is None  # as one


def test_even_pieces_are_a_mean_as_in_any_book() -> None:
    kept = [3, 5, 4, 8]
    told = sure([Piece(1, size) for size in kept])
    assert told is not None
    deviation = sqrt(sum((size - 5) ** 2 for size in kept) / 3)
    assert isclose(told.error, 4 * deviation / sqrt(4))
    assert isclose(told.high - 20, student_quantile(0.975, 3) * told.error)
    assert isclose(told.high - 20, 20 - told.low)


def test_what_each_run_keeps_alike_is_sure() -> None:
    assert sure([Piece(10, 100), Piece(10, 100), Piece(3, 30)]) == (0, 230, 230)


def test_it_is_no_surer_than_one_sample_of_each_process() -> None:
    told = sure([Piece(10, 0), Piece(10, 0)], [300.0, 400.0])
    assert told is not None
    assert isclose(told.error, 500)
    assert told.low < 0 < told.high


@given(st.lists(st.builds(Piece, st.integers(1, 50), st.integers(-(10**6), 10**6)), min_size=2))
def test_the_sum_is_within(pieces: list[Piece]) -> None:
    told, total = sure(pieces), sum(piece.kept for piece in pieces)
    assert told is not None
    assert told.low <= total <= told.high
    assert told.error >= 0


@pytest.mark.parametrize("samples", [2, 10, 100])
def test_sampled_blocks_that_come_and_go_are_seldom_taken_for_kept(samples: int) -> None:
    """Blocks that one task leaves and another frees: what is sampled of them is as often more as it is less."""
    draw, accused, times = random.Random(12), 0, 400
    for _ in range(times):
        pieces = [
            Piece(
                12,
                sum(
                    (draw.random() < samples / 384) - (draw.random() < samples / 384)
                    for _ in range(12)
                ),
            )
            for _ in range(32)
        ]
        told = sure(pieces, [1.0])
        assert told is not None
        accused += told.low > 0
    assert accused <= 0.05 * times  # 2.5 % are expected; the seed is fixed


@pytest.mark.parametrize("samples", [10, 100])
def test_a_leak_that_is_sampled_lies_within(samples: int) -> None:
    draw, held, found, times = random.Random(13), 0, 0, 400
    for _ in range(times):
        pieces = [
            Piece(12, sum(draw.random() < samples / 384 for _ in range(12))) for _ in range(32)
        ]
        told = sure(pieces, [1.0])
        assert told is not None
        held += told.low <= samples <= told.high
        found += told.low > 0
    assert held >= 0.9 * times
    assert found >= 0.9 * times
