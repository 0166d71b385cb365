"""How a figure of a process grows that the kernel or an allocator tells to the page: for good, or not.

Such a figure has no error, and yet no line may fit it: an allocator takes memory by the MiB, a table that doubles takes
it at once. So it is asked, beside whether it is steady (:func:`steady`), whether it is between its jumps
(:func:`steady_between`), and whether the jumps themselves come evenly (:func:`climbs`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from statistics import quantiles

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Series
from leakhunt.judge.series.shape import LEAK

#: Bytes by which a resident set grows; larger pages are whole numbers of these.
PAGE = 4096


def climbs(t: Sequence[float], values: Sequence[float]) -> bool:
    """Whether a figure of which many moments are known grows by stairs that come evenly, to the end.

    An allocator that takes 2 MiB at a time (a huge page, a segment) for what grows steadily shows few events, each
    of which may be an accident; that they come evenly is none (:func:`leakhunt.judge.series.stats.even_spacings`).
    """
    if len(values) < LEVELS.shapes.many:
        return False
    steps = [after - before for before, after in zip(values, values[1:])]
    least = max(steps) / LEVELS.resident.alike
    at = [index for index, step in enumerate(steps) if step >= least > 0]
    if len(at) < 3 or sum(steps[index] for index in at) < LEVELS.worth.mostly * (
        values[-1] - values[0]
    ):
        return False
    # Each came at some moment between two that are known: in the middle, and half as far off at most.
    edges = [(t[index] + t[index + 1]) / 2 for index in at]
    whole, number = edges[-1] - edges[0], len(edges) - 1
    off = max(t[index + 1] - t[index] for index in at)
    apart = [after - before for before, after in zip(edges, edges[1:])]
    reach = (max(abs(each - whole / number) for each in apart) + off) / whole
    goes_on = t[-1] - edges[-1] <= max(apart) + off
    return goes_on and stats.even_spacings(number, reach) <= LEVELS.chances.outside


def steady_between(t: Sequence[float], values: Sequence[float]) -> bool:
    """Whether a figure of which many moments are known grows for good between its jumps, and by enough.

    A table that doubles takes its memory at once, so that no line fits what fills it.
    """
    if len(values) < LEVELS.shapes.many:
        return False
    steps = [after - before for before, after in zip(values, values[1:])]
    low, _, high = quantiles(steps, n=4)
    fence = high + LEVELS.resident.far_out * (high - low)
    between = list(
        accumulate((step if step <= fence else 0.0 for step in steps), initial=values[0])
    )
    return between[-1] - between[0] >= least_growth(values) and steady(t, between)


def least_growth(values: Sequence[float]) -> float:
    """Growth of a resident set that is looked at, in bytes."""
    return max(LEVELS.resident.least, LEVELS.resident.least_part * values[0])


def steady(t: Sequence[float], values: Sequence[float]) -> bool:
    """Whether a figure grows for good; with few snapshots, by a little less certainty."""
    if len(values) < 3:
        return False
    if _stands(t, values):
        return False
    pages = [round(value / PAGE) for value in values]
    judged = shape.judge(Series(t, values, pages, EXACT))
    least = 0.5 ** (len(values) - 2)  # that the test can say of so many
    few = least > LEVELS.chances.outside
    return judged.verdict == LEAK and judged.p <= (
        LEVELS.chances.outside_of_few if few else LEVELS.chances.outside
    )


def _stands(t: Sequence[float], values: Sequence[float]) -> bool:
    """Whether the newest quarter of many moments surely rises by less than half as fast as the whole.

    What filled, and stands since, is no growth for good, however well a line fits the whole of it.
    """
    levels = LEVELS.resident
    start = bisect_right(t, t[-1] - levels.newest * (t[-1] - t[0]))
    if len(t) < LEVELS.shapes.many or len(t) - start < 4:
        return False
    rate = stats.theil_sen(t, values)
    beyond = [value - levels.slower * rate * at for at, value in zip(t[start:], values[start:])]
    _, _, rises = stats.line_test(t[start:], beyond)
    return 1 - rises <= LEVELS.chances.falters
