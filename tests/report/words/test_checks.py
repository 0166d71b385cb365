"""What a check says: what is kept, how surely, and what would make it sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import Limits, Ruling, decide
from leakhunt.gate.orders import Answer
from leakhunt.gate.outcome import Broken, Outcome
from leakhunt.gate.plan import OUT_OF_TIME
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.report.labels import Labels
from leakhunt.report.words import checks as words
from tests.support.builders import history
from tests.support.growing import finding, rising

MADE = history(("/srv/shop/tasks.py:40", rising(1000, 20), rising(1, 20)))
LABELS = Labels(MADE)


def ruling(**changed: Any) -> Ruling:
    plain = decide(MADE, 1, Limits(), False)
    kept = {"sure": (), "baselined": (), "suspects": (), "kept": Interval(0.0, -2.0, 3.2), "native": None,
            "native_leaks": False, "runs": 1900, "since": 0, "still": False}  # fmt: skip
    return replace(plain, **{**kept, **changed})


def outcome(verdict: str, told: Ruling | None = None, **changed: Any) -> Outcome:
    plain = Outcome("shop:take", verdict, "decided", told, 2000, 1.5, Limits(), None, 10.0)
    return replace(plain, **changed)


def said(verdict: str, told: Ruling | None = None, **changed: Any) -> str:
    return words.summary(outcome(verdict, told, **changed), LABELS)


def test_a_leak_names_its_line_and_counts_the_others() -> None:
    one = finding(rate=1945.6, low=1843.2, high=2048.0)
    assert (
        said(LEAK, ruling(sure=(one,)))
        == "Leak: shop:take keeps 1.9 KiB ± 0.1 a run at tasks.py:40."
    )
    assert said(LEAK, ruling(sure=(one, one))).endswith(", and more at 1 other place.")


def test_a_leak_without_a_line_says_where_it_is() -> None:
    native = ruling(native=Interval(2048.0, 1024.0, 3072.0), native_leaks=True)
    assert (
        said(LEAK, native) == "Leak: shop:take keeps 2.0 KiB ± 1.0 a run outside Python's objects."
    )
    wide = ruling(kept=Interval(100.0, 90.0, 110.0))
    assert (
        said(LEAK, wide)
        == "Leak: shop:take keeps 100 B ± 10 a run, of which no single line has most."
    )
    for rate, most in (
        (49.0, "of which no single line has most"),
        (77.0, "by the looks of it mostly at tasks.py:40"),
    ):
        found = finding(rate=rate, low=rate, high=rate)
        text = said(LEAK, replace(wide, suspects=(found,)))
        assert text == f"Leak: shop:take keeps 100 B ± 10 a run, {most}."


def test_no_leak_says_the_most_that_may_be_kept() -> None:
    assert said(NO_LEAK, ruling()) == "No leak: shop:take keeps less than 3.2 B a run (95 %)."
    assert "what is alive shrinks" in said(NO_LEAK, ruling(kept=Interval(-9.0, -10.0, -8.0)))
    seldom = said(NO_LEAK, ruling(still=True))
    assert seldom.startswith("No leak: shop:take keeps nothing: less than 1 run in ")
    known = said(NO_LEAK, ruling(baselined=(finding(rate=100.0),)))
    assert (
        "keeps 100 B a run at 1 place that the baseline knows, and less than 3.2 B a run" in known
    )


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (Interval(0.0, float("-inf"), float("inf")), "too seldom to tell whether it keeps more than 12 B a run"),
        (Interval(-5.0, -6.0, -1.0), "keeps nothing that was seen, in too few looks"),
        (Interval(10.0, -2.0, 20.0), "may keep up to 20 B a run (95 %), and 12 B may be kept"),
        (Interval(15.0, 10.0, 20.0), "may keep 10 B to 20 B a run (95 %), and 12 B may be kept"),
    ],
)  # fmt: skip
def test_not_sure_says_what_is_open(kept: Interval, text: str) -> None:
    assert text in said("unsure", ruling(kept=kept))


def test_a_suspect_is_named_as_one() -> None:
    text = said("unsure", ruling(suspects=(finding(rate=50.0, low=50.0, high=50.0),)))
    assert (
        text == "Not sure: shop:take looks as if it kept 50 B a run at tasks.py:40, not yet surely."
    )


def test_without_a_look_the_runs_are_told() -> None:
    never = said("unsure", stopped=OUT_OF_TIME, runs=0)
    assert never == "Not sure: shop:take has not come back from its first run in 10 s."
    assert "has done 1 run in 10 s, too few to tell" in said("unsure", stopped=OUT_OF_TIME, runs=1)
    assert "was given 3 runs, too few to tell" in said("unsure", stopped="out-of-runs", runs=3)


def test_what_would_make_it_sure() -> None:
    assert words.next_step(outcome(LEAK)) is None
    assert "more runs would tell" in (
        words.next_step(outcome("unsure", stopped="out-of-runs")) or ""
    )
    blind = words.next_step(outcome("unsure", stopped=OUT_OF_TIME))
    assert blind == "more time would tell: --at-most 40s"
    reckoned = words.next_step(outcome("unsure", stopped=OUT_OF_TIME, wanted=200_000))
    assert reckoned == "about 200,000 runs would tell: --at-most 4min"


def test_what_was_found_after_too_short_a_warm_up_can_be_vouched_for() -> None:
    short = outcome("unsure", stopped=OUT_OF_TIME, wanted=200_000, is_short=True)
    told = "about 200,000 runs would tell: {} 4min, or {}, where N runs fill what caches it has"
    assert words.next_step(short) == told.format("--at-most", "--warm-up N")
    assert words.next_step(short, words.MARKER) == told.format("--leakhunt-at-most", "warm_up=N")


def test_the_odds_are_those_of_the_verdict() -> None:
    assert (
        words.odds(outcome(LEAK))
        == "healthy code that is warm by then is called leaking less than once in 1,000 checks"
    )
    assert words.odds(outcome(NO_LEAK)) == (
        "code that keeps more than 12 B a run passes at most once in 20 checks"
    )
    assert words.odds(outcome("unsure")) == "neither verdict is sure enough"


def test_what_it_rests_on_tells_the_warm_up() -> None:
    assert words.rests_on(outcome("unsure")) == "2,000 runs in 1.5 s"
    assert ", of which the first is warm-up; " in words.rests_on(outcome(LEAK, ruling(since=1)))
    assert ", of which the first 1,000 are warm-up; " in words.rests_on(
        outcome(LEAK, ruling(since=1000))
    )


def test_outside_python_the_least_that_is_seen_is_told_where_nothing_leaks() -> None:
    assert words.native(ruling()) is None
    told = ruling(native=Interval(100.0, 50.0, 150.0))
    assert (
        words.native(told)
        == "outside Python: 50 B to 150 B a run (95 %) (less than 256 B is not seen)"
    )
    assert "not seen" not in (words.native(replace(told, native_leaks=True)) or "")


def test_against_a_baseline() -> None:
    worse = finding(rate=2048.0, low=2048.0, high=2048.0)
    assert words.regressed(worse, LABELS, 1024.0) == (
        "tasks.py:40 keeps 2.0 KiB a run, 1.0 KiB in the baseline"
    )
    assert words.regressed(worse, LABELS, None).endswith(", and is not in the baseline")
    assert words.improved("shop/tasks.py", 40, 1945.6, None) == (
        "improved: shop/tasks.py:40 kept 1.9 KiB a run and is not seen to keep anything now"
    )
    assert words.improved("shop/tasks.py", 40, 1945.6, 10.0).endswith(" and keeps 10 B now")


def test_counts_leave_out_what_there_is_none_of() -> None:
    assert words.counts(1, 0, 0) == "1 leaks"
    assert words.counts(2, 14, 1) == "2 leak, 14 keep nothing, 1 is not sure"


def test_a_block_and_a_broken_target() -> None:
    assert words.grown("test_it", 8192, 4096) == (
        "Growth: the block in test_it leaves 8.0 KiB behind, and 4.0 KiB may be left"
    )
    failed = Broken("shop:take", Answer("failed", message="no module named shop"))
    assert words.broken(failed) == "shop:take: no module named shop"
