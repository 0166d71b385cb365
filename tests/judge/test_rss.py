"""The resident set against what Python explains: either side of each level."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import rss as resident
from leakhunt.judge.allocators import NATIVE
from leakhunt.judge.births.life import lived
from leakhunt.judge.history import History
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.rss import UNKNOWN, Outside, outside
from leakhunt.judge.verdict import INCONCLUSIVE, judge
from leakhunt.model.snapshot import Resident
from tests.judge.series.test_figure import filling, stairs
from tests.support.builders import history, snap, stack
from tests.support.growing import LINE
from tests.support.lives import PERIOD, aged

MIB = 1 << 20
N = 10
RESIDENT = LEVELS.resident
#: What a process holds to begin with, and its growth from one snapshot to the next: 1 MiB.
BASE = 100 * MIB
ALLOCATORS = {"malloc_used": 0, "malloc_mapped": 0, "pymalloc_used": 0, "malloc_free": 0, "pymalloc_free": 0}  # fmt: skip


def process(
    rss: list[int], traced: list[int] | None = None, tracer: int | list[int] = 0, **facts: Any
) -> History:
    """A process with that resident set, after 100 tasks each, and that much traced memory."""
    sizes = traced or [10 * MIB] * len(rss)
    return history((LINE, sizes, [1] * len(rss)), rss=rss, tracer=tracer, **facts)


def line(start: int, each: int, number: int = N) -> list[int]:
    return [start + each * index for index in range(number)]


def allocators(**series: list[int]) -> list[dict[str, int]]:
    """The allocators' figures at each snapshot; those that are not told stand still."""
    return [
        {**ALLOCATORS, **{name: values[index] for name, values in series.items()}}
        for index in range(N)
    ]


def test_where_nothing_was_traced_nothing_is_outside() -> None:
    """With the engine off Python explains none of a growth, whatever it allocates."""
    off = process(line(BASE, MIB), [0] * N, engine="off")
    assert outside(off) == UNKNOWN
    assert judge([off]).verdict == INCONCLUSIVE


# -- whether it grows, and how much is outside ----------------------------------------


def test_growth_that_python_explains_is_not_outside() -> None:
    found = outside(process(line(BASE, MIB), line(10 * MIB, MIB)))
    assert (found.told, found.grows_at_all, found.grows, found.keeps) == (True, True, False, True)
    assert found.rss_rate == found.traced_rate == pytest.approx(MIB / 100)
    assert found.rest == pytest.approx(0)
    assert found.explained == pytest.approx(1)
    assert found.kind is None


def test_growth_that_python_does_not_explain_is() -> None:
    found = outside(process(line(BASE, MIB)))
    assert (found.grows_at_all, found.grows, found.keeps) == (True, True, True)
    assert found.rest == pytest.approx(MIB / 100)
    assert (found.traced_rate, found.explained) == (0, 0)
    assert found.kind is None  # the snapshots do not tell which


def test_a_process_that_has_given_all_of_it_back_has_not_grown() -> None:
    """However high it stood before, and however well a line fits most of it."""
    found = outside(process([*line(BASE, 4 * MIB, N - 1), BASE]))
    assert found.rss_rate is not None
    assert found.rss_rate > 0
    assert (found.grows_at_all, found.grows, found.keeps) == (False, False, False)


@pytest.mark.parametrize(("beside", "grows"), [(-0.01, True), (0.01, False)])
def test_mostly_is_what_python_explains_less_than_half_of(beside: float, grows: bool) -> None:
    part = RESIDENT.explained + beside
    found = outside(process(line(BASE, MIB), line(10 * MIB, round(part * MIB))))
    assert found.explained == pytest.approx(part, abs=1e-6)
    assert found.grows is grows
    assert found.grows_at_all
    assert found.rest == pytest.approx((1 - part) * MIB / 100, rel=1e-4)


