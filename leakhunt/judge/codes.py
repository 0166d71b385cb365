"""Why something is judged as it is: codes with figures. The words are :mod:`leakhunt.report.words`'s."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """A code, and the figures that a sentence about it needs."""

    code: str
    figures: tuple[tuple[str, float], ...] = ()
    """By name, in the order they were given: bytes, units of the series, snapshots counted from 1."""


def because(code: str, **figures: float | None) -> Reason:
    """The reason with those figures that are known."""
    return Reason(
        code, tuple((name, value) for name, value in figures.items() if value is not None)
    )


# -- from the shape of a series -------------------------------------------------------

#: ``since``, ``of``: snapshots.
FROM_THE_FIRST, STEADY, VALLEYS_RISE = "from-the-first", "steady", "valleys-rise"
#: ``size`` bytes at snapshot ``at`` ``of`` so many.
ONE_JUMP = "one-jump"
#: To ``size`` bytes; ``apart`` units between two falls, where there are enough of them.
FALLS_BACK = "falls-back"
#: ``since``.
LEVELS_OFF = "levels-off"
#: ``late``: the growth of the second half as a part of the first's.
SLOWS_DOWN = "slows-down"
#: ``samples`` so far; ``size`` bytes, or ``units``, until there are enough.
TOO_FEW_SAMPLES = "too-few-samples"
#: ``samples``: not even a suspicion.
HARDLY_SAMPLED = "hardly-sampled"
RISES_UNSURELY, NO_DIRECTION = "rises-unsurely", "no-direction"

# -- from when the survivors were born -----------------------------------------------

#: ``since``: the unit from which on they were born evenly, 0: from the start; ``belief``; ``entries`` of a container whose
#: order tells it.
BORN_EVENLY = "born-evenly"
#: ``belief``.
BIRTHS_DIE_OUT, YOUNG = "births-die-out", "young"
#: ``since``: the unit from which on one block was made larger again and again, 0: from the start.
ENLARGED = "enlarged"
#: ``came``, ``went``: bytes since the same moment.
REPLACED = "replaced"
#: ``size`` bytes at about the unit ``at``.
BORN_AT_ONCE = "born-at-once"
#: ``first``, ``last``: entries of what keeps it.
FILLED = "filled"
#: ``early``, ``late``: bytes per unit by which what keeps it grew in the first and in the second half.
FILLS = "fills"
#: ``last`` bytes in what keeps it, and ``before`` at earlier snapshots, of which that is the median.
HOLDS_NO_MORE = "holds-no-more"
#: ``samples``.
AGES_UNSURE = "ages-unsure"

# -- from what else is known ----------------------------------------------------------

#: Only the samples of all processes together are enough.
TOGETHER = "together"
#: ``rate`` bytes per task.
TRIFLE = "trifle"
FRAMEWORK_TABLES = "framework-tables"
UNCOLLECTED = "uncollected"
#: ``handed_out`` bytes in all.
OVERRATED = "overrated"
#: Blocks of ``size`` bytes, at most ``most`` of them.
FREE_LIST = "free-list"
#: ``length`` entries of at most ``bound``.
BOUNDED = "bounded"
#: Kept in several containers of at most ``bound`` entries each: ``stands`` 1 where there are no more of them than before,
#: 0 where nobody knows.
EACH_BOUNDED = "each-bounded"
SCATTERED = "scattered"
#: What is no leak though it goes on (:mod:`leakhunt.judge.excuses`).
EXCUSES = frozenset(
    {BOUNDED, EACH_BOUNDED, FRAMEWORK_TABLES, FREE_LIST, UNCOLLECTED, OVERRATED, SCATTERED}
)

# -- what of a series was left out ----------------------------------------------------

#: ``left`` ``of`` so many snapshots.
OTHER_STRETCH, READ_IN_PART, IDLE = "other-stretch", "read-in-part", "idle"
