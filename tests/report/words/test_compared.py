"""What became of a leak, in the sentence that closes the ticket."""

from __future__ import annotations

from leakhunt.gate import compared
from leakhunt.gate.baseline import Place
from leakhunt.gate.compared import Change, Compared, Side
from leakhunt.gate.confidence import Interval
from leakhunt.judge.verdict import judge
from leakhunt.model.snapshot import Frame
from leakhunt.report.words import compared as words
from tests.support.builders import history
from tests.support.growing import finding, rising

WHERE = Place("shop/tasks.py", "process", "ORDERS.append(order)")
GONE, LEAKING = Interval(0.0, -2.0, 14.2), Interval(2000.0, 1900.0, 2100.0)


def side() -> Side:
    made = history(("/srv/shop/tasks.py:40", rising(1000), rising(1)))
    return Side(made, judge([made]), LEAKING)


def result(*words_of: str, before: Interval = LEAKING, after: Interval = GONE) -> Compared:
    changes = tuple(
        Change(word, WHERE, before, after, Frame("/srv/shop/tasks.py", 40), None, finding())
        for word in words_of
    )
    return Compared(side(), side(), "task", changes)


def test_a_fixed_leak_says_what_it_was_and_the_most_it_may_still_be() -> None:
    assert words.summary(result(compared.FIXED)) == (
        "Fixed: shop/tasks.py:40 (process) gone: +2.0 KiB ± 0.1 → under 15 B per task (95 %), after 700 tasks."
    )


def test_other_places_are_counted_without_the_first() -> None:
    said = words.summary(result(compared.WORSE, compared.WORSE, compared.FIXED))
    assert said.startswith("Worse: ")
    assert said.endswith("; of other places 1 worse, 1 fixed.")
    assert " gone" not in said


def test_nothing_on_either_side_is_said_so() -> None:
    assert words.summary(result()) == words.NOTHING


def test_every_word_has_a_head() -> None:
    assert set(words.HEADS) == set(compared.ORDER)


def test_a_rate_that_nobody_knows_is_no_number() -> None:
    endless = Interval(0.0, float("-inf"), float("inf"))
    said = words.sentence(result(compared.OPEN, after=endless).changes[0], result(compared.OPEN))
    assert "→ nobody knows what per task" in said
    assert words.figures(endless, "task") == "0 B per task"
    assert "→ nothing per task" in words.sentence(
        result(compared.FIXED, after=Interval(-1.0, -2.0, 0.0)).changes[0], result(compared.FIXED)
    )


def test_a_side_says_how_long_it_was_looked_at() -> None:
    assert words.side("before", side(), "task") == (
        "before  8 snapshots over 700 tasks of process 4242; all traced memory +2.0 KiB per task "
        "(1.9 KiB to 2.1 KiB)"
    )


def test_what_was_never_seen_is_no_more_than_its_bound() -> None:
    assert words.figures(Interval(0.0, 0.0, 11.06), "task") == "nothing seen: under 12 B per task"
    assert words.figures(Interval(3.0, -2.0, 11.06), "task") == "+3 B per task (-2 B to 12 B)"


def test_of_many_tasks_of_one_side_three_are_named() -> None:
    def of(*names: str) -> Side:
        tasks = [{name: {"runs": 100 * n} for name in names} for n in range(1, 9)]
        made = history(("/srv/shop/tasks.py:40", rising(1000), rising(1)), ledger=tasks)
        return Side(made, judge([made]), LEAKING)

    found = Compared(of("a", "b", "c", "d", "e"), of("e"), "task", ())
    assert words.differences(found) == ["only before ran a, b, c and 1 more"]