def test_the_tracers_own_tables_are_explained() -> None:
    found = outside(process(line(BASE, MIB), line(10 * MIB, MIB // 4), line(MIB, MIB // 2)))
    assert found.explained == pytest.approx(0.75)
    assert (found.traced_rate, found.rest) == pytest.approx((MIB / 400, MIB / 400))
    assert not found.grows


def test_what_shrinks_explains_nothing_and_leaves_more_outside() -> None:
    found = outside(process(line(BASE, MIB), line(20 * MIB, -MIB)))
    assert found.explained == 0
    assert found.rest == pytest.approx(2 * MIB / 100)


@pytest.mark.parametrize(("short", "material"), [(0, True), (1, False)])
def test_growth_counts_from_some_mib_on(short: int, material: bool) -> None:
    """Of ten snapshots there are nine steps."""
    rss = line(BASE, -(-RESIDENT.least // 9))
    rss[-1] = BASE + RESIDENT.least
    rss[-1] -= short
    found = outside(process(rss))
    assert found.grows_at_all is found.keeps is found.grows is material


@pytest.mark.parametrize(("short", "material"), [(0, True), (4096, False)])
def test_and_from_a_part_of_the_resident_set_on(short: int, material: bool) -> None:
    base = 1000 * MIB
    assert RESIDENT.least_part * base > RESIDENT.least
    rss = line(base, round(RESIDENT.least_part * base / 9) + 4096)
    rss[-1] = round(base * (1 + RESIDENT.least_part)) + 1 - short
    assert outside(process(rss)).grows_at_all is material


@pytest.mark.parametrize("at", range(1, 10))
def test_one_jump_is_no_growth_for_good(at: int) -> None:
    rss = [BASE] * at + [BASE + 40 * MIB] * (10 - at)
    found = outside(process(rss))
    assert not found.keeps
    assert not found.grows


def test_what_falls_back_does_not_grow() -> None:
    found = outside(process([BASE + MIB * (index % 2) * 20 for index in range(N)]))
    assert not found.grows
    falling = outside(process(line(BASE, -MIB)))
    assert (falling.grows_at_all, falling.explained) == (False, None)


def test_a_figure_that_is_not_steady_may_grow_for_good_all_the_same() -> None:
    """Between its jumps, or by stairs: what a straight line alone says is another field."""
    for rss in (filling(64 << 10), stairs(9, 19, 29, 39)):
        found = outside(process(rss))
        assert found.grows
        assert not found.keeps


# -- which snapshots ------------------------------------------------------------------


def test_fewer_than_two_that_say_both_figures_say_nothing() -> None:
    assert outside(process([BASE])) is UNKNOWN
    assert not UNKNOWN.told
    made = process(line(BASE, MIB, 2))
    silent = replace(made.entries[0], meta=replace(made.entries[0].meta, rss=None))
    assert outside(replace(made, entries=(silent, made.entries[1]))) is UNKNOWN
    untold = replace(made.entries[0], meta=replace(made.entries[0].meta, traced=None))
    assert outside(replace(made, entries=(untold, made.entries[1]))) is UNKNOWN
    assert outside(made).told


def test_of_four_and_more_the_first_is_left_out_where_it_may_have_armed_the_tracer() -> None:
    """The tables take memory once."""
    for number, armed, from_first in (
        (3, True, True),
        (4, True, False),
        (4, None, False),
        (4, False, True),
    ):
        rss = [BASE, *line(BASE + 50 * MIB, 0, number - 1)]
        assert outside(process(rss, baseline=armed)).grows_at_all is from_first


def test_every_snapshot_counts_those_that_were_not_read_with_their_traces_too() -> None:
    made = process(line(BASE, MIB))
    assert outside(replace(made, metas=made.metas[:2])).grows


def test_seconds_are_the_clock_where_tasks_are_not() -> None:
    made = process(line(BASE, MIB), monotonic=[7.0 + 5 * index for index in range(N)])
    found = outside(replace(made, unit="second"))
    assert found.rss_rate == pytest.approx(MIB / 5)
    assert outside(replace(made, unit="snapshot")).rss_rate == pytest.approx(MIB)


def test_two_snapshots_at_the_same_moment_do_not_divide_by_nothing() -> None:
    made = process(line(BASE, MIB), tasks=None, tasks_done=[100] * N)
    rate = outside(made).rss_rate
    assert rate is not None
    assert rate > 0


# -- which kind -----------------------------------------------------------------------


# -- what stays without growing -------------------------------------------------------


def high_water(free: int) -> Outside:
    """40 MiB stay of a peak; the allocators hold so much of them free."""
    rss = [BASE] * 4 + [BASE + 40 * MIB] * 6
    return outside(
        process(rss, allocators=allocators(malloc_free=[0] * 4 + [free] * 6),
                traced_peak=[10 * MIB] * 4 + [60 * MIB] * 6)
    )  # fmt: skip


def test_memory_of_a_peak_stays_and_is_fragmented_where_half_of_it_is_free() -> None:
    found = high_water(20 * MIB)
    assert (found.held, found.free) == (40 * MIB, 20 * MIB)
    assert found.fragmented
    assert not found.grows
    assert not high_water(20 * MIB - 1).fragmented


@pytest.mark.parametrize(("held", "fragmented"), [(0, True), (-1, False)])
def test_free_memory_is_worth_a_verdict_from_a_size_on(held: int, fragmented: bool) -> None:
    stays = RESIDENT.held + held
    found = replace(high_water(40 * MIB), held=stays, free=stays)
    assert found.fragmented is fragmented
    assert not replace(found, free=None).fragmented


def test_what_stays_is_reckoned_beyond_what_python_explains() -> None:
    """By the middle of the last third less that of the first: one outlier in each says nothing."""
    rss = [BASE, BASE, BASE + 90 * MIB, BASE, *[BASE + 40 * MIB] * 4, BASE, BASE + 40 * MIB]
    assert outside(process(rss)).held == 40 * MIB
    grown = [10 * MIB] * 4 + [25 * MIB] * 6
    assert outside(process(rss, grown)).held == 25 * MIB
    shrunk = [30 * MIB] * 4 + [10 * MIB] * 6
    assert outside(process(rss, shrunk)).held == 40 * MIB
    assert outside(process(line(BASE, 0), grown)).held == 0


def slight(mib: float, files: float = 0.0, base: int = 50 * MIB) -> Outside:
    """So much comes in the first third, ``files`` of it pages of files, and stands."""
    rss = [base] * 3 + [base + round(mib * MIB)] * 7
    private = [30 * MIB] * 3 + [30 * MIB + round((mib - files) * MIB)] * 7
    return outside(process(rss, anonymous=private))


@pytest.mark.parametrize(
    ("mib", "files", "base", "noted"),
    [
        (6, 0, 50, True), (3.9, 0, 10, False), (4, 0, 40, True), (4, 0, 41, False), (12, 5, 50, True),
        (12, 7, 50, False), (20, 20, 50, True),
    ],
)  # fmt: skip
def test_little_that_stands_is_worth_a_remark_where_it_is_of_no_file(
    mib: float, files: float, base: int, noted: bool
) -> None:
    """Of pages of libraries, which are read in by and by, only what is much is told."""
    made = slight(mib, files, base * MIB)
    assert made.stands is True
    assert made.private == round((mib - files) * MIB)
    assert made.stays(made.first) is noted


def test_where_what_is_of_no_file_is_not_known_little_is_not_told() -> None:
    assert not replace(slight(8), private=None).stays(50 * MIB)
    assert not replace(slight(8), stands=None).stays(50 * MIB)
    assert not replace(slight(8), stands=False).stays(50 * MIB)


def test_it_stands_where_the_newest_third_adds_little() -> None:
    rss = [BASE] * 4 + [BASE + 40 * MIB] * 6
    assert outside(process(rss)).stands is True
    assert outside(process(line(BASE, 4 * MIB))).stands is False
    # a leak of Python's beside it: RSS grows, what nothing explains does not
    leaks = [10 * MIB + MIB * index for index in range(10)]
    held = [size + 90 * MIB + (20 * MIB if index > 2 else 0) for index, size in enumerate(leaks)]
    assert outside(process(held, leaks)).stands is True
    assert outside(process(line(BASE, 4 * MIB, 5))).stands is None


# -- peaks ----------------------------------------------------------------------------


@pytest.mark.parametrize(("beside", "grows"), [(-0.02, True), (0.02, False)])
def test_ever_higher_peaks_explain_a_growth_of_which_they_are_half(
    beside: float, grows: bool
) -> None:
    each = round((RESIDENT.explained + beside) * MIB)
    found = outside(process(line(BASE, MIB), traced_peak=line(20 * MIB, each)))
    assert found.grows is grows


def test_the_tracers_tables_grow_with_a_peak() -> None:
    """At a third of the growth the peaks are half, with a tracer that takes as much again."""
    third = line(20 * MIB, MIB // 3)
    assert outside(process(line(BASE, MIB), traced_peak=third)).grows
    assert not outside(process(line(BASE, MIB), tracer=10 * MIB, traced_peak=third)).grows


def test_peaks_count_where_every_snapshot_tells_one() -> None:
    peaks: list[int | None] = [*line(20 * MIB, MIB)]
    peaks[5] = None
    assert outside(process(line(BASE, MIB), traced_peak=peaks)).grows


@pytest.mark.parametrize(("peak", "grows"), [(10, True), (100, False)])
def test_jumps_far_above_any_peak_are_fragmentation_that_goes_on(peak: int, grows: bool) -> None:
    """Each round finds the holes of the last one too small: 20 MiB every third snapshot."""
    rss = [BASE + 20 * MIB * (index // 3) for index in range(N)]
    peaks = [10 * MIB] * 7 + [(10 + peak) * MIB] * 3
    found = outside(process(rss, traced_peak=peaks))
    assert found.grows is grows
    assert not found.keeps


def test_jumps_that_come_early_alone_do_not_go_on() -> None:
    early = [BASE + 20 * MIB * min(2, index) for index in range(N)]
    assert not outside(process(early)).grows


def test_a_peak_in_between_is_no_growth() -> None:
    """From end to end it is less than is looked at."""
    rss = line(BASE, MIB // 10)
    rss[4] += 30 * MIB
    assert not outside(process(rss)).grows_at_all


# -- one snapshot, whose process has taken note of its size ------------------------------


PERIODS = 20
WORK = PERIOD * PERIODS


def life(
    rss: Callable[[float], float],
    born: Sequence[float] = (5000.0,) * PERIODS,
    points: int = 40,
    **facts: Any,
) -> History:
    """A process of 2,000 tasks, of ``rss`` MiB after each part of them; at the end, 1 of 1."""
    tasks = [round(WORK * (at + 1) / (points + 1)) for at in range(points)]
    told = tuple(Resident(at, round(rss(at / WORK) * MIB)) for at in tasks)
    snapshot = aged((LINE, born), rss=round(rss(1.0) * MIB), **facts)
    made = lived(replace(snapshot, resident=told))
    assert made is not None
    return made


def test_one_snapshot_tells_what_python_does_not_explain() -> None:
    found = outside(life(lambda part: 100 + 30 * part, tracer=0))
    assert (found.told, found.grows, found.keeps) == (True, True, True)
    assert found.rss_rate == pytest.approx(30 * MIB / WORK, rel=0.01)
    assert found.traced_rate == pytest.approx(5000 / PERIOD, rel=0.02)
    assert found.rest == pytest.approx(30 * MIB / WORK - 50, rel=0.01)
    assert found.first == pytest.approx(100.7 * MIB, rel=0.001)
    assert found.kind is None  # it may be free: nobody says how much is


@pytest.mark.parametrize(("free", "kind"), [(10, NATIVE), (20, None)])
def test_what_is_not_free_is_in_use(free: int, kind: str | None) -> None:
    """All that is free at the end may have become so: where that is less than half of the growth, most is in use."""
    figures = {**ALLOCATORS, "malloc_free": free * MIB}
    assert outside(life(lambda part: 100 + 30 * part, allocators=figures)).kind == kind


@pytest.mark.parametrize(("period", "grows"), [(0, True), (9, False)])
def test_what_one_sample_may_stand_for_is_in_doubt_where_it_came_with_the_work(
    period: int, grows: bool
) -> None:
    """What was imported before the first task says nothing of what tasks have left, however few samples it has."""
    made = life(lambda part: 100 + 10 * part, tracer=0)
    variances = {stack(LINE): [0.0] * period + [(3.0 * MIB) ** 2] * (PERIODS - period)}
    assert outside(replace(made, variances=variances)).grows == grows


def test_the_doubt_is_of_the_growth_since_the_first_edge_over_the_work_since() -> None:
    """Of nine tenths of the work and twice the error per unit, as if it had been of all of it."""
    made = life(lambda part: 100 + 10 * part, points=9)
    variances = {stack(LINE): [float(MIB**2), *[5.0 * MIB**2] * (PERIODS - 1)]}
    course = resident._lived(replace(made, variances=variances))
    assert course is not None
    assert (course.t[0], course.t[-1]) == (WORK / 10, WORK)
    assert course.error == pytest.approx(2 * MIB * (WORK - WORK / 10) / (WORK - PERIOD))


def test_of_what_a_life_began_with_alone_nothing_is_said() -> None:
    """What was imported cannot be told there from what tasks have left."""
    told = tuple(Resident(at, (100 + at) * MIB) for at in range(10, PERIOD, 10))
    made = lived(replace(aged((LINE, (5000.0,) * PERIODS), rss=None), resident=told))
    assert made is not None
    assert not outside(made).told


def test_what_the_births_explain_is_not_outside() -> None:
    found = outside(life(lambda part: 100 + 30 * part, (1.5 * MIB,) * PERIODS, tracer=0))
    assert (found.grows_at_all, found.keeps, found.grows) == (True, True, False)
    assert found.explained == pytest.approx(1.0, abs=0.02)


def test_the_tracers_tables_grow_with_what_they_tell_of() -> None:
    born = (0.5 * MIB,) * PERIODS
    assert outside(life(lambda part: 100 + 30 * part, born)).grows
    assert not outside(life(lambda part: 100 + 30 * part, born, tracer=8 * MIB)).grows


def test_what_was_alive_and_died_explains_what_it_took() -> None:
    """Ten MiB go at the middle, which the process keeps: it does not grow by what it held all along."""
    made = life(lambda part: 100 + 12 * min(1.0, 2 * part), (1e5,) * PERIODS)
    assert not outside(made).grows


@pytest.mark.parametrize(
    "rss",
    [lambda part: 100 + 30 * min(part, 0.4), lambda part: 100 + 20 * part**0.2, lambda part: 130 - 30 * part,
     lambda part: 100 + 1.5 * part, lambda part: 100 + 20 * (part > 0.5)],
    ids=["levels off", "ever slower", "falls", "too little", "one step"],
)  # fmt: skip
def test_what_does_not_go_on_is_no_growth_outside(rss: Callable[[float], float]) -> None:
    assert not outside(life(rss)).grows


@pytest.mark.parametrize(("until", "grows"), [(1.0, True), (0.8, False)])
def test_what_has_stood_for_the_newest_fifth_does_not_go_on(until: float, grows: bool) -> None:
    """20 MiB, with half a MiB of noise: a straight line fits what levels off, too, where it is noisy."""
    chance = random.Random(1)
    for _ in range(8):
        made = life(lambda part: 100 + 20 * min(part / until, 1) + chance.gauss(0, 0.5), points=60)
        assert outside(made).grows is grows


def test_a_trickle_beside_a_jump_is_not_the_growth() -> None:
    """20 MiB come at once, early, of native code; then 0.4 MiB, of Python, which explains that alone."""
    born = (0.4 * MIB / PERIODS,) * PERIODS
    found = outside(life(lambda part: 100 + 20 * (part > 0.1) + 0.4 * part, born))
    assert (found.grows_at_all, found.keeps, found.grows) == (False, False, False)


@pytest.mark.parametrize("points", [0, RESIDENT.moments - 2])
def test_too_few_moments_tell_nothing(points: int) -> None:
    assert outside(life(lambda part: 100 + 30 * part, points=points)) == UNKNOWN


def test_a_growth_within_the_errors_of_the_samples_is_explained() -> None:
    """A third of it is explained; with samples of 4 MiB, two standard errors more may be."""
    born = (0.5 * MIB,) * PERIODS
    made = life(lambda part: 100 + 30 * part, born)
    growing = [(4 * MIB) ** 2 * (period + 1) / PERIODS for period in range(PERIODS)]
    coarse = replace(made, variances=dict.fromkeys(made.tracks, growing))
    assert outside(made).grows
    assert not outside(coarse).grows


def test_before_tracking_began_nothing_is_compared() -> None:
    """A process that was armed late: what it took before is not held against what was traced since."""
    made = life(lambda part: 100 + 60 * min(part, 0.5))
    assert made.newest is not None
    assert made.newest.calendar is not None
    late = replace(made.newest.calendar, edges=tuple(range(WORK // 2, WORK + 1, PERIOD // 2)))
    since = outside(replace(made, newest=replace(made.newest, calendar=late)))
    assert not since.grows
    assert since.first == pytest.approx(130 * MIB, rel=0.01)


# -- a few snapshots, and the moments between them ---------------------------------------


def few(rss: Callable[[float], float], number: int = 3, told: bool = True) -> History:
    """Snapshots after 1,000 tasks each, the newest with RSS in between; 10 MiB traced."""
    ends = [round(rss(at / (number - 1)) * MIB) for at in range(number)]
    made = process(ends, tasks=[1000 * at + 1000 for at in range(number)])
    last = 1000 * number
    moments = tuple(
        Resident(at, round(rss((at - 1000) / (last - 1000)) * MIB)) for at in range(50, last, 100)
    )
    return replace(made, newest=replace(snap("x.py:1 1B x1"), resident=moments if told else ()))


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_few_snapshots_are_enough_where_the_process_has_taken_note(number: int) -> None:
    found = outside(few(lambda part: 100 + 30 * part, number))
    assert (found.grows, found.keeps) == (True, True)
    assert found.rss_rate == pytest.approx(30 * MIB / (1000 * (number - 1)), rel=0.01)
    assert not outside(few(lambda part: 100 + 30 * part, 2, told=False)).grows


@pytest.mark.parametrize("number", [2, 3, 4])
def test_what_has_levelled_off_between_few_snapshots_does_not_grow(number: int) -> None:
    assert not outside(few(lambda part: 100 + 30 * min(1.0, 2.5 * part), number)).grows
