"""What is still wanted, where sizes are samples: either side of each number of samples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge.enough import (
    Wanted,
    blind_below,
    coarsest,
    located,
    sampling,
    suspicious,
    wanted,
)
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.owners import Book
from leakhunt.judge.series.shape import LEAK, NOISE
from tests.support.builders import history
from tests.support.growing import LINE, growth, rising, sampled

#: Mean bytes between two samples; five snapshots are 400 tasks.
EVERY, TASKS = 1000, 400
FEW, ENOUGH = LEVELS.samples.suspicious, LEVELS.samples.enough


def grown(samples: int | None, verdict: str = NOISE, is_open: bool = True) -> Wanted | None:
    """What is wanted of a line that grew by 8,000 bytes in 400 tasks, and by so many samples."""
    made = sampled({LINE: [0, 2, 4, 6, 8]}, EVERY)
    judged = growth(Book(made), LINE, verdict=verdict, open=is_open, samples=samples)
    assert judged.grown == 8000
    return wanted(made, judged)


def test_up_to_enough_samples_those_that_are_missing_are_wanted() -> None:
    assert grown(FEW) == Wanted(FEW, EVERY * (ENOUGH - FEW), EVERY * (ENOUGH - FEW) / 8000 * TASKS)
    assert grown(ENOUGH - 1) == Wanted(ENOUGH - 1, EVERY, EVERY / 8000 * TASKS)


def test_from_enough_samples_on_as_many_again_are_wanted() -> None:
    assert grown(ENOUGH) == Wanted(ENOUGH, EVERY * ENOUGH, EVERY * ENOUGH / 8000 * TASKS)
    assert grown(2 * ENOUGH) == Wanted(
        2 * ENOUGH, EVERY * 2 * ENOUGH, EVERY * 2 * ENOUGH / 8000 * TASKS
    )


def test_nothing_is_wanted_where_samples_are_not_what_is_missing() -> None:
    assert grown(FEW - 1) is None
    assert grown(ENOUGH, LEAK) is None
    assert grown(ENOUGH, is_open=False) is None
    assert grown(None) is None


def test_what_has_not_grown_has_no_rate_to_reckon_with() -> None:
    made = sampled({LINE: [5, 9, 9, 7, 5]}, EVERY)
    flat = growth(Book(made), LINE, verdict=NOISE, open=True, samples=9)
    assert flat.grown == 0
    assert wanted(made, flat) is None


def test_many_samples_of_a_growth_are_a_suspicion_however_few_bytes_they_are() -> None:
    assert suspicious(Wanted(ENOUGH, 1.0, 1.0))
    assert not suspicious(Wanted(ENOUGH - 1, 1e9, 1e9))
    assert not suspicious(None)


def test_a_process_that_grows_without_a_place_is_looked_at_until_it_would_have_shown() -> None:
    every = 512 << 10
    made = sampled({LINE: [0, 2, 4, 6, 8]}, every)
    shows = LEVELS.samples.shown * every / TASKS
    assert located(made, shows) is None
    less = shows - 1
    assert located(made, less) == Wanted(0, ENOUGH * every, ENOUGH * every / less)
    assert located(history((LINE, rising(1000, 5), rising(1, 5)), interval=every), less) is None


def test_a_rest_that_is_too_little_to_be_looked_at_is_not_searched_for() -> None:
    every = 512 << 10
    made = sampled({LINE: [0, 2, 4, 6, 8]}, every)
    least = LEVELS.resident.least / TASKS
    assert located(made, least) is not None
    assert located(made, least - 1) is None
    assert located(made, 0.0) is None
    assert located(made, -1.0) is None


@pytest.mark.parametrize(("interval", "known"), [(1, 1), (0, None), (-5, None), ("7", None)])
def test_an_interval_counts_where_it_is_a_number_of_bytes(
    interval: object, known: int | None
) -> None:
    made = sampled({LINE: [0, 2, 4]}, EVERY)
    last = replace(made.last, facts={**made.last.facts, "interval": interval})
    assert sampling(replace(made, metas=(*made.metas[:-1], last))) == known


def test_the_newest_interval_counts_and_none_where_sizes_are_exact() -> None:
    made = sampled({LINE: [0, 2, 4]}, EVERY)
    first = replace(made.first, facts={**made.first.facts, "interval": 7})
    assert sampling(replace(made, metas=(first, *made.metas[1:]))) == EVERY
    assert sampling(history((LINE, [0, 1, 2], [0, 1, 2]), interval=EVERY)) is None


def test_a_leak_of_less_than_enough_samples_may_not_show() -> None:
    made = sampled({LINE: [0, 2, 4, 6, 8]}, EVERY)
    assert blind_below(made) == ENOUGH * EVERY / TASKS
    assert blind_below(history((LINE, [0, 1, 2], [0, 1, 2]), interval=EVERY)) is None
    at_once: History = replace(made, times=(0.0,) * 5)
    assert blind_below(at_once) is None


def test_the_coarsest_interval_of_all_counts_where_a_block_may_have_been_missed() -> None:
    made = sampled({LINE: [0, 2, 4]}, 1000)
    first = replace(made.first, facts={**made.first.facts, "interval": 4096})
    assert coarsest(replace(made, metas=(first, *made.metas[1:]))) == 4096
    assert coarsest(history((LINE, [0, 1, 2], [0, 1, 2]))) is None
