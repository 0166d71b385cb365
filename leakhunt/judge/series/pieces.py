"""How sure a sum over runs is, from what parts of the runs came to: batch means.

The runs are cut into pieces, in order, and differences between runs show as differences between pieces: the
sampling's error does, and so does what is kept in one run and goes in the next, which cancels within a piece
(Schmeiser, Batch Size Effects in the Analysis of Simulation Output, 1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import stats


class Piece(NamedTuple):
    """A part of the runs of one task in one process."""

    runs: int
    kept: int
    """Bytes."""


class Sure(NamedTuple):
    """How sure the sum is, in bytes."""

    error: float
    """The standard error."""
    low: float
    high: float
    """With 95 % the sum is in between; both are the sum where nothing differs and nothing is sampled."""


def sure(pieces: Sequence[Piece], grains: Sequence[float] = ()) -> Sure | None:
    """The error of the sum of all pieces; None where a single one does not tell.

    ``grains``: for how many bytes one sample stands, of each process that samples: the error is never less than
    one sample, for without any that differs nothing would be told of what was not sampled.
    """
    runs, total = sum(piece.runs for piece in pieces), sum(piece.kept for piece in pieces)
    if len(pieces) < 2 or not runs:
        return None
    off = sum((piece.kept - piece.runs * total / runs) ** 2 for piece in pieces)
    # Unequal pieces: the residuals of a sum of independent runs have this part of its variance.
    part = 1 - sum((piece.runs / runs) ** 2 for piece in pieces)
    if part <= 0:
        return None
    error = math.sqrt(off / part + sum(grain * grain for grain in grains))
    reach = error * stats.student_quantile(LEVELS.chances.edge, len(pieces) - 1)
    return Sure(error, total - reach, total + reach)
