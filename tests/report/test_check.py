"""A check as a renderer gets it: what is sure first, the exit status, names of files for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.gate.baseline import Allowance, place
from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import UNSURE, Limits, Ruling, decide
from leakhunt.gate.outcome import Outcome
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.report.check import check
from tests.support.builders import history
from tests.support.growing import finding, rising

MADE = history(("/srv/shop/tasks.py:40", rising(1000, 20), rising(1, 20)))


def outcome(verdict: str, **changed: Any) -> Outcome:
    plain = {
        "sure": (),
        "baselined": (),
        "suspects": (),
        "kept": Interval(0.0, -1.0, 1.0),
        "native": None,
    }
    ruling: Ruling = replace(decide(MADE, 1, Limits(), False), **{**plain, **changed})
    return Outcome("shop:take", verdict, "decided", ruling, 2000, 1.5, Limits(), None, 10.0)


@pytest.mark.parametrize(("verdict", "status"), [(NO_LEAK, 0), (LEAK, 3), (UNSURE, 4)])
def test_the_exit_status_is_the_verdicts(verdict: str, status: int) -> None:
    assert check(outcome(verdict)).status == status


@pytest.mark.lawless("rates that their intervals do not hold")
def test_what_is_sure_stands_before_what_is_suspected_and_known() -> None:
    sure, suspect, known = (finding(rate=rate) for rate in (30.0, 20.0, 10.0))
    report = check(outcome(LEAK, sure=(sure,), suspects=(suspect,), baselined=(known,)))
    assert [each.finding for each in report.findings] == [sure, suspect, known]
    assert [each.finding for each in report.sure] == [sure]


def test_what_is_shown_is_not_among_the_others() -> None:
    sure = finding()
    assert sure.site not in {each.site for each in check(outcome(LEAK, sure=(sure,))).others}


def test_without_a_look_there_is_a_sentence_and_nothing_else() -> None:
    report = check(replace(outcome(UNSURE), ruling=None))
    assert (len(report.findings), len(report.others), len(report.notes)) == (0, 0, 0)
    assert report.summary.startswith("Not sure: shop:take ")
    assert report.sure == ()


def test_other_programs_find_files_below_the_root() -> None:
    report = check(outcome(NO_LEAK), root="/srv/")
    assert report.below("/srv/shop/tasks.py") == "shop/tasks.py"
    assert report.below("/srv//shop/tasks.py") == "shop/tasks.py"
    assert report.below("/srvelse/x.py") is None
    assert report.below("/elsewhere/x.py") is None
    assert check(outcome(NO_LEAK)).below("/srv/shop/tasks.py") is None


def test_against_a_baseline_both_directions_are_noted() -> None:
    leak = finding(rate=100.0, low=90.0, high=110.0)
    where = place(leak.site, leak.history)
    worse = check(outcome(LEAK, sure=(leak,)), {where: Allowance(50.0, 45.0, 55.0, 40)})
    assert worse.notes == ("tasks.py:40 keeps 100 B ± 10 a run, 50 B in the baseline",)
    gone = check(outcome(NO_LEAK), {where: Allowance(50.0, 45.0, 55.0, 40)})
    assert gone.notes[0].startswith("improved: ")
    assert check(outcome(UNSURE), {where: Allowance(50.0, 45.0, 55.0, 40)}).notes == ()
