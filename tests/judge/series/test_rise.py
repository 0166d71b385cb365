"""Whether a series rises to its end: each rule by itself, either side of its level."""

from __future__ import annotations

import math
import random

import pytest

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series import rise as steady
from leakhunt.judge.series import shape, stats
from leakhunt.judge.series.exact import EXACT
from leakhunt.judge.series.series import Drift, Series

SHAPES = LEVELS.shapes


def series(sizes: list[float]) -> Series:
    """A snapshot every hundred tasks."""
    return Series([100.0 * index for index in range(len(sizes))], sizes, [1.0] * len(sizes), EXACT)


def line(number: int, each: float = 1000.0) -> list[float]:
    return [each * index for index in range(number)]


def of_steps(*steps: float) -> list[float]:
    sizes = [0.0]
    for step in steps:
        sizes.append(sizes[-1] + step)
    return sizes


def drift_of(some: Series) -> Drift:
    return EXACT.drift(some)


# -- where it begins ------------------------------------------------------------------


def test_a_straight_line_rises_from_its_first_snapshot() -> None:
    found = steady.rise(series(line(9)))
    assert found is not None
    start, p = found
    assert start == 0
    assert p == pytest.approx(2.0**-8)  # eight rises: no surer than their signs


def test_each_start_that_is_tried_counts_against_the_chance() -> None:
    uneven = series(of_steps(5000, 500, 3000, 900, 4000, 700, 2600, 1500))
    found = steady.rise(uneven)
    assert found is not None
    start, p = found
    starts = len(steady._starts(9))
    assert starts == 5  # five snapshots of nine are left at least
    assert p == pytest.approx(starts * EXACT.chance(uneven.since(start)))
    assert p > EXACT.least_p(uneven)


def test_what_stands_falls_or_rises_once_does_not_rise() -> None:
    assert steady.rise(series([7.0] * 9)) is None
    assert steady.rise(series(line(9)[::-1])) is None
    assert steady.rise(series([0.0] * 4 + [1000.0] * 5)) is None


def test_after_a_warm_up_the_rise_begins_later() -> None:
    found = steady.rise(series([0.0, 90_000.0, *(100_000 + value for value in line(10))]))
    assert found is not None
    assert 1 <= found[0] <= 3


def test_of_many_snapshots_the_last_part_must_rise_by_itself() -> None:
    """Up for long, then up and down: as no leak ends."""
    many = [*line(SHAPES.many + 8), *[20_000.0 - 500 * (index % 2) for index in range(8)]]
    assert steady.rise(series(many)) is None


# -- falls ----------------------------------------------------------------------------


@pytest.mark.parametrize(("beside", "falls"), [(-1e-6, False), (1e-6, True)])
def test_a_fall_is_by_a_part_of_the_range(beside: float, falls: bool) -> None:
    assert steady.fallen([0.0, 1.0, 1.0 - SHAPES.fall - beside, 1.0]) is falls
    assert steady.fallen([SHAPES.fall + beside, 0.0, 1.0]) is falls  # at its beginning
    assert not steady.fallen([3.0, 3.0])


def test_a_fall_in_small_steps_is_one() -> None:
    assert steady.fallen([0.0, 1.0, 0.9, 0.8, 0.7, 0.6, 1.0])


@pytest.mark.parametrize(("beyond", "fell"), [(0.0, False), (-0.01, True)])
def test_the_last_ramp_of_a_sawtooth_must_get_beyond_what_it_fell_from(
    beyond: float, fell: bool
) -> None:
    """From 0 to 100 again, and as much more as is half of the new rise: 200 in all."""
    rises = 100 / (1 - SHAPES.regained)
    y = [100.0, 0.0, 50.0, rises + beyond]
    assert steady._fell_before(y, 1) is fell
    assert not steady._fell_before([0.0, 10.0, 20.0, 30.0], 1)  # it rises from the highest so far


# -- to its end -----------------------------------------------------------------------


