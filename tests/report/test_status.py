"""Where one stands: a value that says what there is, and what there is not."""

from __future__ import annotations

import dataclasses

import pytest

from leakhunt.judge.series.shape import LEAK
from leakhunt.report.status import StatusReport
from leakhunt.report.trend import trend
from leakhunt.report.words.status import steps
from tests.support.builders import history
from tests.support.growing import hourly, rising

LINE = "/srv/shop/tasks.py:40"


def test_it_cannot_be_changed_once_made() -> None:
    report = StatusReport("/snaps", (), (), None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.folder = "/elsewhere"  # type: ignore[misc]


def test_the_next_step_follows_from_its_values() -> None:
    def first(report: StatusReport) -> str:
        verdict = report.trend.verdict if report.trend else None
        return next(steps(report.hooked, report.series, verdict))[0]

    leaks = trend([history((LINE, rising(50_000), rising(100)))])
    assert leaks.verdict.verdict == LEAK
    line = hourly(10 << 20, 20 << 20)
    assert first(StatusReport("/snaps", (), (), None)) == "leakhunt demo"
    assert first(StatusReport("/snaps", ("child 7",), (line,), None)) == "leakhunt dump --all"
    assert first(StatusReport("/snaps", (), (line,), None)) == "leakhunt diff"
    assert first(StatusReport("/snaps", ("child 7",), (line,), leaks)) == "leakhunt verdict -v"
