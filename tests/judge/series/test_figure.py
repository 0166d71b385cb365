"""Whether a figure grows for good: steadily, between its jumps, or by even stairs; either side of each level."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from leakhunt.judge.levels import LEVELS
from leakhunt.judge.series.figure import climbs, least_growth, steady, steady_between

MIB = 1 << 20
BASE = 100 * MIB
RESIDENT = LEVELS.resident


def goes_on(values: Sequence[float]) -> tuple[bool, bool, bool]:
    """Steadily, between its jumps, by stairs; a moment each 100 tasks."""
    t = [100.0 * (at + 1) for at in range(len(values))]
    return steady(t, values), steady_between(t, values), climbs(t, values)


def line(each: int, number: int = 20) -> list[int]:
    return [BASE + each * at for at in range(number)]


@pytest.mark.parametrize("number", [7, 8, 10, 20, 60])
def test_a_line_is_steady(number: int) -> None:
    assert goes_on(line(MIB, number))[0]
    assert not goes_on(line(-MIB, number))[0]
    assert not goes_on(line(0, number))[0]


@pytest.mark.parametrize("number", [2, 3, 6])
def test_fewer_moments_say_nothing(number: int) -> None:
    assert goes_on(line(MIB, number)) == (False, False, False)


@pytest.mark.parametrize("number", [5, 12, 30])
def test_one_jump_is_no_growth_for_good_wherever_it_is(number: int) -> None:
    for at in range(1, number):
        assert goes_on([BASE] * at + [BASE + 40 * MIB] * (number - at)) == (False, False, False)


def test_what_filled_and_stands_since_is_not_steady_however_well_a_line_fits_the_whole() -> None:
    """Three quarters of the way; as long as it goes on there, it is."""
    filled = [BASE + MIB * min(at, 36) for at in range(48)]
    assert not goes_on(filled)[0]
    assert goes_on([BASE + MIB * at for at in range(48)])[0]


def test_what_is_looked_at_is_some_mib_or_a_part_of_what_was_there() -> None:
    assert least_growth([1.0 * MIB]) == RESIDENT.least
    assert least_growth([1000.0 * MIB]) == RESIDENT.least_part * 1000 * MIB


def filling(each: int, number: int = 48) -> list[int]:
    """A table that doubles at the 6th, 12th, 24th and 47th of so many moments, and what it holds, ``each`` a moment."""
    jumps = {6: MIB // 2, 12: MIB, 24: 2 * MIB, 47: 4 * MIB}
    return [
        BASE + each * at + sum(jump for when, jump in jumps.items() if when <= at)
        for at in range(number)
    ]


def test_what_grows_between_the_jumps_of_a_table_grows_for_good() -> None:
    """No line fits it, and it has never stood still."""
    found = goes_on(filling(64 << 10))
    assert not found[0]
    assert any(found)


def test_jumps_alone_are_no_growth_for_good_nor_is_a_trickle_between_them() -> None:
    assert not any(goes_on(filling(0)))
    trickle = RESIDENT.least // 48
    assert not any(goes_on(filling(trickle)))
    assert any(goes_on(filling(2 * trickle)))


def test_what_has_ceased_between_the_jumps_is_no_growth_for_good() -> None:
    rss = filling(128 << 10)
    stood = [size if at <= 30 else rss[30] for at, size in enumerate(rss)]
    assert not any(goes_on(stood))


def stairs(*at: int, height: int = 2 * MIB, number: int = 50) -> list[int]:
    """An allocator that takes so much at a time, at those moments."""
    return [BASE + height * sum(when <= index for when in at) for index in range(number)]


def test_even_stairs_are_a_growth_for_good_however_few() -> None:
    found = goes_on(stairs(9, 19, 29, 39))
    assert any(found)
    assert not found[0]


@pytest.mark.parametrize(
    "at",
    [
        (9, 19, 29),  # two intervals may be even by chance
        (9, 16, 29, 39),
        (4, 9, 14, 19, 24),  # and none since
        (3, 6, 12, 24, 48),
    ],
)
def test_stairs_that_come_unevenly_or_have_ceased_are_none(at: tuple[int, ...]) -> None:
    assert not any(goes_on(stairs(*at)))


@pytest.mark.parametrize(("high", "alike"), [(1, True), (2, True), (3, False)])
def test_stairs_of_unlike_heights_are_no_stairs(high: int, alike: bool) -> None:
    """Each of them an event of its own: tables that double, arenas of threads."""
    heights = {9: MIB, 19: high * MIB, 29: MIB, 39: high * MIB}
    rss = [
        BASE + sum(each for when, each in heights.items() if when <= index) for index in range(50)
    ]
    assert goes_on(rss)[2] is alike
