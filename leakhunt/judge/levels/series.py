"""What a series must show: how likely an accident may be, its shape, and the samples behind it (``judge/series/``)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Chances:
    """How likely an accident may be, for each thing that is decided."""

    leak: float = 0.0075
    """No growth is called a leak that is likelier than this to be chance: seven rises in a row are
    not enough for the sign test (2**-7 = 0.0078), eight are."""
    part: float = 0.001
    """The same for a single stack within an owner that does not leak as a whole: there are some ten
    stacks to an owner, and none is looked at because of what it does."""
    pooled: float = 0.001
    """The same for a growth that is sure in no process alone, but in several together."""
    false_discoveries: float = 0.05
    """Among the growths called leaks, at most this part may be chance (Benjamini and Hochberg)."""
    outside: float = 0.01
    """Of such a growth of the resident set where nothing grows,"""
    outside_of_few: float = 0.05
    """and where so few moments are known that the test cannot say as much: the level of convention."""
    edge: float = 0.975
    """Below the upper edge of an interval of 95 %, which is what every interval here is."""
    accident: float = 0.05
    """What is likelier than this to be an accident of sampling is not taken for a change of pace."""
    falters: float = 0.02
    """Of a last third that much slower where the pace has not changed: stricter, since the third is
    looked at because it is slow."""
    late: float = 0.1
    """Of samples that come as late where a cache fills: a leak is not excused by a doubt."""
    late_again: float = 0.025
    """The same where a faster rise went before, which a filling cache is likelier to have."""
    rises: float = 0.05
    """Of Mann and Kendall's test where the part rises not at all."""
    rises_after_falls: float = 0.005
    """The same of a part that also falls back: ten times surer."""
    stands: float = 0.3
    """Where the newest part of a long series rises no more surely than this, nothing rises to the end."""
    declines: float = 0.01
    """Of a slope of the rates themselves where the rate is constant."""
    valleys: float = 0.05
    """Of Mann and Kendall's test on the valleys of a sawtooth."""
    rising: float = 0.1
    """Of the same test on a series that is no leak yet: then more snapshots are asked for."""


@dataclass(frozen=True)
class Shapes:
    """What a series of sizes must look like, as parts of its range or rate."""

    jump: float = 0.7
    """One increment with more than this part of the rise is a jump."""
    largest: dict[int, float] = field(default_factory=lambda: {3: 0.7, 4: 0.6})
    """The part of the rise that the largest increment of a leak may carry, by snapshots: even
    increments would carry a half and a third, and one task more or less is no jump."""
    largest_of_many: float = 0.5
    """The same of five snapshots and more."""
    small_step: float = 0.05
    """An increment below this part of the rise is none, where a step is looked for."""
    fall: float = 0.3
    """A series that loses more than this part of its range again falls back."""
    regained: float = 0.5
    """A rise after a fall must get this part of itself beyond what it fell from."""
    slowing: float = 0.72
    """A late slope below this part of the early one is a slowing down: a cache that fills
    exponentially, and has filled for a third of its time constant, has fallen to that."""
    beyond_scatter: float = 1.5
    """Standard errors by which early and late must differ then."""
    declined: float = 0.75
    """A rate that has fallen below this part of its first value has declined."""
    level: float = 0.25
    """A tail that rises less than this part of the mean rise has levelled off."""
    within: float = 0.1
    """A series stands still from where it stays within this part of its range."""
    many: int = 12
    """So many snapshots show at a glance that nothing rises."""
    valleys: int = 5
    """Valleys of a sawtooth that are worth a look of their own."""
    plain: float = 1e-6
    """With a p-value this small there is no need to look for a smaller one further on."""
    whole: float = 0.05
    """Blocks per unit are a whole number where no interval is off by more than this part."""
    axis: float = 0.8
    """A task's runs are the axis where the misfit falls below this part of that of all units."""
    surely: float = 3.84
    """Twice the logarithm of a likelihood ratio that tells: chi squared, one degree of freedom, 5 %."""
    decisive: float = 20.0
    """Schwarz's criterions that differ by so much: "very strong" is 10 (Kass and Raftery 1995), and
    two curves of many are compared."""


@dataclass(frozen=True)
class Samples:
    """What estimates from samples must have behind them."""

    fewest: int = 5
    """No growth is called a leak that fewer samples stand for: with five, the chance that all fell on
    one side of a series' middle is one in sixteen."""
    enough: int = 30
    """With so many a steady leak is told from chance, in eight snapshots, more often than not."""
    late: float = 5.0
    """So many samples of the second half are wanted to show that a growth goes on."""
    suspicious: int = 3
    """Fewer samples than these are not even a suspicion: any long-lived object may have been hit."""
    farthest: float = 3.0
    """Standard errors by which an estimate and a count may differ and still be of the same objects."""
    shown: int = 60
    """A steady leak that so many samples stand for is found in three cases of four, and else said to want
    for more, by simulation (eight snapshots): what has not shown then is none that Python would see."""
    faltering: float = 0.5
    """A last third that rises less than this part of the pace before, surely, slows down."""
    fills: float = 1.0
    """Time constant, in lengths of the series, of a cache that must be told from a leak."""
    small: float = 0.75
    """A rise of which small blocks make no more than this part is looked at by blocks, too."""
    certain: float = 1e-18
    """Growth that counts as more samples than the inverse of this has no error that a float could hold."""
