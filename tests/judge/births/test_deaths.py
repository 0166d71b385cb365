"""What died tells a container that replaces its entries from one that only gains some."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest

from leakhunt.judge.births.ages import LEAK, TURNOVER, WARM_UP, Births, ages
from leakhunt.judge.births.deaths import Gone, Turned, grown, weighed
from leakhunt.judge.levels import LEVELS

N, EACH, BLOCK = 20, 5000.0, 100.0


def births(sizes: Sequence[float]) -> Births:
    return Births(
        tuple(100.0 * at for at in range(len(sizes) + 1)), tuple(sizes),
        tuple(size * BLOCK for size in sizes), tuple(size / BLOCK for size in sizes), (1.0,) * len(sizes),
    )  # fmt: skip


def gone(sizes: Sequence[float]) -> Gone:
    return Gone(tuple(sizes), tuple(size * BLOCK for size in sizes))


EVEN = births([EACH] * N)
NOTHING = gone([0.0] * N)


def test_a_leak_from_which_nothing_goes_stays_one() -> None:
    said = ages(EVEN)
    assert said.kind == LEAK
    found, turned = weighed(said, EVEN, NOTHING)
    assert (found.kind, turned) == (LEAK, None)
    assert found.belief == pytest.approx(said.belief, abs=0.01)


def test_a_reservoir_keeps_its_size_whatever_the_ages_of_its_entries() -> None:
    """Entries of all ages; but for each that came, one has gone."""
    alive = [EACH * at for at in range(N)]
    died = gone([EACH * N - size for size in alive])  # as large as now at any time
    said, turned = weighed(ages(EVEN), EVEN, died)
    assert said.kind == TURNOVER
    assert said.belief > 0.9
    assert sum(said.beliefs.values()) == pytest.approx(1)
    assert turned is not None
    assert turned.came == pytest.approx(turned.went)


@pytest.mark.parametrize(("went", "kind"), [(0.3, LEAK), (0.9, TURNOVER)])
def test_a_leak_may_lose_a_part_and_still_grow(went: float, kind: str) -> None:
    died = gone([went * EACH * (N - at) for at in range(N)])
    assert weighed(ages(EVEN), EVEN, died)[0].kind == kind


@pytest.mark.parametrize("full", range(4, 17))
def test_what_became_full_at_some_moment_replaces_since_then(full: int) -> None:
    """It is full for a fifth of the life or for four fifths: entries of all ages, none more than then."""
    alive = [EACH * N * min(1.0, at / full) for at in range(N)]
    died = gone([size - EACH * at for at, size in enumerate(alive)])
    said, turned = weighed(ages(EVEN), EVEN, died)
    assert said.kind == TURNOVER
    assert turned is not None
    assert turned.came == pytest.approx(turned.went)


def test_to_ask_at_many_moments_refutes_no_leak() -> None:
    """A leak among a turnover of as many entries as it has gained in the end, with lives of their own lengths."""
    refuted = 0
    for seed in range(200):
        draws = random.Random(seed)
        kept, died = [0.0] * N, [0.0] * N
        for at in range(N):
            for _ in range(10):
                gone_at = N if draws.random() < 0.3 else at + draws.randrange(1, 9)
                kept[at] += EACH if gone_at >= N else 0.0
                for later in range(at + 1, gone_at if gone_at < N else at):
                    died[later] += EACH
        born = births(kept)._replace(squares=tuple(size * EACH for size in kept))
        said, _ = weighed(ages(born), born, Gone(tuple(died), tuple(size * EACH for size in died)))
        refuted += said.kind != LEAK
    assert refuted <= 20


def test_less_must_have_gone_where_the_entries_are_in_no_order() -> None:
    """Half of what was there has gone: a leak, where it is appended; a table of the best, where it is not."""
    died = gone([0.5 * EACH * (N - at) for at in range(N)])
    said = ages(EVEN)
    ordered, unordered = (weighed(said, EVEN, died, each)[0] for each in (False, True))
    assert unordered.beliefs[TURNOVER] > ordered.beliefs[TURNOVER]
    odds = [each.beliefs[TURNOVER] / each.beliefs[LEAK] for each in (ordered, unordered)]
    assert 1 < odds[1] / odds[0] <= 1 / LEVELS.lives.unordered


def test_no_order_alone_refutes_no_leak_from_which_nothing_goes() -> None:
    """Deaths are known, and there are none."""
    assert weighed(ages(EVEN), EVEN, NOTHING, True)[0].kind == LEAK


def test_what_young_entries_beside_a_leak_lose_is_not_held_against_it() -> None:
    """A buffer of two periods turns over beside the leak: what it gains it loses."""
    sizes = [EACH] * (N - 2) + [5 * EACH] * 2
    both = births(sizes)
    said = ages(both)
    assert said.kind == LEAK
    assert said.part < 1
    died = gone([8 * EACH] * (N - 2) + [4 * EACH, 0.0])
    assert weighed(said, both, died)[0].kind == LEAK


SUDDEN = births([0.0] * 8 + [EACH] * (N - 8))


def test_a_leak_that_began_where_as_much_had_been_before_is_a_container_that_was_emptied() -> None:
    said = ages(SUDDEN)
    assert (said.kind, said.sudden) == (LEAK, True)
    died = gone([12 * EACH] * 7 + [0.0] * (N - 7))
    kind, turned = weighed(said, SUDDEN, died)
    assert kind.kind == TURNOVER
    assert turned == Turned(EACH * (N - 8), 12 * EACH)


def test_what_peaked_once_may_leak_all_the_same() -> None:
    """A batch of forty periods' worth was there for one period, and went."""
    died = gone([0.0, 0.0, 0.0, 40 * EACH] + [0.0] * (N - 4))
    assert weighed(ages(EVEN), EVEN, died)[0].kind == LEAK


