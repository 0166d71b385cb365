"""How sure a series is whose sizes are sampled estimates: what is known of its errors.

A block of s bytes is sampled with probability p and then stands for s / p bytes: an estimate
without bias (Horvitz and Thompson, JASA 47, 1952). Blocks are drawn independently (Poisson sampling:
Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, section 3.5), so the variance
of a size is the sum of s^2 (1 - p) / p over its blocks, for which the sum of s^2 (1 - p) / p^2 over
its samples is again an estimate without bias: that is what snapshots say, here V.

A block that stays is drawn once, and has the same error in every snapshot. So the errors of
successive snapshots go together: the covariance of snapshots i and j is S, the variance of the blocks
that are alive at both, and the variance of the growth between them is

    Var(Y_j - Y_i) = V_i + V_j - 2 S      (of the blocks that came, and of those that went)

Snapshots do not say which blocks came and went. But what is alive at i and at j was alive all the
time, so S is at most the least V from i to j. Hence a bound from below (``Estimates.change``), which is met
where blocks only come or only go: a leak. There the errors of the increments are
independent, and :func:`leakhunt.judge.series.stats.drift_test` sees them as part of the scatter of the steps.
Where blocks are replaced, the errors of neighbouring steps are opposite; the scatter then
says more than the true error of the growth, never less.

A young process is sampled ever more coarsely (the interval grows by a factor of twenty in the first
two seconds of full load), and a late sample then stands for twenty early ones. So growth is
weighed by exposure: a step of length T at the mean interval W brings samples of a steady leak
as a Poisson process brings them in T / W. On that clock the samples of a leak come evenly, which is what
rates, chances and halves are reckoned on:

    rate = sum(growth / W) / sum(T / W)

the estimate of maximum likelihood where the errors are those of sampling, and one without bias for
any steady rate. The weights are intervals, which the process chose before it drew. Weighting by the V of
a step would prefer steps that happened to bring few samples: with three samples a step the
rate of a leak comes out 30 % too low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import curves, stats
from leakhunt.judge.series.series import Drift, Halves, Series


class Late(NamedTuple):
    """When samples came, against a cache that fills: sums that add up over series."""

    excess: float
    variance: float
    third: float
    """The third central moment of ``excess``, where a cache fills."""
    second: float
    """Samples that came in the second half."""

    def plus(self, other: Late) -> Late:
        return Late(*(a + b for a, b in zip(self, other)))


class Estimates(NamedTuple):
    """What is known of the errors of a series."""

    variances: Sequence[float]
    """Square of the standard error of each size: bytes^2."""
    samples: Sequence[int]
    """Live samples that each size is estimated from."""
    intervals: Sequence[float] = ()
    """Mean bytes between two samples at each snapshot; none: it did not change."""

    def since(self, start: int) -> Estimates:
        return Estimates(self.variances[start:], self.samples[start:], self.intervals[start:])

    def at(self, chosen: Sequence[int]) -> Estimates:
        return Estimates(
            [self.variances[index] for index in chosen],
            [self.samples[index] for index in chosen],
            [self.intervals[index] for index in chosen] if self.intervals else (),
        )

    @property
    def change(self) -> float:
        """Variance of the last size less the first, at least (see above): bytes^2."""
        return self.variances[0] + self.variances[-1] - 2 * min(self.variances)

    @property
    def came(self) -> int:
        """By how many samples it grew."""
        return max(0, self.samples[-1] - self.samples[0])

    @property
    def is_enough(self) -> bool:
        return max(self.samples) >= LEVELS.samples.fewest

    @property
    def steps(self) -> list[float]:
        """The mean interval between each two snapshots: bytes, or all 1.

        The interval is as it was at the snapshot, where it may have been another for a moment:
        of three neighbours the middle one counts.
        """
        intervals = self.intervals
        if len(intervals) < 2:
            return [1.0] * (len(self.variances) - 1)
        calm = [
            intervals[0],
            *(sorted(three)[1] for three in zip(intervals, intervals[1:], intervals[2:])),
            intervals[-1],
        ]
        return [math.sqrt(a * b) for a, b in zip(calm, calm[1:])]

    def exposed(self, values: Sequence[float]) -> list[float]:
        """The increments of a series by the mean interval in each: of times the exposure, of sizes samples."""
        return _by(self.steps, values)

    def _exposures(self, series: Series) -> tuple[list[float], list[float]]:
        """Of each step the exposure, and the growth in samples."""
        steps = self.steps
        return _by(steps, series.t), _by(steps, series.sizes)

    def halves(self, series: Series) -> Halves:
        (times, sizes), middle = self._exposures(series), len(series) // 2
        return Halves(
            (sum(sizes[:middle]), sum(sizes[middle:])),
            (sum(times[:middle]), sum(times[middle:])),
        )

    def weights(self, series: Series) -> list[float]:
        return self.exposed(series.t)

    @property
    def weight(self) -> float:
        """Variance of the samples that came, on the clock of exposure."""
        lost = (abs(b - a) for a, b in zip(self.variances, self.variances[1:]))
        return sum(each / (step * step) for each, step in zip(lost, self.steps))

    def _each(self, grown: float) -> float:
        """The mean weight of the samples that came, on the clock of exposure; 0.0 where nothing is unsure.

        A block of 37 intervals is missed once in 1e16 times: no float tells that from never.
        """
        each = self.weight / grown if grown > 0 else 0.0
        return each if each > LEVELS.samples.certain * grown else 0.0

    def drift(self, series: Series) -> Drift:
        """The pace from sampling and scatter together.

        The scatter of the steps around a straight line on the clock of exposure holds the errors
        of sampling, which are known, and the program's own noise, which the rest is. The
        degrees of freedom of the two together are Satterthwaite's (Biometrics Bulletin 2,
        1946); a variance that comes from n samples varies as one with 2 n of them.
        """
        times, sizes = self._exposures(series)
        total = sum(times)
        rate = sum(sizes) / total
        squares = sum((size - rate * time) ** 2 / time for size, time in zip(sizes, times))
        freedom = float(max(1, len(times) - 1))
        scatter = squares / freedom / total
        came = self.weight
        weight = came / (total * total)
        if weight <= 0:
            return Drift(rate, math.sqrt(scatter), _rounded(freedom))
        own = max(0.0, scatter - weight)
        number = max(1.0, sum(sizes) ** 2 / came)
        both = weight + own
        spread = weight * weight / (2 * number) + own * own / freedom
        if spread > 0:  # else errors too small for their squares to be floats
            freedom = both * both / spread
        return Drift(rate, math.sqrt(both), _rounded(freedom))

    def chance(self, series: Series) -> float:
        rate, error, freedom = self.drift(series)
        return stats.student_sf(rate / error, freedom) if error > 0 else 1.0

    def apart(self, other: Estimates) -> float:
        """How far the paths of two series that grow in step may lie apart, by chance, of 1.

        The critical value of Kolmogorov and Smirnov for two samples (5 %): when samples came.
        """
        numbers = self.came, other.came
        return 1.36 * (1 / numbers[0] + 1 / numbers[1]) ** 0.5 if all(numbers) else 1.0

    def interval(self, series: Series) -> tuple[float, float]:
        """95 % interval of the true rate, as far as sampling goes: bytes per unit.

        Weighted counts (see :func:`leakhunt.judge.series.stats.poisson_interval`): few samples are not normal.
        """
        lasted, grown = map(sum, self._exposures(series))
        each = self._each(grown)
        if each <= 0:
            return grown / lasted, grown / lasted
        low, high = stats.poisson_interval(grown / each)
        return low * each / lasted, high * each / lasted

    def _parts(
        self, series: Series, middle: int
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Samples of the mean weight that came before and after a snapshot, and the exposures."""
        _, counts, times = self.path(series)
        counted = max(0.0, sum(counts[:middle])), max(0.0, sum(counts[middle:]))
        return counted, (sum(times[:middle]), sum(times[middle:]))

    def counted(self) -> tuple[list[float], Estimates] | None:
        """The series again in bytes of samples, each at the mean interval in which it came; its errors.

        No block weighs more than an interval: what a table takes that doubles is left out. None where
        samples went or intervals became finer: then numbers say nothing of growth.
        """
        steps = self.steps
        came = [b - a for a, b in zip(self.samples, self.samples[1:])]
        finer = any(b < a for a, b in zip(steps, steps[1:]))
        if not self.intervals or min(came) < 0 or finer:
            return None
        start = self.samples[0] * steps[0]
        sizes = list(accumulate(map(mul, came, steps), initial=start))
        each = (number * step * step for number, step in zip(came, steps))
        variances = list(accumulate(each, initial=start * steps[0]))
        return sizes, Estimates(variances, self.samples, self.intervals)

    def slower(self, series: Series, middle: int) -> float:
        """The chance of a late rise that small, or smaller, where the pace has not changed.

        Of all samples as many as the late part's share of the exposure are expected there
        (Przyborowski and Wilenski 1940).
        """
        (early, late), times = self._parts(series, middle)
        return 1 - stats.binomial_sf(late + 1, early + late, times[1] / sum(times))

    def path(self, series: Series) -> tuple[list[float], list[float], list[float]]:
        """The middle of each step from 0 to 1, samples of the mean weight that came in it, and its exposure.

        Blocks that are larger than an interval count as so many samples, never as more: that their
        sizes are known for sure says nothing of how many will come.
        """
        t = series.t
        lasted = t[-1] - t[0]
        at = [((u + v) / 2 - t[0]) / lasted for u, v in zip(t, t[1:])]
        times, sizes = self._exposures(series)
        each = self._each(sum(sizes))
        if each <= 0:
            return at, [0.0] * len(at), times
        each = max(each, 1.0 if self.intervals else 0.0)
        return at, [size / each for size in sizes], [time / each for time in times]

    def slows(self, series: Series, start: int) -> bool:
        """Whether it rose faster before a snapshot than after it."""
        times, sizes = self._exposures(series)
        before = sum(sizes[:start]) / sum(times[:start])
        return before > sum(sizes[start:]) / sum(times[start:])

    def late(self, series: Series) -> Late:
        """How much later samples came than those of a cache that fills would.

        Such a cache grows at a rate that falls as exp(-LEVELS.samples.fills x) over the series, x from 0 to 1: keys
        drawn evenly, with a time constant as long as the series. The mean x of its
        samples is known; that of those that came is compared with it, times their number. This is
        the score test of a trend in a Poisson process (Cox and Lewis, The Statistical Analysis of
        Series of Events, 1966, section 3.3) at that trend: sums over several series are one test.
        """
        at, counts, times = self.path(series)
        number = sum(counts)
        if number <= 0:
            return Late(0.0, 0.0, 0.0, 0.0)
        shares = [time * math.exp(-LEVELS.samples.fills * x) for time, x in zip(times, at)]
        mean = sum(share * x for share, x in zip(shares, at)) / sum(shares)

        def moment(power: int) -> float:
            return sum(share * (x - mean) ** power for share, x in zip(shares, at)) / sum(shares)

        excess = sum(count * (x - mean) for count, x in zip(counts, at))
        second = sum(counts[len(counts) // 2 :])
        return Late(excess, number * moment(2), number * moment(3), second)

    def at_once(self, series: Series, step: int) -> float:
        """The chance that any one step brings that much of a steady growth (Bonferroni)."""
        times, sizes = self._exposures(series)
        grown = sum(sizes)
        each = self._each(grown)
        if each <= 0:
            return 0.0
        part = times[step] / sum(times)
        return min(1.0, len(times) * stats.binomial_sf(sizes[step] / each, grown / each, part))

    def falters(self, series: Series) -> bool:
        """Whether the last third rises much less than what was before, by too many samples for an accident.

        A cache that is full since the last snapshots; beside the growth before, which coarse late samples
        hardly dilute, halves do not show it. Bursts are no accident of sampling: where the steps before
        scatter more than samples do, fewer count for one.
        """
        n = len(series)
        knot = n - max(2, (n + 2) // 3)
        _, counts, times = self.path(series)
        if knot < 3:
            return False
        pace = sum(counts[:knot]) / sum(times[:knot])
        if pace <= 0 or sum(counts[knot:]) > LEVELS.samples.faltering * pace * sum(times[knot:]):
            return False
        squares = sum(
            (count - pace * time) ** 2 / (pace * time) for count, time in zip(counts[:knot], times)
        )
        burst = max(1.0, squares / (knot - 1))
        early, late = (max(0.0, sum(part)) / burst for part in (counts[:knot], counts[knot:]))
        share = sum(times[knot:]) / sum(times)
        return 1 - stats.binomial_sf(late + 1, early + late, share) <= LEVELS.chances.falters

    def fading(self, series: Series) -> float:
        """The chance of samples that come so late, or later, from a cache that fills."""
        return fading(self.late(series))

    def tells(self, series: Series) -> bool:
        return self.fading(series) >= 1 - LEVELS.chances.late

    def least_p(self, series: Series) -> float:
        """Every sample is an event, of which there must be some, and enough of them late to go on."""
        if self.came < LEVELS.samples.fewest:
            return 1.0
        accident = self.fading(series)
        return max(accident if accident > LEVELS.chances.late else 0.0, float(2.0**-self.came))

    def looks(self, start: int, starts: int) -> int:
        """Few samples must be spent well: half of the risk is the whole series', the rest is for all
        later starts (a weighted Bonferroni correction).
        """
        return 2 if start == 0 else 2 * (starts - 1)

    def axes(self, number: int) -> int:
        return number

    def is_warm_up(self, series: Series, start: int) -> bool:
        """Not where the whole of it goes on as a leak does. Else it must have changed its pace once, and
        the rest must go on surely: keys that are rare come late.
        """
        if (
            start == 0
            or not self.slows(series, start)
            or self.fading(series) <= LEVELS.chances.late
        ):
            return False
        rest = series.since(start)
        goes_on = fading(self.since(start).late(rest)) <= LEVELS.chances.late_again
        return not (goes_on and curves.bends(*self.path(series)))

    def fills(self, series: Series) -> bool:
        """When samples came has told already."""
        return False

    def by_blocks(self, series: Series) -> Series | None:
        """Samples at their intervals, only where large blocks make a good part of the rise."""
        counted = self.counted()
        if counted is None or counted[0][-1] - counted[0][0] > LEVELS.samples.small * series.rise:
            return None
        return Series(series.t, counted[0], series.counts, counted[1])


def _by(steps: Sequence[float], values: Sequence[float]) -> list[float]:
    """The increments of these values, each by its step."""
    return [(b - a) / step for a, b, step in zip(values, values[1:], steps)]


def _rounded(freedom: float) -> float:
    """Whole numbers, and none beyond what is normal: quantiles are remembered by them."""
    return max(1.0, min(200.0, freedom // 1))


def fading(late: Late) -> float:
    """The chance of samples that come so late, or later, from a cache that fills.

    Near 0: it surely goes on. Near 1: it surely slows down by more. Between: too few samples to tell.
    Where late steps have little exposure the test is lopsided: the first term of Edgeworth's
    series corrects the normal approximation. Without some late samples nothing shows that it goes on.
    """
    if late.variance <= 0:
        return 1.0
    z = late.excess / math.sqrt(late.variance)
    skewness = late.third / math.sqrt(late.variance) ** 3
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    p = 0.5 * math.erfc(z / math.sqrt(2)) + density * skewness / 6 * (z * z - 1)
    return min(1.0, max(p, 0.0 if late.second >= LEVELS.samples.late else 0.5))
