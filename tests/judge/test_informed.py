"""Births and differences correct each other: one snapshot, two, and a series."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.judge.births.life import lived
from leakhunt.judge.births.survivors import Survivors
from leakhunt.judge.growths import growths
from leakhunt.judge.history import SECOND, SNAPSHOT, TASK, History, Track
from leakhunt.judge.informed import _checked, _together, informed
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.pool import doubted
from leakhunt.judge.series.shape import LEAK, TURNOVER
from leakhunt.judge.verdict import INCONCLUSIVE, NO_LEAK, judge
from leakhunt.judge.whose import Blame
from leakhunt.model.retention import Container, Step
from leakhunt.model.snapshot import Handed
from tests.support.builders import FACTS, history, stack
from tests.support.lives import PERIOD, aged, held

LINE = "/srv/shop/tasks.py:40"
EVEN = [10_000] * 20
YOUNG = [0] * 18 + [30_000] * 2


def series(sizes: list[int], born: list[int]) -> History:
    """Snapshots of a sampled engine, evenly over the life that the births of the newest tell."""
    number, life = len(sizes), aged((LINE, born))
    done = [PERIOD * len(born) * (index + 1) // number for index in range(number)]
    plain = history(
        (LINE, sizes, [size // 50 for size in sizes]), tasks=done, engine="sampled", interval=1000
    )
    frames = stack(LINE)
    return replace(
        plain,
        variances={frames: [1000.0 * size for size in sizes]},
        samples={frames: [max(1, size // 1000) for size in sizes]},
        newest=life,
    )


def alone(born: list[int], snapshots: int = 1) -> History:
    """One snapshot, or two."""
    return series([sum(born)] * snapshots, born)


@pytest.mark.parametrize("snapshots", [1, 2])
def test_one_snapshot_is_enough_where_births_are_known(snapshots: int) -> None:
    found = judge([alone(EVEN, snapshots)])
    assert found.verdict == LEAK
    (finding,) = found.findings
    assert finding.rate == pytest.approx(100)
    assert finding.since is not None
    assert finding.since.unit == 0
    assert finding.task == "shop.take"
    assert finding.per_run == pytest.approx(400)  # a quarter of the runs
    assert finding.born is not None
    assert sum(finding.born[1]) == sum(EVEN)


def test_an_onset_is_dated() -> None:
    found = judge([alone([0] * 10 + [10_000] * 10)])
    (finding,) = found.findings
    assert (found.verdict, finding.verdict) == (LEAK, LEAK)
    assert finding.since is not None
    assert abs(finding.since.unit - 1000) <= 2 * PERIOD
    assert finding.since.time is not None


@pytest.mark.parametrize(
    ("sizes", "begun", "start"),
    [([0, 20_000, 70_000, 120_000], 8, 0), ([0, 50_000, 120_000], 8, 0), ([0, 0, 40_000, 80_000, 120_000], 8, 1)],
)  # fmt: skip
def test_in_a_series_births_date_the_onset_too(sizes: list[int], begun: int, start: int) -> None:
    """Few samples: what the series alone shows of it is not sure."""
    made, frames = series(sizes, [0] * begun + [10_000] * (20 - begun)), stack(LINE)
    coarse = replace(
        made,
        samples={frames: [size // 30_000 for size in sizes]},
        variances={frames: [30_000.0 * size for size in sizes]},
    )
    found = judge([coarse])
    (finding,) = found.findings
    assert (found.verdict, finding.history.lived) == (LEAK, False)
    assert finding.since == (begun * PERIOD, FACTS["started_at"] + 60 * begun)
    assert dict(finding.reason.figures)["since"] == begun * PERIOD
    assert finding.line is not None
    assert finding.line.start == start  # the last snapshot before that


def test_a_container_that_turns_over_is_no_leak() -> None:
    found = judge([alone(YOUNG)])
    assert found.verdict == NO_LEAK
    assert [finding.verdict for finding in found.findings] == [TURNOVER]


def test_without_births_one_snapshot_tells_nothing() -> None:
    found = judge([replace(alone(EVEN), newest=None)])
    assert (found.verdict, found.findings) == (INCONCLUSIVE, ())


def test_a_series_says_whether_what_was_born_has_stayed() -> None:
    """Born evenly, and the total stands still: its entries are replaced by others."""
    steady = series([200_000, 198_000, 203_000, 199_000, 201_000, 200_000], EVEN)
    _, found = informed(steady)
    assert LEAK not in [growth.shape.verdict for growth in found]
    rising = series([34_000, 66_000, 101_000, 134_000, 165_000, 200_000], EVEN)
    _, found = informed(rising)
    assert found[0].shape.verdict == LEAK


def test_what_another_line_keeps_is_no_leak_of_the_line_that_made_it() -> None:
    """Born evenly there, and booked elsewhere in every snapshot: a freelist has handed it on."""
    moved = series([1000] * 6, EVEN)
    assert moved.newest is not None
    assert moved.newest.calendar is not None
    by_clock = replace(moved.newest, calendar=replace(moved.newest.calendar, unit="second"))
    for each in (moved, replace(moved, unit=SNAPSHOT, newest=by_clock)):
        _, found = informed(each)
        assert LEAK not in [growth.shape.verdict for growth in found]


def test_a_life_of_few_periods_does_not_say_that_nothing_leaks() -> None:
    assert judge([alone([20_000, 0, 0, 0, 0])]).verdict == INCONCLUSIVE


def test_ages_refute_a_leak_that_the_series_shows() -> None:
    """The sizes rise as a leak's do; yet nothing of it is old."""
    rising = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000]
    _, found = informed(series(rising, YOUNG))
    (growth,) = found
    assert growth.shape.verdict == TURNOVER
    assert growth.why is not None


