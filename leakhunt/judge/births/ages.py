"""What kind of growth the ages of survivors speak for: Bayes factors between few kinds of life.

The births of a line's survivors are a compound Poisson process over the process's life, thinned by
death. Its rate at the time u, of a life of length N, has one shape for each kind of growth:

==============  ===============================================  ==========================
kind            rate of survivors born at u                      its scale
==============  ===============================================  ==========================
leak            constant from an onset on; more may have         the onset: at the start, or
                been born in a warm-up before, or be young       anywhere
                and in turnover beside it
warm-up         falls as exp(-u / s) or (1 + u / s)**-1.2;       s, log-uniform
                more may be young and in turnover beside it
turnover        none before N - s (a queue), or falls            s, log-uniform
                backwards as exp(-(N - u) / s); a small part
                may have been kept all along
==============  ===============================================  ==========================

A time scale of which nothing is known is log-uniform (Jeffreys 1961), here from a thousandth of the life to
one and a half of it. What takes longer to fill cannot be told from a leak by anybody who has seen no more
than the life: whoever says *leak* has to add "or a cache that is not full yet". Given the number of births, their places are multinomial, whatever
the rate; the likelihood of a kind is its mean over the scales (Kass and Raftery, JASA 90, 1995).
What begins suddenly does so within a period: how much of it had passed
is fitted, at the price of a parameter (Schwarz, Annals of Statistics 6, 1978). Counts are effective ones: bytes over the mean weight of an independent event, which may
bring several blocks and stand for many more; and what scatters more than a multinomial by that much
weighs less (quasi-likelihood: McCullagh and Nelder 1989, section 9.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS

LEAK, WARM_UP, TURNOVER = "leak", "warm-up", "turnover"

#: Beliefs in the kinds before anything is seen.
BEFORE = {LEAK: 1.0, WARM_UP: 1.0, TURNOVER: 1.0}
#: The same of a leak, as a probability.
LEAK_BEFORE = BEFORE[LEAK] / sum(BEFORE.values())


class Births(NamedTuple):
    """Survivors over the life of a process, period by period."""

    edges: tuple[float, ...]
    """n + 1 ascending: units of work, or seconds."""
    sizes: tuple[float, ...]
    """Estimated bytes born in each period and still alive."""
    squares: tuple[float, ...]
    """Sum over independent events (tasks) of the square of the bytes that each brought."""
    blocks: tuple[float, ...]
    """Estimated blocks."""
    intervals: tuple[float, ...]
    """Mean bytes between two samples; 0: all blocks are seen."""


def counted(edges: Sequence[float], counts: Sequence[float], each: float) -> Births:
    """Births of which all are known: so many in each of the n periods between n + 1 edges, of ``each`` bytes.

    As many as one unit brings are one event.
    """
    lump = max(1.0, sum(counts) / (edges[-1] - edges[0]))
    return Births(
        tuple(edges),
        tuple(each * count for count in counts),
        tuple(each * each * lump * count for count in counts),
        tuple(map(float, counts)),
        (0.0,) * len(counts),
    )


def first_edge(edges: Sequence[float], since: float) -> int:
    """The first edge that does not lie before that."""
    return next((at for at, each in enumerate(edges) if each >= since - 1e-9), 0)


class Ages(NamedTuple):
    """The answer."""

    kind: str
    belief: float
    """Probability of that kind, given these three and nothing else known."""
    beliefs: dict[str, float]
    since: float
    """For a leak: the unit from which on it goes evenly."""
    events: float
    """Independent events that the growth stands for; for a leak, since then."""
    scatter: float
    """How much more than a multinomial the periods scatter; 1: no more."""
    part: float = 1.0
    """For a leak: the part of the growth since then that will stay; the rest is young, and will go."""
    sudden: bool = False
    """For a leak: nothing was kept before. It began at ``since``, or in the period before that."""


class _Life(NamedTuple):
    kind: str
    prior: float
    since: float
    """As a part of the life."""
    rates: Callable[[float, float], float]
    """Integral of the rate over a part of the life, from 0 to 1."""
    part: float = 1.0
    """Of what is born, the part that stays."""
    edge: float | None = None
    """Where it begins suddenly: in the period that ends at this part of the life, or at its end."""


@lru_cache(maxsize=64)
def ages(births: Births) -> Ages:
    """Which kind of life the survivors' ages speak for. Raises nothing; no births: no belief."""
    start, end = births.edges[0], births.edges[-1]
    counts, exposures = effective(births)
    number = sum(counts)
    if number <= 0:
        return Ages(WARM_UP, 0.0, dict.fromkeys(BEFORE, 0.0), start, 0.0, 1.0)
    parts = tuple(
        ((a - start) / (end - start), (b - start) / (end - start))
        for a, b in zip(births.edges, births.edges[1:])
    )
    logs = []
    expected = []
    # A period in which nothing was born that lives says nothing beyond its part of the total.
    born = [(at, count) for at, count in enumerate(counts) if count]
    lives = _lives(parts)
    ends = {b: at for at, (_, b) in enumerate(parts)}
    price = 0.5 * math.log(max(1.0, number))
    for life, rates in zip(lives, _integrals(parts)):
        weights = [rate * exposure for rate, exposure in zip(rates, exposures)]
        at = None if life.edge is None else ends[life.edge]
        if at is not None:
            weights[at] = _begun(at, counts, weights, exposures, parts)
        total = sum(weights)
        expected.append((weights, total))
        told = sum([count * math.log(_share(weights[n], total)) for n, count in born])
        logs.append(told - (0.0 if at is None else price))
    best = max(range(len(logs)), key=logs.__getitem__)
    weights, total = expected[best]
    scatter = _scatter(counts, [_share(weight, total) for weight in weights])
    top = max(logs)
    beliefs = dict.fromkeys(BEFORE, 0.0)
    heaviest, leading = -1.0, lives[0]
    for life, log in zip(lives, logs):
        weight = BEFORE[life.kind] * life.prior * math.exp((log - top) / scatter)
        beliefs[life.kind] += weight
        if life.kind == LEAK and weight > heaviest:
            heaviest, leading = weight, life
    total = sum(beliefs.values())
    beliefs = {kind: weight / total for kind, weight in beliefs.items()}
    kind = max(beliefs, key=lambda each: beliefs[each])
    since = start + leading.since * (end - start)
    after = sum(c for c, a in zip(counts, births.edges) if a >= since - 1e-9 or kind != LEAK)
    return Ages(
        kind, beliefs[kind], beliefs, since, after, scatter, leading.part, leading.edge is not None
    )


