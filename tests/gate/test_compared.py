"""Before and after, place by place, on histories made by hand."""

from __future__ import annotations

import random

import pytest

from leakhunt.errors import LeakhuntError
from leakhunt.gate.compared import BETTER, FIXED, NEW, OPEN, SAME, WORSE, compare
from leakhunt.judge.history import History
from leakhunt.report.words import compared as words
from tests.support.builders import history

TASKS = [1000 * n for n in range(1, 13)]
FILE = "/srv/shop/tasks.py"


def made(
    rate: float,
    line: int = 40,
    noise: int = 0,
    tasks: list[int] | None = None,
    unit: str | None = None,
) -> History:
    """One line that grows by so many bytes a task, in blocks of 100."""
    dice = random.Random(4)
    done = tasks or TASKS
    sizes = [5000 + round(rate * each) + dice.randrange(noise + 1) for each in done]
    return history(
        (f"{FILE}:{line}", sizes, [size // 100 for size in sizes]),
        ("/srv/shop/other.py:1", [1000] * len(done), [10] * len(done)),
        tasks=done,
        frames={FILE: {line: ("process", "KEPT.append(order)")}},
        unit=unit,
    )


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (made(1900), made(0), FIXED),
        (made(1900), made(0, line=44), FIXED),
        (made(1900), made(1900), SAME),
        (made(1900), made(1900, line=44), SAME),
        (made(1900), made(600), BETTER),
        (made(600), made(1900), WORSE),
        (made(0), made(1900), NEW),
        (made(1900), made(0, noise=40_000_000), OPEN),
    ],
)
def test_what_became_of_a_place(before: History, after: History, word: str) -> None:
    found = compare(before, after)
    assert [change.word for change in found.changes] == [word]
    assert found.is_worse is (word in (NEW, WORSE))
    change = found.changes[0]
    assert change.before.low <= change.before.rate <= change.before.high
    assert change.after.low <= change.after.rate <= change.after.high


def test_the_sentence_that_closes_the_ticket() -> None:
    tasks = [10_000 * n for n in range(1, 6)]
    found = compare(made(1945.6), made(0, tasks=tasks))
    assert words.summary(found) == (
        "Fixed: tasks.py:40 (process) gone: +1.9 KiB → under 0.2 B per task (95 %), after 40,000 tasks."
    )


def test_a_leak_that_stays_is_not_called_fixed() -> None:
    assert words.summary(compare(made(1900), made(1900))).startswith("Not fixed: tasks.py:40")


def test_two_healthy_series_have_nothing_to_compare() -> None:
    found = compare(made(0), made(0))
    assert found.changes == ()
    assert found.word == SAME
    assert words.summary(found) == words.NOTHING


def test_bad_news_comes_first() -> None:
    def two(fast: float, other: float) -> History:
        sizes = [[5000 + round(rate * each) for each in TASKS] for rate in (fast, other)]
        return history(
            (f"{FILE}:40", sizes[0], [size // 100 for size in sizes[0]]),
            ("/srv/shop/mail.py:9", sizes[1], [size // 77 for size in sizes[1]]),
            tasks=TASKS,
        )

    found = compare(two(1900, 0), two(0, 300))
    assert [change.word for change in found.changes] == [NEW, FIXED]
    assert words.summary(found).endswith("; of other places 1 fixed.")


def test_different_units_are_refused() -> None:
    seconds = history((f"{FILE}:40", [1, 2, 3, 4], [1, 2, 3, 4]), tasks=[100, 200, 300, 400])
    from dataclasses import replace

    with pytest.raises(LeakhuntError, match="counted by the task, after by the second"):
        compare(made(1), replace(seconds, unit="second"))


def test_runs_of_a_check_are_called_runs_and_not_tasks() -> None:
    found = compare(made(1900, unit="run"), made(0, unit="run"))
    assert words.summary(found).endswith(" per run (95 %), after 11,000 runs.")
    assert words.side("before", found.before, found.noun).startswith(
        "before  12 snapshots over 11,000 runs"
    )
    mixed = compare(made(1900), made(0, unit="run"))
    assert words.summary(mixed).endswith(" per unit (95 %), after 11,000 units.")