@pytest.mark.parametrize(("number", "part"), [(3, 0.7), (4, 0.6), (5, 0.5), (9, 0.5)])
def test_no_single_increment_may_carry_the_rise(number: int, part: float) -> None:
    assert steady._largest(number) == part
    others = number - 2
    for beside, goes_on in ((-0.01, True), (0.01, False)):
        largest = part + beside
        steps = [(1 - largest) / others] * others
        steps.insert(others // 2, largest)
        assert steady._goes_on(series(of_steps(*(1e6 * step for step in steps)))) is goes_on, beside


def test_a_part_that_does_not_rise_surely_does_not_go_on() -> None:
    assert not steady._goes_on(series([0.0, 10.0, 5.0, 12.0]))  # p is 1 / 6
    assert steady._goes_on(series([0.0, 10.0, 20.0]))  # three are too few for a test
    assert not steady._goes_on(series([10.0, 20.0, 10.0]))


def test_what_falls_back_on_the_way_must_rise_ten_times_surer() -> None:
    """Of 15 pairs one falls: six of 720 shuffles do no worse, 0.8 %, where 0.5 % are allowed."""
    deep = [0.0, 1000.0, 4000.0, 2500.0, 4500.0, 5000.0]
    assert steady.fallen([0.0, 1000.0, 4000.0, 2400.0, 4500.0, 5000.0])
    assert not steady._goes_on(series([0.0, 1000.0, 4000.0, 2400.0, 4500.0, 5000.0]))
    shallow = [0.0, 1000.0, 4000.0, 2600.0, 4500.0, 5000.0]
    assert not steady.fallen(shallow)
    assert steady._goes_on(series(shallow))
    assert LEVELS.chances.rises_after_falls < stats.mann_kendall(deep) == pytest.approx(6 / 720)


@pytest.mark.parametrize(("beside", "level"), [(-0.01, True), (0.01, False)])
def test_a_tail_that_hardly_rises_has_levelled_off(beside: float, level: bool) -> None:
    """Of nine snapshots the last three, whose slopes are 0, twice the tail's, and the tail's."""
    slow = SHAPES.level + beside
    # Six steps of 1 and two of s: the mean is (6 + 2 s) / 8; s is that part of it.
    step = 6 * slow / (8 - 2 * slow)
    some = series(of_steps(*[1000.0] * 6, 0.0, 2000 * step))
    assert steady.levels_off(some, drift_of(some)) is level


def halves(late: float, noise: float = 0.0) -> Series:
    """Steps of 1,000 in the first half, of that part of it in the second, each off by the noise."""
    off = (noise, -noise, noise, -noise)
    return series(
        of_steps(
            *(1000.0 * (1 + each) for each in off), *(1000 * late * (1 + each) for each in off)
        )
    )


@pytest.mark.parametrize(("beside", "slow"), [(-0.01, True), (0.01, False)])
def test_a_second_half_far_below_the_first_slows_down_whatever_the_noise(
    beside: float, slow: bool
) -> None:
    some = halves(SHAPES.level + beside, noise=0.9)
    rises, _ = EXACT.halves(some)
    assert rises[1] / rises[0] == pytest.approx(SHAPES.level + beside)
    unsure = drift_of(some)._replace(error=1e9)
    assert steady.slows_down(some, unsure) is (slow or steady._declines(some))
    assert not steady._declines(some)


@pytest.mark.parametrize(("beside", "slow"), [(-0.01, True), (0.01, False)])
def test_a_second_half_below_a_part_of_the_first_slows_down_beyond_its_scatter(
    beside: float, slow: bool
) -> None:
    some = halves(SHAPES.slowing + beside, noise=0.3)
    assert not steady._declines(some)
    early, late = (rise / 400 for rise in EXACT.halves(some).rises)
    # The error of a half's rate is that of the whole times the root of 8 / 4, of both together 2.
    error = (early - late) / SHAPES.beyond_scatter / 2
    assert steady.slows_down(some, drift_of(some)._replace(error=error * 0.99)) is slow
    assert not steady.slows_down(some, drift_of(some)._replace(error=error * 1.01))


def test_a_rate_that_declines_surely_and_by_a_good_part_is_seen() -> None:
    falling = [1000.0 - 60 * index for index in range(9)]
    assert steady._declines(series(of_steps(*falling)))
    little = [1000.0 - 20 * index for index in range(9)]  # to 84 %
    assert SHAPES.declined < 1 - 160 / 1000
    assert not steady._declines(series(of_steps(*little)))
    assert not steady._declines(series(of_steps(*falling[::-1])))
    noise = random.Random(7)
    unsure = [1000.0 - 60 * index + noise.uniform(-900, 900) for index in range(9)]
    assert not steady._declines(series(of_steps(*unsure)))


def test_a_cache_that_fills_slows_down() -> None:
    filling = [1e6 * (1 - math.exp(-index / 3)) for index in range(10)]
    assert not steady._goes_on(series(filling))
    assert steady.rise(series(filling)) is None


# -- how fast -------------------------------------------------------------------------


def test_the_rate_has_the_interval_of_students_t() -> None:
    """Steps of 500, 1500, 500, 1500: 10 a task, with an error of 100 / sqrt(3) / 20, three degrees
    of freedom and the quantile 3.182.
    """
    rate, low, high = steady.interval(series([0.0, 500.0, 2000.0, 2500.0, 4000.0]))
    error = 10 / math.sqrt(3) / 2
    assert rate == 10.0
    assert rate - low == high - rate == pytest.approx(3.182 * error, rel=1e-3)
    assert steady.interval(series(line(9))) == (10.0, 10.0, 10.0)


def test_of_starts_that_are_all_sure_enough_the_earliest_counts() -> None:
    """The surest may be later: a shorter leak would be told than there is."""
    sizes = line(40, 3000.0)
    for index in range(6):
        sizes[index] += 4800 if index % 2 else -4800
    uneven = Series(
        [100.0 * index for index in range(40)], sizes, [20.0 * index for index in range(40)], EXACT
    )
    starts = steady._starts(40)
    sure = {start: len(starts) * EXACT.chance(uneven.since(start)) for start in starts[:3]}
    assert sure[0] > SHAPES.plain > sure[2] > sure[4]
    found = steady.rise(uneven)
    assert found is not None
    assert found[0] == 2


def test_whether_it_is_chance_is_asked_from_the_middle_on_or_from_where_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    some = series(line(10))

    def slower(self: object, of: Series, middle: int) -> float:
        asked.append(middle)
        return 0.0

    monkeypatch.setattr(type(some.errors), "slower", slower)
    assert not steady.by_accident(some)
    assert not steady.by_accident(some, 7)
    assert asked == [5, 7]


# -- no more looks than needed --------------------------------------------------------


def test_lines_that_grow_by_the_same_blocks_are_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As those that keep one object a task do: whatever the size of it, blocks say the same as bytes."""
    looks: list[Series] = []
    look = steady._rise

    def counted(some: Series) -> tuple[int, float] | None:
        looks.append(some)
        return look(some)

    monkeypatch.setattr(steady, "_rise", counted)
    steady._exactly.cache_clear()
    t = tuple(100.0 * index for index in range(8))
    blocks = tuple(13.0 + 7 * index for index in range(8))
    answers = {
        shape._rises(Series(t, tuple(size * count for count in blocks), blocks, EXACT))
        for size in (28.0, 64.0, 3000.0)
    }
    assert len(answers) == len(looks) == 1
    for each in next(iter(answers)):
        assert each == look(series([64.0 * count for count in blocks]))
    uneven = tuple(64 * count + index for index, count in enumerate(blocks))
    shape._rises(Series(t, uneven, blocks, EXACT))
    assert len(looks) == 2  # its bytes; its blocks are known


def test_starts_after_one_that_is_plain_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    goes_on = steady._goes_on

    def counted(part: Series) -> bool:
        looked.append(len(part))
        return goes_on(part)

    monkeypatch.setattr(steady, "_goes_on", counted)
    blocks = [500.0 * index for index in range(20)]
    t = [100.0 * index for index in range(20)]
    found = steady._rise(Series(t, blocks, blocks, EXACT))
    assert found is not None
    assert found[0] == 0
    assert found[1] <= SHAPES.plain
    assert looked == [20]
