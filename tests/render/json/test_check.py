"""``leakhunt check`` as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from leakhunt.gate.confidence import Interval
from leakhunt.gate.decision import Limits, decide
from leakhunt.gate.outcome import Outcome
from leakhunt.render.json.check import check, content
from leakhunt.report import check as reports
from tests.support.builders import history
from tests.support.growing import finding, rising

MADE = history(("/srv/shop/tasks.py:40", rising(1000, 20), rising(1, 20)))


def report(verdict: str, **changed: Any) -> reports.CheckReport:
    ruling = replace(decide(MADE, 1, Limits(), False), **changed)
    return reports.check(
        Outcome("shop:take", verdict, "decided", ruling, 2000, 1.5, Limits(), None, 10.0)
    )


def test_it_has_what_the_contract_names() -> None:
    document = json.loads(check(report("leak", sure=(finding(),), suspects=(), baselined=())))
    assert {"schema", "target", "verdict", "runs", "bytes_per_run", "ci95", "findings"} <= set(
        document
    )
    assert document["schema"] == "leakhunt/check@1"
    (one,) = document["findings"]
    assert (one["unit"], one["sure"], one["known"]) == ("run", True, False)


def test_what_the_baseline_knows_is_marked() -> None:
    made = content(report("no-leak", sure=(), suspects=(), baselined=(finding(),)))
    assert [(one["sure"], one["known"]) for one in made["findings"]] == [(False, True)]


def test_json_has_no_infinity_and_null_without_a_look() -> None:
    endless = content(report("unsure", kept=Interval(0.0, float("-inf"), float("inf"))))
    assert endless["ci95"] == [None, None]
    outcome = replace(report("unsure").outcome, ruling=None)
    blind = content(reports.check(outcome))
    assert (blind["bytes_per_run"], blind["ci95"], blind["native"], blind["findings"]) == (
        None,
        None,
        None,
        [],
    )
