"""One snapshot as a history: sums are conserved, and what it tells is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.judge.births.life import held, lived
from leakhunt.judge.growths import growths
from leakhunt.judge.series.shape import LEAK, NOISE, STEP, TURNOVER, WARM_UP
from leakhunt.model.snapshot import Birth, Calendar, Gone, Tally
from tests.support.builders import snap, stack
from tests.support.lives import PERIOD, aged

TASKS = "/srv/shop/tasks.py"
N = 20


@pytest.mark.parametrize(
    ("sizes", "verdict"),
    [
        ([10_000] * N, LEAK),
        ([0] * 10 + [10_000] * 10, LEAK),
        ([int(40_000 * 0.6**i) for i in range(N)], WARM_UP),
        ([0] * 18 + [10_000] * 2, TURNOVER),
        ([int(40_000 * 0.6 ** (N - i)) for i in range(N)], TURNOVER),
    ],
)
def test_a_line_is_judged_by_the_ages_of_its_survivors(sizes: list[int], verdict: str) -> None:
    life = lived(aged((f"{TASKS}:40", sizes)))
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.verdict == verdict


def test_a_leak_has_the_rate_at_which_its_survivors_were_born() -> None:
    life = lived(aged((f"{TASKS}:40", [10_000] * N)))
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.rate == pytest.approx(10_000 / PERIOD)
    assert growth.shape.low < 10_000 / PERIOD < growth.shape.high


@pytest.mark.parametrize(
    ("part", "verdict"),
    [(0.0, LEAK), (1.0, TURNOVER)],
)
def test_blocks_of_a_freelist_do_not_tell_the_age_of_their_objects(
    part: float, verdict: str
) -> None:
    """Old blocks beside young objects: where the old ones may be recycled, the young ones decide."""
    snapshot = aged((f"{TASKS}:40", [*[6000] * 18, 100_000, 100_000]))
    place = stack(f"{TASKS}:40")
    told = snapshot.told(place)
    births = tuple(
        birth._replace(recycled=part * birth.size if birth.period < 18 else 0.0)
        for birth in told.births
    )
    life = lived(replace(snapshot, facts={place: replace(told, births=births)}))
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.verdict == verdict


def test_where_most_is_recycled_all_of_it_is_looked_at() -> None:
    snapshot = aged((f"{TASKS}:40", [10_000] * N))
    place = stack(f"{TASKS}:40")
    told = snapshot.told(place)
    births = tuple(birth._replace(recycled=0.9 * birth.size) for birth in told.births)
    life = lived(replace(snapshot, facts={place: replace(told, births=births)}))
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.verdict == LEAK


def test_a_few_events_are_no_leak_however_many_bytes_they_kept() -> None:
    snapshot = aged((f"{TASKS}:40", [0, 0, 150, 0, 0, 0, 100, 0, 0, 0, 0, 0]))
    life = lived(snapshot)
    assert life is not None
    for growth in growths(life):
        assert growth.shape.verdict in (NOISE, STEP)


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=30))
def test_what_was_born_adds_up_to_what_is_alive(sizes: list[int]) -> None:
    snapshot = aged((f"{TASKS}:40", sizes), (f"{TASKS}:90", [1000] * len(sizes)))
    life = lived(snapshot)
    assert life is not None
    for each, track in life.tracks.items():
        assert track.sizes[-1] == pytest.approx(snapshot.tallies[each].size, abs=1)
        assert list(track.sizes) == sorted(track.sizes)
    assert life.sizes[-1] == pytest.approx(snapshot.totals.size, abs=2)


def test_nothing_is_told_without_births_or_with_too_few_periods() -> None:
    assert lived(snap("tasks.py:40 1KiB x1")) is None
    assert lived(aged((f"{TASKS}:40", [100, 100, 100]))) is None


def test_periods_beyond_the_calendar_count_as_its_last() -> None:
    """A file may say anything."""
    snapshot = aged((f"{TASKS}:40", [1000] * N))
    calendar = snapshot.calendar
    assert calendar is not None
    short = Calendar("task", calendar.edges[:11], calendar.moments[:11], calendar.intervals[:10], 0)
    object.__setattr__(snapshot, "calendar", short)
    life = lived(snapshot)
    assert life is not None
    assert next(iter(life.tracks.values())).sizes[-1] == 1000 * N


def test_a_table_that_was_made_anew_does_not_speak_for_the_rate() -> None:
    """One block of 4 MB beside even births: the births tell, and the table is no part of their rate."""
    snapshot = aged((f"{TASKS}:40", [10_000] * N))
    place = stack(f"{TASKS}:40")
    told = snapshot.told(place)
    table = Birth(13, "shop.take", 1, 1, 4_000_000.0, 4_000_000.0**2, 1.0)
    tallies = {place: Tally(10_000 * N + 4_000_000, 200 * N + 1)}
    life = lived(
        replace(
            snapshot, tallies=tallies, facts={place: replace(told, births=(*told.births, table))}
        )
    )
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.verdict == LEAK
    assert growth.shape.rate == pytest.approx(10_000 / PERIOD, rel=0.01)
    assert life.sizes[-1] == 10_000 * N + 4_000_000  # nothing is left out of what is alive


@pytest.mark.parametrize(("late", "is_open"), [(1.0, False), (300_000.0, True)])
def test_a_warm_up_is_in_doubt_where_later_births_would_not_have_been_sampled(
    late: float, is_open: bool
) -> None:
    """Fewer and fewer births, then a gap between samples in which nothing could be seen."""
    sizes = [1200, 1100, 1000, 900, 900, 800, *[0] * 14]
    snapshot = aged((f"{TASKS}:40", sizes))
    calendar = snapshot.calendar
    assert calendar is not None
    seen = replace(calendar, intervals=(*calendar.intervals[:6], *[late] * 14))
    life = lived(replace(snapshot, calendar=seen))
    assert life is not None
    (growth,) = growths(life)
    assert growth.shape.verdict != LEAK
    assert growth.shape.open is is_open


def test_where_nobody_could_tell_what_freelists_handed_on_all_ages_count() -> None:
    """A light snapshot whose blocks could not be looked at: none of them is surely as old as its object."""
    snapshot = aged((f"{TASKS}:40", [10_000] * N))
    blind = replace(
        snapshot,
        meta=replace(snapshot.meta, facts={**snapshot.meta.facts, "walks": {"types": "left out"}}),
    )
    sure, unsure = lived(snapshot), lived(blind)
    assert sure is not None
    assert unsure is not None
    place = stack(f"{TASKS}:40")
    assert sure.doubtful == {}
    assert list(unsure.doubtful[place]) == pytest.approx(list(unsure.tracks[place].sizes), abs=1)
    assert [each.shape.verdict for each in growths(unsure)] == [LEAK]


def test_a_column_is_of_the_moment_at_which_its_period_ended() -> None:
    snapshot = aged((f"{TASKS}:40", [10_000] * N))
    life = lived(snapshot)
    assert life is not None
    assert snapshot.calendar is not None
    newest = snapshot.meta.taken_at
    assert [each.taken_at for each in life.metas] == [*snapshot.calendar.moments[1:-1], newest]


def test_what_was_held_is_what_is_alive_and_what_has_died_since() -> None:
    snapshot = aged((f"{TASKS}:40", [10_000] * N))
    place = stack(f"{TASKS}:40")
    gone = Gone(tuple(1000.0 * at for at in range(N - 1)), (0.0,) * (N - 1))
    assert snapshot.calendar is not None
    life = lived(
        replace(
            snapshot,
            facts={place: replace(snapshot.told(place), gone=gone)},
            calendar=replace(snapshot.calendar, deaths=True),
        )
    )
    assert life is not None
    alive = life.series([place]).sizes
    assert held(life, [place]).sizes == tuple(
        size + died for size, died in zip(alive, (*gone.sizes, 0.0))
    )
