"""The claimed rates of error, over random programs with fixed seeds; thousands of them are in bench_gate.py."""

from __future__ import annotations

import pytest

from leakhunt.gate.decision import UNSURE
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from tests.support import random_programs
from tests.support.chances import at_most, by_chance
from tests.support.random_programs import KINDS

#: Programs of each sort: enough that a judge who errs often is noticed. The seeds are fixed.
NUMBER = 24


def test_no_healthy_program_is_called_leaking() -> None:
    checks = [random_programs.healthy(number) for number in range(NUMBER)]
    assert [check for check in checks if check.verdict == LEAK] == []
    assert sum(check.verdict == NO_LEAK for check in checks) > NUMBER / 4


def test_no_leaking_program_passes_and_most_are_found() -> None:
    checks = [random_programs.leaking(number) for number in range(NUMBER)]
    assert [check for check in checks if check.verdict == NO_LEAK] == []
    assert sum(check.verdict == LEAK for check in checks) > 3 * NUMBER / 4


def test_alone_a_leak_is_found_above_the_limit_and_none_below() -> None:
    assert random_programs.beside(None, 0.0, 1).verdict == NO_LEAK
    assert random_programs.beside(None, 6.0, 1).verdict == NO_LEAK
    assert random_programs.beside(None, 25.0, 1).verdict == LEAK


@pytest.mark.parametrize("noise", KINDS)
def test_beside_any_noise_what_keeps_nothing_is_not_accused(noise: str) -> None:
    assert random_programs.beside(noise, 0.0, 1).verdict in (NO_LEAK, UNSURE)


def test_chances_are_those_of_the_tables() -> None:
    """The rule of three, and one mistake in ten (Clopper and Pearson 1934, table of the upper 95 % limit)."""
    assert at_most(0, 1000) == pytest.approx(0.00299, abs=1e-5)
    assert at_most(1, 10) == pytest.approx(0.3942, abs=1e-4)
    assert by_chance(0, 1000, 0.001) == 1
    assert by_chance(1, 1000, 0.001) == pytest.approx(0.6323, abs=1e-4)
    assert by_chance(5, 1000, 0.001) == pytest.approx(0.00365, abs=1e-4)
    assert by_chance(2000, 2000, 0.5) == pytest.approx(0, abs=1e-12)
