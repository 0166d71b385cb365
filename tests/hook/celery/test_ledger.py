"""Which task has which number, and when so many were done."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from leakhunt.hook.celery.ledger import MOST_MARKS, MOST_NAMES, OTHERS, Ledger, Moments


def test_names_have_numbers_of_their_own_until_there_are_too_many() -> None:
    ledger = Ledger()
    numbers = [ledger.number(f"task {n}") for n in range(MOST_NAMES + 20)]
    assert numbers[:MOST_NAMES] == list(range(1, MOST_NAMES + 1))
    assert set(numbers[MOST_NAMES:]) == {MOST_NAMES + 1}
    assert ledger.number("task 7") == 8
    tasks = ledger.life().tasks
    assert tasks[ledger.number("task 7") - 1] == "task 7"
    assert tasks[ledger.number("one more") - 1] == OTHERS
    assert len(tasks) == MOST_NAMES + 1


def test_a_ledger_tells_its_life() -> None:
    ledger = Ledger()
    for _ in range(5):
        ledger.count("a", None)
    marks = ledger.life().marks
    assert (marks[0].units, marks[-1].units) == (0, 5)
    assert [mark.clock for mark in marks] == sorted(mark.clock for mark in marks)


def then(moments: Moments, units: int) -> float:
    """The moment on the line, by the monotonic clock."""
    marks = moments.marks
    at = min(max(1, bisect_right([mark.units for mark in marks], units)), len(marks) - 1)
    before, after = marks[at - 1], marks[at]
    part = (units - before.units) / max(1, after.units - before.units)
    return before.clock + part * (after.clock - before.clock)


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.floats(0.001, 300.0), st.floats(0, 40_000)),
        min_size=1,
        max_size=40,
    )
)
def test_moments_are_few_and_true_to_a_part_of_the_life(
    days: list[tuple[int, float, float]],
) -> None:
    """Stretches of work at a steady pace, with idle times in between."""
    moments = Moments()
    clock, units = moments.marks[0].clock, 0
    passed = []
    for tasks, seconds, idle in days:
        clock += idle
        for _ in range(tasks):
            clock += seconds / tasks
            units += 1
            moments.pass_by(units, clock)
            passed.append((units, clock))
        assert len(moments.marks) <= MOST_MARKS
    marks = moments.marks
    assert [mark.units for mark in marks] == sorted(mark.units for mark in marks)
    life = clock - marks[0].clock
    known = [(number, at) for number, at in passed if number <= marks[-1].units]
    if len(days) <= 15:  # each with a corner at both ends
        assert all(abs(then(moments, number) - at) <= 2 + life / 50 for number, at in known)
