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
independent, and :func:`leakhunt.stats.drift_test` sees them as part of the scatter of the steps.
Where blocks are replaced, the errors of neighbouring steps are opposite; the scatter then
says more than the true error of the growth, never less.

No weights. V is small by chance where a step happened to bring few samples, and weighting by
1 / V would prefer such steps: the rate of a leak comes out too low (by 30 %, with three
samples a step). Weights from the sampling interval have no such bias, but give up that errors of
blocks which live through several snapshots cancel; and the interval seldom differs by more
than a factor of two within a series, which makes the weighted rate's error smaller by 3 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakhunt import stats

#: No growth is called a leak that fewer samples stand for.
FEWEST = 5
#: With so many a steady leak is told from chance, in eight snapshots, six times out of ten.
ENOUGH = 30
#: What is likelier than this to be an accident of sampling is not taken for a change of pace.
ACCIDENT = 0.05


class Estimates(NamedTuple):
    """What is known of the errors of a series."""

    variances: Sequence[float]
    """Square of the standard error of each size: bytes^2."""
    samples: Sequence[int]
    """Live samples that each size is estimated from."""

    def since(self, start: int) -> Estimates:
        return Estimates(self.variances[start:], self.samples[start:])

    def at(self, chosen: Sequence[int]) -> Estimates:
        return Estimates(
            [self.variances[index] for index in chosen], [self.samples[index] for index in chosen]
        )

    @property
    def change(self) -> float:
        """Variance of the last size less the first, at least (see above): bytes^2."""
        return self.variances[0] + self.variances[-1] - 2 * min(self.variances)

    @property
    def came(self) -> int:
        """By how many samples it grew."""
        return max(0, self.samples[-1] - self.samples[0])

    def together(self, error: float, freedom: float, growth: float) -> tuple[float, float]:
        """(standard error of the growth, its degrees of freedom) from sampling and scatter together.

        ``error`` is what the scatter of the steps says, with ``freedom``. It holds the errors of sampling,
        which are known, and the program's own noise, which the rest is. The degrees of freedom of
        the two together are Satterthwaite's (Biometrics Bulletin 2, 1946); a variance that
        comes from n samples varies as one with 2 n of them.
        """
        known = self.change
        own = max(0.0, error * error - known)
        if known <= 0:
            return error, freedom
        samples = max(1.0, growth * growth / known)
        both = known + own
        return both**0.5, both * both / (known * known / (2 * samples) + own * own / freedom)

    def apart(self, other: Estimates) -> float:
        """How far the paths of two series that grow in step may lie apart, by chance, of 1.

        The critical value of Kolmogorov and Smirnov for two samples (5 %): when samples came.
        """
        numbers = self.came, other.came
        return 1.36 * (1 / numbers[0] + 1 / numbers[1]) ** 0.5 if all(numbers) else 1.0

    def interval(self, growth: float) -> tuple[float, float]:
        """95 % interval of the true growth, as far as sampling goes: bytes.

        Weighted counts (see :func:`leakhunt.stats.poisson_interval`): few samples are not normal.
        """
        if growth <= 0 or self.change <= 0:
            return growth, growth
        weight = self.change / growth
        low, high = stats.poisson_interval(growth / weight)
        return low * weight, high * weight

    def slower(self, rises: tuple[float, float], times: tuple[float, float]) -> float:
        """The chance of a late rise that small, or smaller, where the pace has not changed.

        ``rises`` and ``times``: bytes and units, early and late. Of all samples as many as the late
        part's share of the time are expected there (Przyborowski and Wilenski 1940).
        """
        early, late = self.counted(rises)
        part = times[1] / sum(times)
        return 1 - stats.binomial_sf(late + 1, early + late, part)

    def at_once(self, largest: float, growth: float, steps: int) -> float:
        """The chance that one of so many steps brings that much of a steady growth (Bonferroni)."""
        if growth <= 0 or self.change <= 0:
            return 0.0
        weight = self.change / growth
        return min(1.0, steps * stats.binomial_sf(largest / weight, growth / weight, 1 / steps))

    def counted(self, rises: tuple[float, float]) -> tuple[float, float]:
        """Rises as numbers of samples of the mean weight."""
        total = sum(rises)
        weight = self.change / total if total > 0 else 0.0
        if weight <= 0:
            return 0.0, 0.0
        return max(0.0, rises[0]) / weight, max(0.0, rises[1]) / weight


def still(counts: tuple[float, float], times: tuple[float, float], part: float) -> float:
    """The chance of so many late samples, or more, where the pace is down to that part of the early one.

    ``counts`` and ``times``: samples that came and units, early and late.
    """
    slowed = part * times[1] / (part * times[1] + times[0])
    return stats.binomial_sf(counts[1], sum(counts), slowed)