def test_the_trough_of_a_wave_is_not_its_beginning() -> None:
    """Sessions by the time of day: what lives was born since the trough, and at the last crest as many were there."""
    wave = births([0.0] * 10 + [2 * EACH] * 10)
    said = ages(wave)
    assert said.kind == LEAK
    died = gone([4 * EACH * at for at in (1, 2, 3, 4, 5, 5, 4, 3, 2, 1)] + [0.0] * 10)
    assert weighed(said, wave, died)[0].kind == TURNOVER


def test_nothing_died_of_what_began_suddenly() -> None:
    said = ages(SUDDEN)
    found, turned = weighed(said, SUDDEN, NOTHING)
    assert (found.kind, turned) == (LEAK, None)
    assert found.belief > said.belief  # nor is it a queue, from which something would have gone


def test_what_is_young_and_never_loses_anything_is_a_leak_that_began_late() -> None:
    late = births([0.0] * 13 + [EACH] * (N - 13))
    said = ages(late)
    doubted = said._replace(
        kind=TURNOVER, belief=0.6, beliefs={LEAK: 0.4, WARM_UP: 0.0, TURNOVER: 0.6}
    )
    assert weighed(doubted, late, NOTHING)[0].kind == LEAK
    queue = gone([EACH * 7] * 13 + [EACH * (N - at) for at in range(13, N)])
    assert weighed(doubted, late, queue)[0].kind == TURNOVER


def test_of_what_lives_shortly_no_death_is_told_and_nothing_is_concluded() -> None:
    young = births([0.0] * (N - 1) + [EACH])
    doubted = ages(young)._replace(kind=TURNOVER, beliefs={LEAK: 0.3, WARM_UP: 0.0, TURNOVER: 0.7})
    assert weighed(doubted, young, NOTHING)[0] == doubted


def test_few_samples_move_the_belief_a_little() -> None:
    """Two samples at a coarse interval make up the second half, and the deaths are not known any better: a leak
    is believed in less, and nothing is refuted.
    """
    half = EACH * N / 2
    coarse = EVEN._replace(squares=(0.0,) * (N // 2) + (half**2 / 2 / (N // 2),) * (N // 2))
    said, turned = weighed(ages(EVEN), coarse, Gone((half / 2,) * N, (half**2 / 4,) * N))
    assert turned is None
    assert said.kind == LEAK
    assert 0.7 < said.belief < 0.9


def test_a_cache_that_fills_and_loses_nothing_stays_one() -> None:
    filling = births([EACH * 0.7**at for at in range(N)])
    said = ages(filling)
    assert said.kind == WARM_UP
    assert weighed(said, filling, NOTHING)[0].kind == WARM_UP


def test_without_births_there_is_nothing_to_weigh() -> None:
    nothing = births([0.0] * N)
    said = ages(nothing)
    assert weighed(said, nothing, NOTHING) == (said, None)


def test_levels_are_within_reason() -> None:
    assert 0 < LEVELS.lives.told < 0.5


def staircase(size_at: Callable[[float], float], periods: int = N) -> tuple[Births, Gone]:
    """One block, reallocated by an eighth whenever it is full: its size is asked for at each edge."""
    room, held = 0.0, []
    for at in range(periods + 1):
        while room < size_at(at / periods):
            room = max(1000.0, room * 1.125)
        held.append(room)
    last = next(at for at, size in enumerate(held) if size == held[-1])
    sizes = [0.0] * periods
    sizes[last - 1] = held[-1]
    return births(sizes), gone([0.0 if at >= last else size for at, size in enumerate(held[:-1])])


def test_a_buffer_that_is_made_larger_again_and_again_grows_steadily() -> None:
    made = grown(*staircase(lambda part: 100_000 * part))
    assert made is not None
    assert made.size == pytest.approx(100_000, rel=0.13)


@pytest.mark.parametrize(
    "size_at",
    [
        lambda part: 100_000 * min(1.0, 3 * part),  # a table that is full
        lambda part: 100_000 * part ** (1 / 3),
        lambda part: 100_000 * (1 - math.exp(-6 * part)),
        lambda part: 100_000 * (part > 0.5),  # made at once
        lambda part: 1000 * (1 + (part > 0.3) + 2 * (part > 0.6)),  # a dict's, which doubles
    ],
)
def test_a_table_that_fills_or_has_few_steps_does_not(size_at: Callable[[float], float]) -> None:
    assert grown(*staircase(size_at)) is None


def test_a_buffer_that_was_emptied_does_not() -> None:
    sizes, died = staircase(lambda part: 100_000 * part)
    emptied = died._replace(sizes=(*died.sizes[:10], 0.0, *died.sizes[11:]))
    assert grown(sizes, emptied) is None
    assert grown(births([0.0] * N), NOTHING) is None
