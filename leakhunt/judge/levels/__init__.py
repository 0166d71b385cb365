"""Every threshold of the judgement, in one frozen value, each with its reason.

A threshold decides; what merely bounds the work (points of which every pair is looked at, snapshots
that are read whole) stands where the work is done. Sizes are bytes, rates bytes per unit, chances
probabilities. What a threshold was derived from stands in its docstring: a test's level, a
simulation, a figure of CPython's or Celery's, or that it is a convention.
"""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.judge.levels.births import Lives
from leakhunt.judge.levels.growths import Blames, Excuses, Worth
from leakhunt.judge.levels.process import Accounts, Opened, Resident
from leakhunt.judge.levels.series import Chances, Samples, Shapes


@dataclass(frozen=True)
class Levels:
    """All of them."""

    chances: Chances
    shapes: Shapes
    samples: Samples
    lives: Lives
    worth: Worth
    resident: Resident
    blames: Blames
    excuses: Excuses
    accounts: Accounts
    resources: Opened


LEVELS = Levels(
    chances=Chances(),
    shapes=Shapes(),
    samples=Samples(),
    lives=Lives(),
    worth=Worth(),
    resident=Resident(),
    blames=Blames(),
    excuses=Excuses(),
    accounts=Accounts(),
    resources=Opened(),
)
