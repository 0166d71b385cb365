"""Whether a size goes up for good, by bets that nobody can win in the long run unless it does.

A test martingale is the capital of somebody who bets against "it does not grow", at fair odds, with
nothing borrowed. While that is true, the capital ever reaches c times its start with a probability of at
most 1/c, however long one looks and whenever one stops (Ville, *Étude critique de la notion de collectif*,
1939; Shafer, *Testing by betting*, JRSS A 184, 2021). So one may look after every batch of runs and stop as
soon as it is won, at a stated rate of false alarms.

"It does not grow" has two readings, and a series must win against both:

* what is alive wanders about a level: the sizes at the looks are exchangeable. Then the rank of each among
  those before it is uniform and independent of all earlier ones (Rényi 1962, on records), and one bets that
  it is high: a conformal test martingale (Vovk, Nouretdinov and Gammerman, *Testing exchangeability
  on-line*, ICML 2003);
* what is alive drifts nowhere, but what was added stays: the increments are as likely below nothing as
  above it, whatever they were before. One bets that the next is above: the sequential sign test (its
  mixture over stakes: Robbins, *Statistical methods related to the law of the iterated logarithm*, 1970).

Both are without an assumption on how sizes are distributed. Ties are never won: a program that keeps
nothing wins nothing, ever. Pure mathematics, no snapshot is known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Stakes of the sign test: parts of the capital, from the careful to the bold.
STAKES = (0.6, 0.9, 0.99)
#: How steeply the bets on ranks favour the top: the odds of rank r are as r**-power.
POWERS = (1.0, 2.0, 4.0, math.inf)


def signs(steps: Sequence[float]) -> float:
    """The capital, of 1, after betting on each step that it is above nothing.

    The mean of a bettor for each of :data:`STAKES`. A step of nothing loses, as one below does: so it is
    never more than fair.
    """
    won = sum(step > 0 for step in steps)
    lost = len(steps) - won
    return sum((1 + stake) ** won * (1 - stake) ** lost for stake in STAKES) / len(STAKES)


def ranks(sizes: Sequence[float]) -> float:
    """The capital, of 1, after betting on each size that it is among the largest so far.

    The mean of a bettor for each of :data:`POWERS`. Of equal sizes the newest counts as the smallest, so
    that a tie is never more than fair.
    """
    capital = [1.0] * len(POWERS)
    for index in range(1, len(sizes)):
        rank = 1 + sum(before >= sizes[index] for before in sizes[:index])
        for bettor, power in enumerate(POWERS):
            capital[bettor] *= _pay(rank, index + 1, power)
    return sum(capital) / len(POWERS)


def _pay(rank: int, of: int, power: float) -> float:
    """What a stake of 1 becomes where the newest of so many has that rank, the largest being 1."""
    if math.isinf(power):
        return float(of) if rank == 1 else 0.0
    return float(of * rank**-power / sum(each**-power for each in range(1, of + 1)))


def against(t: Sequence[float], sizes: Sequence[float], pace: float) -> float:
    """The capital against "it grows by ``pace`` bytes per unit at most": the lesser of both bets.

    Zero in a start of less than two looks would be no capital: it is 1 there.
    """
    beyond = [size - pace * at for size, at in zip(sizes, t)]
    steps = [later - earlier for earlier, later in zip(beyond, beyond[1:])]
    return min(signs(steps), ranks(beyond))


def shares(grown: Sequence[float]) -> list[float]:
    """How a chance of error is divided among places, by how much each had grown before the bets began.

    Nine tenths by growth, the rest evenly: a weighted Bonferroni correction (Genovese, Roeder and
    Wasserman, Biometrika 93, 2006), which holds because nothing of what is tested went into the weights.
    """
    risen = [max(0.0, each) for each in grown]
    total = sum(risen)
    even = 1 / len(risen) if risen else 0.0
    if total <= 0:
        return [even] * len(risen)
    return [0.9 * each / total + 0.1 * even for each in risen]


def spent(chance: float, stage: int) -> float:
    """The part of a chance of error that the stage (1, 2, ...) may use: all stages use ``chance`` together.

    ``chance / (n (n + 1))``: alpha-spending (Lan and DeMets, Biometrika 70, 1983), with a sum that converges.
    """
    return chance / (stage * (stage + 1))
