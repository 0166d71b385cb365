"""Which captures fork."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.hook.capture.budget import (
    BOTH,
    FULL,
    LIGHT,
    PURSE,
    SHARE,
    SMALL,
    WAITED_FOR,
    Budget,
)

GIB = 1 << 30
UNASKED = ("tasks", "rss", "rss-step")


@pytest.mark.parametrize("trigger", sorted(WAITED_FOR))
def test_a_worker_of_ordinary_size_is_captured_in_full_whenever_somebody_waits(
    trigger: str,
) -> None:
    budget = Budget("auto", 0.0)
    for second in range(100):
        assert budget.kind(trigger, 150 << 20, second) == FULL
        budget.paid(0.008, 150 << 20)


@pytest.mark.parametrize("trigger", sorted(WAITED_FOR))
def test_a_large_one_answers_at_once_and_forks_behind_it_when_it_can_afford_that(
    trigger: str,
) -> None:
    budget = Budget("auto", 0.0)
    assert budget.kind(trigger, 10 * GIB, 10.0) == LIGHT
    assert budget.predicted(10 * GIB) > SMALL
    assert budget.kind(trigger, 10 * GIB, 600.0) == BOTH
    budget.paid(0.5, 10 * GIB)
    assert budget.kind(trigger, 10 * GIB, 601.0) == LIGHT


@pytest.mark.parametrize("trigger", UNASKED)
def test_what_nobody_waits_for_forks_where_that_is_affordable(trigger: str) -> None:
    budget = Budget("auto", 0.0)
    assert budget.kind(trigger, 100 << 20, 1.0) == FULL
    assert budget.kind(trigger, 10 * GIB, 1.0) == LIGHT
    assert budget.kind(trigger, 10 * GIB, 3600.0) == BOTH


def test_the_end_of_a_process_holds_nobody_up() -> None:
    assert Budget("auto", 0.0).kind("exit", 10 * GIB, 1.0) == FULL


def test_settings_and_refusals_decide_first() -> None:
    for trigger in (*WAITED_FOR, *UNASKED, "exit"):
        assert Budget("off", 0.0).kind(trigger, 10 * GIB, 1.0) == FULL
        assert Budget("always", 0.0).kind(trigger, 1 << 20, 1.0) == LIGHT
        refused = Budget("always", 0.0)
        refused.refused = True
        assert refused.kind(trigger, 10 * GIB, 1.0) == FULL


def test_a_pause_on_a_busy_machine_does_not_count_for_the_next() -> None:
    budget = Budget("auto", 0.0)
    budget.paid(5.0, 100 << 20)
    assert budget.predicted(100 << 20) < SMALL
    budget.paid(0.001, 4 * GIB)  # huge pages: hardly any tables to copy
    assert budget.predicted(8 * GIB) == pytest.approx(0.002)


def test_nor_is_it_paid_for_but_for_twice_what_is_usual() -> None:
    budget = Budget("auto", 0.0)
    budget.paid(5.0, 100 << 20)
    assert budget.kind("tasks", 100 << 20, 1.0) == FULL


def test_where_the_resident_set_is_unknown_it_counts_as_small() -> None:
    assert Budget("auto", 0.0).kind("signal", None, 1.0) == FULL


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.001, 2), st.integers(20, 34))))
def test_what_nobody_waits_for_never_takes_more_than_its_share(
    turns: list[tuple[float, float, int]],
) -> None:
    """Where a capture takes as long as was predicted: what comes on top is paid back later."""
    budget, now, spent = Budget("auto", 0.0), 0.0, 0.0
    for number, (after, _, size) in zip(count(), turns):
        now += after
        if budget.kind(UNASKED[number % 3], 1 << size, now) != LIGHT:
            pause = budget.predicted(1 << size)
            budget.paid(pause, 1 << size)
            spent += pause
        assert spent <= PURSE + SHARE * now + 1e-9