def test_a_leak_of_few_snapshots_is_as_sure_and_as_fast_as_its_births_say() -> None:
    """A part of it was sure; the whole, by three snapshots and one degree of freedom, neither is nor has a pace."""
    rising = series([67_000, 134_000, 200_000], EVEN)
    assert rising.newest is not None
    life = lived(rising.newest)
    assert life is not None
    (growth,) = growths(rising)
    wide = replace(growth, shape=replace(growth.shape, low=-400.0, high=600.0, p=0.4))
    told = _checked(rising, wide, Survivors(life))
    assert told.shape.verdict == LEAK
    assert told.shape.rate == pytest.approx(100)
    assert 80 < told.shape.low < told.shape.rate < told.shape.high < 120
    assert _checked(rising, growth, Survivors(life)).shape.high == growth.shape.high
    assert _checked(replace(rising, unit=SECOND), wide, Survivors(life)) == wide
    # Beside a child with one snapshot it is no accident of two processes.
    (alike,) = growths(life)
    kept = [each.shape.verdict for _, each in doubted([(rising, told), (life, alike)], 2)]
    assert kept == [LEAK, LEAK]


def test_every_child_of_a_pool_is_judged_by_its_own_births() -> None:
    pool = [
        replace(alone(EVEN), metas=tuple(replace(m, pid=pid) for m in alone(EVEN).metas))
        for pid in (1, 2)
    ]
    found = judge(pool)
    (finding,) = found.findings
    assert (found.verdict, len(finding.parts), finding.of) == (LEAK, 2, 2)
    assert finding.rate == pytest.approx(100)
    assert 0 <= (finding.share or 0) <= 1


def test_stacks_that_only_births_know_are_left_out_of_a_series() -> None:
    one = series([34_000, 66_000, 101_000, 134_000, 165_000, 200_000], EVEN)
    other = replace(one, tracks={stack("/srv/shop/other.py:9"): Track([0] * 6, [0] * 6)},
                    variances={}, samples={})  # fmt: skip
    informed(other)  # a file may say anything


def test_a_rate_is_said_in_the_unit_in_which_it_was_reckoned() -> None:
    """A snapshot that adds no task leaves a series in seconds; births are counted in tasks all the same."""
    idle = replace(series([34_000, 101_000, 200_000], EVEN), unit=SECOND, times=(0.0, 9.0, 90.0))
    found = judge([idle])
    (finding,) = found.findings
    assert (found.unit, finding.history.unit) == (TASK, TASK)
    assert finding.rate == pytest.approx(100)


def test_a_process_without_tasks_takes_the_unit_from_no_other() -> None:
    """The main process of a pool leaks by the second, and more than its children by the task."""
    child = alone(EVEN)
    slow = [30_000 * step for step in range(1, 11)]
    main = replace(
        history((LINE, slow, slow), role="main"), unit=SECOND, times=tuple(map(float, range(10)))
    )
    found = judge([main, child])
    assert found.unit == TASK
    assert [finding.history.unit for finding in found.findings] == [TASK, SECOND]
    assert found.findings[1].rate > found.findings[0].rate


