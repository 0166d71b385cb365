"""One series as it is judged, and the questions to which its errors are the answer.

Sizes are exact (tracemalloc counts every block) or estimates (samples stand for blocks). Both answer
the same questions, so that whoever judges a series need not ask which it is:
:mod:`leakhunt.judge.series.exact` and :mod:`leakhunt.judge.series.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Drift(NamedTuple):
    """The pace of a series, where noise adds up from snapshot to snapshot."""

    rate: float
    """Bytes per unit."""
    error: float
    """Its standard error, likewise."""
    freedom: float
    """Degrees of freedom of that error, one at least."""


class Halves(NamedTuple):
    """A series before and after its middle."""

    rises: tuple[float, float]
    """Growth: of bytes, or of samples on the clock of exposure."""
    times: tuple[float, float]
    """How long each half took: units, or exposure."""


class Errors(Protocol):
    """What is known of the errors of a series' sizes. Every question is asked of the series itself."""

    @property
    def came(self) -> int | None:
        """By how many samples it grew; None where sizes are exact."""

    @property
    def is_enough(self) -> bool:
        """Whether there is enough to tell anything at all."""

    @property
    def change(self) -> float:
        """Variance of the last size less the first, at least: bytes^2."""

    def since(self, start: int) -> Errors:
        """Of the snapshots from that index on."""

    def at(self, chosen: Sequence[int]) -> Errors:
        """Of the snapshots with these indexes."""

    def drift(self, series: Series) -> Drift:
        """The pace, with its error from everything that scatters."""

    def chance(self, series: Series) -> float:
        """One-sided p of "it does not rise" for noise that adds up: never too small for other noise."""

    def interval(self, series: Series) -> tuple[float, float]:
        """95 % interval of the rate as far as sampling goes: bytes per unit; the rate where sizes are exact."""

    def halves(self, series: Series) -> Halves:
        """Rises and times before and after the middle."""

    def weights(self, series: Series) -> Sequence[float] | None:
        """How much the rate of each step counts; None: all the same."""

    def slower(self, series: Series, middle: int) -> float:
        """The chance that sampling alone makes the part from ``middle`` on rise so much less."""

    def at_once(self, series: Series, step: int) -> float:
        """The chance that sampling alone puts that much of a steady growth into any one step."""

    def falters(self, series: Series) -> bool:
        """Whether too few samples came in the last third for an accident."""

    def tells(self, series: Series) -> bool:
        """Whether a growth that slows down can be told from one that goes on."""

    def least_p(self, series: Series) -> float:
        """The least p that so many separate events allow."""

    def looks(self, start: int, starts: int) -> int:
        """By how much the p-value of one of so many starts counts more, as there was a choice."""

    def axes(self, number: int) -> int:
        """By how much a p-value counts more where so many clocks were tried."""

    def is_warm_up(self, series: Series, start: int) -> bool:
        """Whether what rises from ``start`` on may as well be a cache that fills ever more slowly."""

    def fills(self, series: Series) -> bool:
        """Whether a cache that fills explains the whole surely better than a straight line."""

    def by_blocks(self, series: Series) -> Series | None:
        """The series with blocks for sizes; None where they say nothing that bytes do not say."""


@dataclass(frozen=True)
class Series:
    """Sizes at the snapshots of one process."""

    t: Sequence[float]
    """Units (tasks, seconds or snapshots) at each snapshot, increasing."""
    sizes: Sequence[float]
    """Bytes: what is judged."""
    counts: Sequence[float]
    """Blocks."""
    errors: Errors
    """What is known of the errors of ``sizes``."""

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def rise(self) -> float:
        """Bytes from end to end."""
        return self.sizes[-1] - self.sizes[0]

    def since(self, start: int) -> Series:
        """The part from that snapshot on."""
        if start == 0:
            return self
        return Series(
            self.t[start:], self.sizes[start:], self.counts[start:], self.errors.since(start)
        )

    def at(self, chosen: Sequence[int]) -> Series:
        """The snapshots with these indexes only."""
        t, sizes, counts = (
            [values[index] for index in chosen] for values in (self.t, self.sizes, self.counts)
        )
        return Series(t, sizes, counts, self.errors.at(chosen))
