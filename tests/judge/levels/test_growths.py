"""What the levels of growths say that they were derived from."""

from __future__ import annotations

import struct

import pytest

from leakhunt.judge.levels import LEVELS

WORTH, BLAMES, EXCUSES = LEVELS.worth, LEVELS.blames, LEVELS.excuses
POINTER = struct.calcsize("P")


def test_the_least_rate_is_twelve_megabytes_in_a_million_tasks() -> None:
    assert WORTH.rate * 1_000_000 == 12_000_000


def test_two_lines_of_half_a_growth_are_all_of_it() -> None:
    assert 2 * WORTH.greater == 1


def test_the_least_table_is_a_lists_of_sixteen_entries() -> None:
    assert BLAMES.table == 16 * POINTER
    assert BLAMES.per_entry == POINTER / 2


def test_celerys_tables_are_twice_over_and_less_than_is_allowed_for_each_task() -> None:
    """Full at task 1,700, with about 280 KiB; of the first thousand tasks each brings less."""
    assert 1700 < EXCUSES.framework_tasks < 2 * 1700
    assert EXCUSES.framework_bytes > 280 << 10
    assert EXCUSES.framework_per_task > (280 << 10) / 1000


def test_two_others_hold_as_much_as_the_place_that_holds_most() -> None:
    assert 3 * EXCUSES.scattered == pytest.approx(1)
