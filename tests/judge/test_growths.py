"""What grew in a process: judged line by line, leaks first, each stack in one growth only."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge import codes
from leakhunt.judge.growths import growths, order
from leakhunt.judge.history import SECOND, TASK
from leakhunt.judge.series.shape import LEAK, NOISE
from leakhunt.model.snapshot import Block
from tests.support.builders import history, stack
from tests.support.growing import rising, sampled

TASKS, OTHER, LIBRARY = (
    "/srv/shop/tasks.py:40",
    "/srv/shop/other.py:9",
    "/srv/venv/lib/python3.11/site-packages/redis/x.py:1",
)
FLAT, ONES = [50_000] * 12, [100] * 12


def leak(each: int = 50_000) -> tuple[list[int], list[int]]:
    return rising(each, 12), rising(100, 12)


def test_two_snapshots_tell_nothing() -> None:
    assert growths(history((TASKS, [1, 2], [1, 2]))) == []


def test_what_stands_still_is_no_growth() -> None:
    assert growths(history((TASKS, FLAT, ONES))) == []


def test_a_leak_is_at_its_line() -> None:
    (found,) = growths(history((TASKS, *leak()), (OTHER, FLAT, ONES)))
    assert (found.shape.verdict, found.blame.frame) == (LEAK, stack(TASKS)[-1])
    assert found.shape.rate == 500


def test_leaks_stand_before_larger_growth_that_is_none() -> None:
    jump = [0] * 6 + [9_000_000] * 6
    found = growths(history((OTHER, jump, [0] * 6 + [1] * 6), (TASKS, *leak())))
    assert [each.shape.verdict == LEAK for each in found] == [True, False]
    assert sorted(found, key=order) == found


def test_no_stack_is_in_two_growths() -> None:
    jump = [0] * 6 + [9_000_000] * 6
    made = history(
        (TASKS, *leak()), (f"{LIBRARY} < {TASKS}", *leak(7000)), (OTHER, jump, [0] * 6 + [1] * 6)
    )
    counted = Counter(each for found in growths(made) for each in found.blame.stacks)
    assert set(counted.values()) == {1}


def test_a_librarys_line_is_told_by_the_line_that_calls_it() -> None:
    (found,) = growths(history((f"{LIBRARY} < {TASKS}", *leak())))
    assert found.blame.frame == stack(TASKS)[-1]


def test_what_only_moves_from_one_stack_of_a_line_to_another_does_not_leak() -> None:
    up, down = rising(50_000, 12), rising(50_000, 12)[::-1]
    ones = rising(100, 12)
    found = growths(
        history(
            (f"{LIBRARY} < {TASKS} < /srv/a.py:1", up, ones),
            (f"{LIBRARY} < {TASKS} < /srv/b.py:1", down, ones[::-1]),
        )
    )
    assert [each for each in found if each.shape.verdict == LEAK] == []


def test_a_few_bytes_a_task_are_a_trifle() -> None:
    (found,) = growths(history((TASKS, rising(500, 12), rising(5, 12))))
    assert found.shape.verdict == NOISE
    assert found.why is not None
    assert found.why.code == codes.TRIFLE


def test_the_faster_leak_stands_first() -> None:
    found = growths(history((OTHER, *leak(20_000)), (TASKS, *leak(50_000))))
    assert [each.shape.rate for each in found] == [500, 200]


def test_a_path_that_leaks_beside_one_that_comes_and_goes_is_found() -> None:
    """The line as a whole goes up and down by ten times as much."""
    churn = [5_000_000, 0] * 6
    found = growths(
        history(
            (f"{LIBRARY} < {TASKS} < /srv/shop/a.py:1", *leak()),
            (f"{LIBRARY} < {TASKS} < /srv/shop/b.py:1", churn, [50, 0] * 6),
        )
    )
    assert [each.shape.verdict for each in found if each.shape.rate == 500] == [LEAK]


@pytest.mark.parametrize(("unit", "verdict"), [(TASK, NOISE), (SECOND, LEAK)])
def test_a_trifle_is_one_per_task(unit: str, verdict: str) -> None:
    """An idle process counts in seconds, and 5 B a second are 400 KiB a day."""
    made = replace(history((TASKS, rising(500, 12), rising(5, 12)), tasks_done=None), unit=unit)
    assert [each.shape.verdict for each in growths(made)] == [verdict]


@pytest.mark.parametrize(("short", "verdict"), [(0, LEAK), (12, NOISE)])
def test_a_trifle_is_less_than_twelve_bytes_a_task(short: int, verdict: str) -> None:
    (found,) = growths(history((TASKS, rising(1200 - short, 12), rising(12, 12))))
    assert found.shape.verdict == verdict


TUPLES, TEXTS = (
    "/srv/shop/models.py:10 < /srv/shop/tasks.py:40",
    "/srv/shop/models.py:12 < /srv/shop/tasks.py:40",
)
FUNCTIONS: dict[str, Any] = {
    "/srv/shop/models.py": {10: ("Model.load", None), 12: ("Model.load", None)},
    "/srv/shop/tasks.py": {40: ("take", None)},
}


def ramp(samples: int, number: int = 12) -> list[int]:
    return [round(samples * index / (number - 1)) for index in range(number)]


@pytest.mark.parametrize(
    ("typed", "texts", "leaks"), [(False, 10, False), (True, 10, True), (False, 40, True)]
)
def test_what_lies_in_a_free_list_carries_nobody_over_the_threshold(
    typed: bool, texts: int, leaks: bool
) -> None:
    """Blocks of one small size of which no type is known, beside a line that alone is no leak."""
    made = sampled({TUPLES: ramp(12), TEXTS: ramp(texts)}, frames=FUNCTIONS)
    types = {stack(TEXTS): {"str": 1000}, stack(TUPLES): {"tuple": 12_000 * typed}}
    blocks = {stack(TUPLES): (Block(0, 64, 187),), stack(TEXTS): (Block(0, 100, 10 * texts),)}
    grown = growths(replace(made, types=types, last_blocks=blocks))
    assert any(each.shape.verdict == LEAK for each in grown) is leaks
