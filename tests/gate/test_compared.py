"""Before and after, place by place, on histories made by hand."""

from __future__ import annotations

import random

import pytest

from leakhunt.errors import LeakhuntError
from leakhunt.gate.compared import BETTER, FIXED, NEW, OPEN, SAME, WORSE, compare
from leakhunt.judge.history import History
from leakhunt.report.words import compared as words
from tests.support.builders import history
from tests.support.growing import sampled

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
        (made(1900), made(1850), SAME),
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


def mixed(rate: float, orders: int, noise: int = 0, name: str = "tasks.process") -> History:
    """Of every ten tasks so many are orders, each of which keeps ``rate`` bytes in a block of 100."""
    taken = [number * orders // 10 for number in TASKS]
    dice = random.Random(7)
    sizes = [5000 + round(rate * each) + dice.randrange(noise + 1) for each in taken]
    return history(
        (f"{FILE}:40", sizes, [size // 100 for size in sizes]),
        ("/srv/shop/other.py:1", [1000] * len(TASKS), [10] * len(TASKS)),
        tasks=TASKS,
        frames={FILE: {40: ("process", "KEPT.append(order)")}},
        ledger=[
            {name: {"runs": each}, **({"shop.idle": {"runs": done - each}} if orders < 10 else {})}
            for done, each in zip(TASKS, taken)
        ],
    )


def test_a_task_that_runs_more_seldom_has_not_become_better() -> None:
    (change,) = compare(mixed(1900, 10), mixed(1900, 1)).changes
    assert change.word == SAME
    assert change.task == "tasks.process"
    assert change.ran == (11_000, 1_100)
    assert change.before.rate == pytest.approx(1900, rel=0.01)
    assert change.after.rate == pytest.approx(1900, rel=0.05)
    (change,) = compare(mixed(1900, 1), mixed(1900, 10)).changes
    assert change.word == SAME
    (change,) = compare(mixed(1900, 1), mixed(3800, 1)).changes
    assert change.word == WORSE
    (change,) = compare(mixed(1900, 10), mixed(600, 10)).changes
    assert (change.word, change.task) == (BETTER, None)


def test_a_task_that_never_ran_is_not_fixed() -> None:
    found = compare(mixed(1900, 10), mixed(0, 10, name="shop.cancel"))
    (change,) = found.changes
    assert change.word == OPEN
    assert (change.idle, change.short) == ((False, True), None)
    assert words.summary(found) == (
        "Not sure: tasks.py:40 (process): +1.9 KiB per run of tasks.process (95 %), which never ran in after."
    )
    assert words.place(change, found)[1] == "never ran"
    assert words.missing(change, found) is None
    assert words.differences(found) == [
        "only before ran tasks.process", "only after ran shop.cancel"
    ]  # fmt: skip


def test_a_leak_of_a_task_that_never_ran_before_is_new() -> None:
    found = compare(mixed(0, 10, name="shop.cancel"), mixed(1900, 10))
    assert (found.word, found.is_worse) == (NEW, True)
    assert words.summary(found).endswith(
        "per run of tasks.process (95 %), which never ran in before."
    )


def test_what_is_left_is_told_by_the_runs_of_the_task_that_leaked() -> None:
    whole, seldom = (compare(mixed(1900, 10), mixed(0, part)).changes[0] for part in (10, 1))
    assert whole.word == seldom.word == FIXED
    assert seldom.after.high == pytest.approx(10 * whole.after.high, rel=0.01)


def samples(rate: int, interval: int) -> History:
    """A line of which so many samples more live after every thousandth task; 0: it is never seen."""
    line = f"{FILE}:40"
    held = {line: [20 + rate * each // 1000 for each in TASKS]} if rate else {}
    numbers = {"/srv/shop/other.py:1": [40] * len(TASKS), **held}
    return sampled(numbers, interval, tasks=TASKS)


def test_what_a_sampling_engine_does_not_see_may_be_left() -> None:
    fine, coarse = (
        compare(samples(40, 1000), samples(0, interval)).changes[0] for interval in (1, 1_000_000)
    )
    assert fine.before.rate == coarse.before.rate == pytest.approx(40)
    assert coarse.after.high > 50 * fine.after.high
    assert fine.word == FIXED
    assert coarse.word == OPEN
    assert coarse.wanted is not None
    assert fine.wanted is None


def test_what_is_open_says_how_long_it_would_take() -> None:
    found = compare(made(1900), made(0, noise=40_000_000))
    (change,) = found.changes
    assert change.short == 1
    assert change.wanted is not None
    assert change.wanted > 11_000
    said = words.missing(change, found)
    assert said is not None
    assert said.endswith(" would tell; after has 11,000 tasks")
    few = compare(made(1900), made(0, tasks=[1000]))
    assert (
        words.missing(few.changes[0], few) == "after has too few snapshots to tell: it takes four"
    )
    turned = compare(made(0, noise=40_000_000), made(1900))
    assert turned.changes[0].short == 0


def test_runs_that_would_tell_do_tell() -> None:
    """By the rule of three: with so many runs what may be left is as much as is nothing to speak of."""
    short = compare(made(1900), made(0, tasks=list(range(1, 13)))).changes[0]
    assert short.word == BETTER
    wanted = compare(samples(40, 1000), samples(0, 1_000_000)).changes[0].wanted
    # Each run that keeps something keeps 1,000 B, of which one in a thousand is seen; 12 B a run are nothing.
    assert wanted == pytest.approx(3 * 1000 / 12 * 1000, rel=0.01)


def test_a_side_in_which_nothing_can_be_found_is_not_called_healthy() -> None:
    found = compare(made(0, tasks=[1000]), made(0))
    assert found.word == OPEN
    assert words.summary(found) == "Not sure: no leak was found, but before is too short to tell."
    assert not words.side("before", found.before, "task").count("traced")


def test_what_is_no_before_and_after_is_told() -> None:
    one = made(1900)
    (said,) = words.differences(compare(one, one))
    assert said.startswith("before and after are the same snapshots")
    assert words.differences(compare(one, made(0))) == []
    older = history((f"{FILE}:40", [1, 2, 3], [1, 2, 3]), taken_at=[1.7e9, 1.7e9 + 1, 1.7e9 + 2])
    (said,) = words.differences(compare(one, older))
    assert said.endswith("the other way round?")
    notes = words.differences(compare(made(1900, unit="run"), samples(0, 1000)))
    assert notes == [
        "before counts by the run, after by the task",
        "the engine was exact before and sampled after: sizes of sampled are estimates",
    ]


def test_where_nothing_is_found_in_samples_it_is_told_what_may_be_hidden() -> None:
    said = words.blind(compare(samples(0, 1000), made(0)))
    assert len(said) == 1
    assert said[0].startswith("before is sampled: what leaks less than about ")
    assert words.blind(compare(samples(40, 1000), samples(0, 1000))) == []
