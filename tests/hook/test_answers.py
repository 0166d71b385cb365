"""Who waits for which capture, and what each is told."""

from __future__ import annotations

import pytest

from leakhunt.hook.answers import Answers
from leakhunt.hook.capture.order import Outcome
from leakhunt.hook.letterbox import ANSWERS, LONGEST_TEXT

PATH = "/var/lib/leakhunt/shop-7/000001-20260101T000000Z-dump.bin"
FILE = "000001-20260101T000000Z-dump.bin"


def written(answers: Answers) -> None:
    answers.written(PATH, Outcome(PATH, None, size=10))


def test_one_that_waits_is_answered_by_the_capture_that_begins_next() -> None:
    answers = Answers()
    answers.wait("a")
    answers.begin()
    answers.wait("b")  # too late for that one
    written(answers)
    assert answers.published()["answers"] == [("a", FILE, None, None)]
    answers.begin()
    written(answers)
    assert answers.published()["answers"] == [("a", FILE, None, None), ("b", FILE, None, None)]
    written(answers)
    assert len(answers.published()["answers"]) == 2, "each is answered once"


def test_a_capture_that_is_made_once_more_answers_all_who_wait_by_then() -> None:
    answers = Answers()
    answers.wait("first")
    answers.begin()
    answers.wait("second")
    answers.again()
    answers.begin()
    written(answers)
    assert [each[0] for each in answers.published()["answers"]] == ["first", "second"]


def test_a_failure_answers_those_of_the_next_capture_as_well() -> None:
    answers = Answers()
    answers.wait("under way")
    answers.begin()
    answers.wait("next")
    answers.failed("no snapshot: no room")
    assert answers.published()["answers"] == [
        ("under way", None, "no snapshot: no room", None),
        ("next", None, "no snapshot: no room", None),
    ]
    answers.begin()
    written(answers)
    assert len(answers.published()["answers"]) == 2


def test_it_counts_captures_and_tells_what_became_of_the_last() -> None:
    answers = Answers()
    assert (answers.published()["captures"], answers.published()["path"]) == (0, None)
    written(answers)
    told = answers.published()
    assert (told["captures"], told["path"], told["problem"]) == (1, PATH, None)
    answers.failed("no snapshot: no room")
    told = answers.published()
    assert (told["captures"], told["path"], told["problem"]) == (2, None, "no snapshot: no room")


def test_what_wants_no_snapshot_is_answered_at_once() -> None:
    answers = Answers()
    answers.wait("waits")
    answers.answer("a", note="tracing stopped")
    answers.answer("b", problem="what is that?")
    assert answers.published()["answers"] == [
        ("a", None, None, "tracing stopped"),
        ("b", None, "what is that?", None),
    ]


def test_the_newest_answers_are_kept_and_long_ones_cut() -> None:
    answers = Answers()
    for number in range(ANSWERS + 3):
        answers.answer(str(number), note="n" * (LONGEST_TEXT + 1))
    told = answers.published()["answers"]
    assert [each[0] for each in told] == [str(number) for number in range(3, ANSWERS + 3)]
    assert {len(each[3]) for each in told} == {LONGEST_TEXT}


def test_growth_is_told_from_the_first_snapshot_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from where tracing began: in a forked child that is its first moment, of which nobody has read RSS."""
    now = [(1000.0, 50 << 20)]
    monkeypatch.setattr("leakhunt.hook.answers.time.time", lambda: now[-1][0])
    monkeypatch.setattr("leakhunt.hook.answers.vitals.rss", lambda: now[-1][1])
    answers = Answers()
    answers.failed("no snapshot: no room")
    told = answers.published()
    assert (told["first_at"], told["first_rss"]) == (None, None)
    for later in ((1010.0, 51 << 20), (1020.0, 70 << 20)):
        now.append(later)
        written(answers)
    told = answers.published()
    assert (told["first_at"], told["first_rss"]) == (1010.0, 51 << 20)