def _share(weight: float, total: float) -> float:
    """Its part of the total, and of nothing a chance all the same."""
    return max(weight / total, 1e-9) if total > 0 else 1e-9


def _begun(
    at: int, counts: Sequence[float], weights: Sequence[float], exposures: Sequence[float],
    parts: Sequence[tuple[float, float]],
) -> float:  # fmt: skip
    """The weight of the period in which something begins: what was born in it says how much of it was left,
    from what there was before to what a whole one has.
    """
    others = sum(weights) - weights[at]
    rest = sum(counts) - counts[at]
    if others <= 0 or rest <= 0 or at + 1 >= len(weights) or exposures[at + 1] <= 0:
        return weights[at]
    (a, b), (c, d) = parts[at], parts[at + 1]
    whole = weights[at + 1] / exposures[at + 1] * exposures[at] * (b - a) / (d - c)
    return min(max(weights[at], others * counts[at] / rest), max(weights[at], whole))


def effective(births: Births) -> tuple[list[float], list[float]]:
    """(independent events, exposure in events per byte) in each period.

    An event weighs its block over the chance to be sampled, times as many as come at once.
    """
    size = sum(births.sizes) / max(1.0, sum(births.blocks))
    each = [_weight(size, wide) for wide in births.intervals]
    bytes_ = sum(births.sizes)
    plain = sum(born * weight for born, weight in zip(births.sizes, each))
    lump = max(1.0, sum(births.squares) / plain) if plain > 0 else 1.0
    weights = [max(1e-9, lump * weight) for weight in each]
    return [born / w for born, w in zip(births.sizes, weights)], [bytes_ / w for w in weights]


def _weight(size: float, interval: float) -> float:
    """Bytes that a sampled block of that size stands for, at that interval."""
    if size <= 1e-6 * interval:
        return interval
    return size / -math.expm1(-size / interval) if interval > 0 else size


def _scatter(counts: Sequence[float], shares: Sequence[float]) -> float:
    """Pearson's chi-square over its degrees of freedom, of periods in which something is expected."""
    number = sum(counts)
    seen = [(c, number * q) for c, q in zip(counts, shares) if number * q > 0.5]
    if len(seen) < 3:
        return 1.0
    return max(1.0, sum((c - e) ** 2 / e for c, e in seen) / (len(seen) - 1))


