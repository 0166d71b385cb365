"""What the levels of a process say that they were derived from."""

from __future__ import annotations

import pytest

from leakhunt.judge.levels import LEVELS

RESIDENT, OPENED = LEVELS.resident, LEVELS.resources


def test_a_remark_takes_two_thirds_of_what_a_verdict_takes() -> None:
    assert RESIDENT.stays == 2 * RESIDENT.held // 3
    assert RESIDENT.stays_part == pytest.approx(2 * RESIDENT.held_part / 3)


def test_half_of_a_growth_is_of_one_side_or_the_other() -> None:
    assert 2 * RESIDENT.explained == 2 * LEVELS.accounts.mostly == 1


def test_what_is_open_tells_a_rate_from_as_many_snapshots_as_memory_does() -> None:
    assert OPENED.snapshots == LEVELS.lives.snapshots
