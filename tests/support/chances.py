"""How sure a count of mistakes is, by the binomial distribution."""

from __future__ import annotations

from math import exp, lgamma, log, log1p


def at_most(hits: int, of: int) -> float:
    """The largest chance that gives so few hits, or fewer, once in twenty times (Clopper and Pearson 1934)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _few(hits, of, middle) > 0.05 else (low, middle)
    return high


def by_chance(hits: int, of: int, claimed: float) -> float:
    """How often so many hits, or more, come about where each has that chance."""
    return 1 - _few(hits - 1, of, claimed)


def _few(hits: int, of: int, chance: float) -> float:
    """The probability of so many hits at most; the terms by logarithms: binomials of thousands fit no float."""
    if hits >= of or chance <= 0:
        return 1.0 if hits >= 0 else 0.0
    if chance >= 1:
        return 0.0
    whole = lgamma(of + 1)
    return sum(
        exp(
            whole - lgamma(n + 1) - lgamma(of - n + 1) + n * log(chance) + (of - n) * log1p(-chance)
        )
        for n in range(hits + 1)
    )