@lru_cache(maxsize=64)
def _integrals(parts: tuple[tuple[float, float], ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(life.rates(a, b) for a, b in parts) for life in _lives(parts))


@lru_cache(maxsize=64)
def _lives(parts: tuple[tuple[float, float], ...]) -> tuple[_Life, ...]:
    """All lives that are told apart. Onsets and windows begin at the edges of periods: what lies between
    two of them no birth tells, and neither kind may win by lying nearer to one.
    """
    return (*_leaks(parts), *_fillings(), *_turnovers(parts))


def _inner(parts: tuple[tuple[float, float], ...]) -> Iterator[tuple[float, float]]:
    """Each edge between two periods with the part of the life that it stands for."""
    for (a, edge), (_, b) in zip(parts, parts[1:]):
        yield edge, (b - a) / 2


def _scales() -> list[float]:
    number = round(
        math.log10(LEVELS.lives.longest / LEVELS.lives.shortest) * LEVELS.lives.per_decade
    )
    return [
        LEVELS.lives.shortest
        * (LEVELS.lives.longest / LEVELS.lives.shortest) ** ((i + 0.5) / number)
        for i in range(number)
    ]


def _short() -> list[float]:
    return [scale for scale in _scales() if scale < LEVELS.lives.short]


def _evenly(a: float, b: float) -> float:
    return b - a


def _leaks(parts: tuple[tuple[float, float], ...]) -> Iterator[_Life]:
    yield _Life(LEAK, LEVELS.lives.from_the_start, 0.0, _evenly)
    short = _short()
    burdens = LEVELS.lives.burdens
    for scale in short:
        for burden in burdens:
            yield _Life(
                LEAK,
                LEVELS.lives.after_warming_up / len(short) / len(burdens),
                min(0.5, LEVELS.lives.settled * scale),
                lambda a, b, s=scale, m=burden: b - a + m * (math.exp(-a / s) - math.exp(-b / s)),  # type: ignore[misc]
            )
            yield _Life(
                LEAK,
                LEVELS.lives.beside_turnover / len(short) / len(burdens),
                0.0,
                _beside(_evenly, scale, burden),
                1 / (1 + burden),
            )
    for onset, width in _inner(parts):
        yield _Life(LEAK, LEVELS.lives.later * width, onset, _from(onset), edge=onset)


def _from(onset: float) -> Callable[[float, float], float]:
    return lambda a, b: max(0.0, b - max(a, onset))


def _fillings() -> Iterator[_Life]:
    scales, lives = _scales(), LEVELS.lives
    alone = (1 - lives.beside_turnover) / 2 / len(scales)
    for s in scales:
        yield _Life(WARM_UP, alone, 0.0, _dying_out(s))
        yield _Life(
            WARM_UP,
            alone,
            0.0,
            lambda a, b, s=s: (1 + a / s) ** (1 - lives.rarer) - (1 + b / s) ** (1 - lives.rarer),  # type: ignore[misc]
        )
    # One that is not over in this life is a leak beside a turnover so far.
    over = [s for s in scales if lives.settled * s <= 1]
    few, short = over[:: -lives.coarser], _short()[:: -lives.coarser]
    each = lives.beside_turnover / len(few) / len(short) / len(lives.burdens)
    for s in few:
        for young in short:
            for burden in lives.burdens:
                yield _Life(WARM_UP, each, 0.0, _beside(_dying_out(s), young, burden))


def _dying_out(s: float) -> Callable[[float, float], float]:
    return lambda a, b: s * (math.exp(-a / s) - math.exp(-b / s))


def _beside(
    kept: Callable[[float, float], float], s: float, burden: float
) -> Callable[[float, float], float]:
    """What is kept, and so much beside it that is young and will go."""
    whole = kept(0.0, 1.0)
    return lambda a, b: (
        kept(a, b) / whole + burden * (math.exp((b - 1) / s) - math.exp((a - 1) / s))
    )


def _turnovers(parts: tuple[tuple[float, float], ...]) -> Iterator[_Life]:
    scales, lives = _scales(), LEVELS.lives
    for kept, queue, dying in lives.turnovers:
        for edge, width in _inner(parts):  # a queue that is longer than the life is a leak so far
            density = 1 / (math.log(1 / lives.shortest) * (1 - edge))
            rates = _over(_from(edge), 1 - edge, kept)
            yield _Life(TURNOVER, queue * width * density, 0.0, rates, edge=edge)
        for s in scales:
            whole = s * (1 - math.exp(-1 / s))
            yield _Life(TURNOVER, dying / len(scales), 0.0, _over(_dying(s), whole, kept))


def _dying(s: float) -> Callable[[float, float], float]:
    return lambda a, b: s * (math.exp((b - 1) / s) - math.exp((a - 1) / s))


def _over(
    young: Callable[[float, float], float], whole: float, kept: float
) -> Callable[[float, float], float]:
    """Survivors that are young but for a part, which was kept all along."""
    return lambda a, b: (1 - kept) * young(a, b) / whole + kept * (b - a)
