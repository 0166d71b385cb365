"""What the ages of survivors speak for: known lives, drawn with fixed seeds."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.births.ages import (
    LEAK,
    TURNOVER,
    WARM_UP,
    Births,
    ages,
    effective,
)
from leakhunt.judge.levels import LEVELS

LIFE = 2000
EDGES = tuple(float(edge) for edge in range(0, LIFE + 1, 80))
#: The chance that a block born at u, as a part of the life, is kept.
Kept = Callable[[float], float]


def births(
    kept: Kept, seed: int, block: int = 60, blocks: int = 5, coarsest: float = 2048.0
) -> Births:
    """Each task asks for some blocks, which stay together or go together; the interval grows."""
    dice = random.Random(seed)
    number = len(EDGES) - 1
    sizes, squares, counts = [0.0] * number, [0.0] * number, [0.0] * number
    for unit in range(LIFE):
        if dice.random() >= kept(unit / LIFE):
            continue
        interval = max(1024.0, coarsest * unit / LIFE)
        chance = -math.expm1(-block / interval)
        seen = sum(dice.random() < chance for _ in range(blocks))
        period = bisect_right(EDGES, unit) - 1
        sizes[period] += seen * block / chance
        squares[period] += (seen * block / chance) ** 2
        counts[period] += seen / chance
    middles = [(a + b) / 2 / LIFE for a, b in zip(EDGES, EDGES[1:])]
    return Births(
        EDGES, tuple(sizes), tuple(squares), tuple(counts),
        tuple(max(1024.0, coarsest * middle) for middle in middles),
    )  # fmt: skip


LIVES: dict[str, tuple[str, Kept]] = {
    "every task keeps something": (LEAK, lambda u: 1.0),
    "one task in three does": (LEAK, lambda u: 0.33),
    "from half of the life on": (LEAK, lambda u: float(u >= 0.5)),
    "a warm-up before": (LEAK, lambda u: 1.0 if u < 0.05 else 0.4),
    "a vocabulary": (WARM_UP, lambda u: math.exp(-u / 0.2)),
    "keys that are ever rarer": (WARM_UP, lambda u: (1 + u / 0.05) ** -1.2),
    "filled in the first tenth": (WARM_UP, lambda u: float(u < 0.1)),
    "a cache that filled, and work at hand": (
        WARM_UP,
        lambda u: max(0.6 * math.exp(-u / 0.2), float(u >= 0.9)),
    ),
    "a queue of the last tenth": (TURNOVER, lambda u: float(u >= 0.9)),
    "evicted at random": (TURNOVER, lambda u: math.exp((u - 1) / 0.2)),
    "emptied a moment ago": (TURNOVER, lambda u: float(u >= 0.97)),
}


@pytest.mark.parametrize("life", LIVES)
def test_the_ages_tell_the_kind(life: str) -> None:
    """Each kind in nearly all of twenty drawings; a wrong kind is never believed for sure."""
    kind, kept = LIVES[life]
    answers = [ages(births(kept, seed)) for seed in range(20)]
    assert sum(answer.kind == kind for answer in answers) >= 17
    surely = [answer for answer in answers if answer.kind != kind and answer.belief > 0.95]
    assert not surely


def test_a_leak_from_half_of_the_life_on_is_dated() -> None:
    onsets = [ages(births(lambda u: float(u >= 0.5), seed)).since for seed in range(20)]
    assert all(abs(onset - LIFE / 2) < LIFE / 8 for onset in onsets)


def test_few_events_are_no_evidence() -> None:
    """Three tasks that kept much are three events, however many samples they have."""
    number = len(EDGES) - 1
    sizes = [0.0] * number
    for period in (3, 11, 19):
        sizes[period] = 500_000.0
    found = ages(
        Births(EDGES, tuple(sizes), tuple(size * size for size in sizes),
               tuple(size / 100 for size in sizes), (1024.0,) * number)
    )  # fmt: skip
    assert found.events < LEVELS.lives.fewest


def test_an_even_leak_that_is_seen_exactly_is_believed() -> None:
    number = len(EDGES) - 1
    each = (8000.0,) * number
    found = ages(
        Births(EDGES, each, tuple(80 * 100.0**2 for _ in each), (80.0,) * number, (0.0,) * number)
    )
    assert (found.kind, found.since) == (LEAK, 0.0)
    assert found.belief >= LEVELS.lives.believed


def test_the_more_the_periods_scatter_the_less_sure_it_is() -> None:
    """Eight events in each on average, all seen: more in every other one, and fewer in those between."""
    number = len(EDGES) - 1
    beliefs, scatters = [], []
    for part in (0.0, 0.3, 0.6, 0.8):
        sizes = tuple(800.0 * (1 + (part if period % 2 else -part)) for period in range(number))
        found = ages(
            Births(EDGES, sizes, tuple(100 * size for size in sizes),
                   tuple(size / 100 for size in sizes), (0.0,) * number)
        )  # fmt: skip
        assert found.kind == LEAK
        beliefs.append(found.belief)
        scatters.append(found.scatter)
    assert scatters == sorted(scatters)
    assert scatters[-1] > 5
    assert beliefs == sorted(beliefs, reverse=True)


def test_nothing_born_is_no_belief() -> None:
    nothing = (0.0,) * (len(EDGES) - 1)
    assert ages(Births(EDGES, nothing, nothing, nothing, nothing)).belief == 0.0


@given(
    st.lists(
        st.tuples(st.just(0.0) | st.floats(1, 1e9), st.floats(1, 1e4), st.floats(0, 1e7)),
        min_size=3,
        max_size=40,
    )
)
def test_beliefs_are_probabilities_whatever_the_births(
    periods: list[tuple[float, float, float]],
) -> None:
    edges = tuple(float(index) for index in range(len(periods) + 1))
    sizes = tuple(size for size, _, _ in periods)
    found = ages(
        Births(edges, sizes, tuple(size * max(each, wide) for size, each, wide in periods),
               tuple(size / each for size, each, _ in periods), tuple(wide for _, _, wide in periods))
    )  # fmt: skip
    assert found.belief == pytest.approx(max(found.beliefs.values()))
    if sum(sizes) > 0:
        assert sum(found.beliefs.values()) == pytest.approx(1.0)
        assert found.events >= 0
        assert edges[0] <= found.since <= edges[-1]


@given(st.integers(0, 1000), st.floats(0.01, 100.0))
def test_the_unit_of_time_does_not_matter(seed: int, stretch: float) -> None:
    some = births(lambda u: math.exp(-u), seed)
    other = some._replace(edges=tuple(edge * stretch for edge in some.edges))
    first, second = ages(some), ages(other)
    assert first.kind == second.kind
    assert first.belief == pytest.approx(second.belief, abs=1e-6)


def test_events_are_counted_and_not_their_blocks() -> None:
    """A task that keeps five blocks at a time is one event, seen exactly or not."""
    number = len(EDGES) - 1
    exact = Births(
        EDGES,
        (80 * 300.0,) * number,
        (80 * 300.0**2,) * number,
        (80 * 5.0,) * number,
        (0.0,) * number,
    )
    counts, _ = effective(exact)
    assert sum(counts) == pytest.approx(number * 80)