def test_a_series_that_left_it_with_those_who_asked_says_nothing_of_what_was_moved() -> None:
    """The line keeps what another one asked for, and the births alone are booked to it."""
    other = "/srv/shop/chores.py:57"
    snapshot = aged((other, [9000] * 20), (LINE, [1000] * 20))
    births = tuple(b._replace(recycled=b.size) for b in snapshot.told(stack(other)).births)
    way = (Step("module", "shop.tasks", "module"), Step("attribute", "KEPT", "list", 900))
    kept = Container(way, "list", 900, None, 7, None, 7200)
    told = replace(snapshot.told(stack(other)), births=births, handed=(Handed(kept, stack(LINE), births),))  # fmt: skip
    plain = series([20_000 * n // 8 for n in range(3, 9)], EVEN)
    moved = replace(plain, newest=replace(snapshot, facts={**snapshot.facts, stack(other): told}))
    _, found = informed(moved)
    (leak,) = [growth for growth in found if growth.shape.verdict == LEAK]
    assert leak.blame.stacks[0] == stack(LINE)
    assert leak.shape.rate == pytest.approx(
        100, rel=0.05
    )  # the series has a tenth of it with this line


REMEMBER = "/srv/shop/events.py:15"
CHECKED, OPENED = (f"{REMEMBER} < /srv/shop/{each}" for each in ("events.py:90", "orders.py:30"))


def helped(checked: list[int], opened: list[int], born: list[int]) -> History:
    """A helper that two callers have, in six snapshots; what the second one has alive now was ``born`` so."""
    life = aged((CHECKED, EVEN), (OPENED, born))
    done = [PERIOD * 20 * (index + 1) // 6 for index in range(6)]
    rows = {CHECKED: checked, OPENED: opened}
    plain = history(
        *((where, sizes, [size // 50 for size in sizes]) for where, sizes in rows.items()),
        tasks=done, engine="sampled", interval=1000,
    )  # fmt: skip
    return replace(
        plain,
        variances={
            stack(where): [1000.0 * size for size in sizes] for where, sizes in rows.items()
        },
        samples={stack(where): [size // 1000 for size in sizes] for where, sizes in rows.items()},
        newest=life,
    )


RISING = [33_000 * at for at in range(1, 7)]


def test_of_a_leak_that_both_tell_of_the_births_name_the_line() -> None:
    """Both callers' rows rise, in six snapshots; but what the second one has is young, all of it."""
    told = helped(RISING, [10_000 * at for at in range(1, 7)], [50, *[0] * 17, 25_000, 35_000])
    assert growths(told)[0].blame.frame.line == 15
    _, every = informed(told)
    (leak,) = [growth for growth in every if growth.shape.verdict == LEAK]
    assert leak.blame.frame.line == 90
    assert leak.shape.rate == pytest.approx(99, rel=0.02)  # the pace of the series
    assert leak.shape.belief is not None


def test_what_births_know_a_part_of_is_whole_in_the_series() -> None:
    """Of the second caller's rows so few samples are left that nothing is known of them: both leak."""
    told = helped(RISING, RISING, [50, 0, 0, 0] * 5)
    _, every = informed(told)
    (leak,) = [growth for growth in every if growth.shape.verdict == LEAK]
    assert leak.blame.frame.line == 15
    assert leak.shape.rate == pytest.approx(198, rel=0.02)


@pytest.mark.parametrize(
    ("recycled", "mark", "lines"),
    [
        (150_000, 1, [40]),  # what freelists handed on to that leak's container
        (0, 1, [40, 57]),  # made there: the series knows best
        (150_000, 2, [40, 57]),  # another container
    ],
)
def test_what_freelists_hand_on_to_the_container_of_a_leak_is_of_that_leak(
    recycled: int, mark: int, lines: list[int]
) -> None:
    """The births tell of the one line, whose samples are few; the series of the other."""
    other = "/srv/shop/chores.py:57"
    way = held("list", 900, None, size=100_000)
    life = aged(
        (LINE, EVEN),
        (other, [50, 0, 0, 0] * 5),
        retention={LINE: way, other: way._replace(mark=mark)},
    )
    made = helped(RISING, RISING, EVEN)
    rows = {LINE: made.tracks[stack(CHECKED)], other: made.tracks[stack(OPENED)]}
    of = replace(
        made,
        tracks={stack(where): track for where, track in rows.items()},
        variances={
            stack(LINE): [60_000.0 * size for size in RISING],
            stack(other): [1000.0 * size for size in RISING],
        },
        samples={
            stack(LINE): [size // 60_000 for size in RISING],
            stack(other): [size // 1000 for size in RISING],
        },
        recycled={stack(other): recycled} if recycled else {},
        newest=life,
    )
    _, every = informed(of)
    leaks = [growth for growth in every if growth.shape.verdict == LEAK]
    assert sorted({frame.line for g in leaks for frame in (g.blame.frame, *g.parts)}) == lines


@pytest.mark.parametrize(("mark", "told"), [(1, [40]), (2, [40, 57])])
def test_a_leak_of_which_both_know_parts_of_one_container_is_told_once(
    mark: int, told: list[int]
) -> None:
    """The series: a part of the line's growth, and a helper's rows that go in step; the births: all of the line, and that
    the helper's rows are young. ``mark``: of the container that keeps what the births know.
    """
    other, rest = "/srv/shop/chores.py:57", "/srv/shop/tasks.py:40 < /srv/shop/tasks.py:9"
    way = held("dict", 900, None, size=100_000)
    lines = {LINE: EVEN, rest: EVEN, other: YOUNG}
    life = aged(
        *lines.items(),
        retention={LINE: way, rest: way._replace(mark=mark, size=900_000), other: way},
    )
    made = helped(RISING, RISING, EVEN)
    track = made.tracks[stack(CHECKED)]
    of = replace(made, tracks={stack(where): track for where in lines}, newest=life)
    survivors = Survivors(lived(life) or of)
    book = Book(of)

    def leak(where: str, *stacks: str) -> Growth:
        growth = book.of(Blame(stack(where)[-1], True, tuple(map(stack, stacks))))
        return replace(growth, shape=replace(growth.shape, verdict=LEAK))

    seen, born = leak(other, other, LINE), leak(LINE, LINE, rest)
    leaks = _together(of, [seen], [born], survivors)
    assert sorted(each.blame.frame.line for each in leaks) == told
