"""What a renderer of a trend gets: judged, filtered, numbered, with advice for leaks alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leakhunt.judge.history import History
from leakhunt.judge.series.shape import LEAK
from leakhunt.judge.verdict import NO_LEAK
from leakhunt.report.trend import TrendReport, advised, trend
from tests.support.builders import history
from tests.support.growing import finding, rising
from tests.support.lives import aged

TASKS, LIBRARY = "/srv/shop/tasks.py:40", "/srv/shop/lib/cache.py:7"
LINES = {
    "/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")},
    "/srv/shop/lib/cache.py": {7: ("put", "CACHE[key] = value")},
}


def made(**facts: Any) -> History:
    """Two leaks: 500 bytes a task at one line, 200 at another."""
    return history(
        (TASKS, rising(50_000), rising(100)), (LIBRARY, rising(20_000), rising(37)), frames=LINES, **facts
    )  # fmt: skip


def sites(report: TrendReport) -> list[str]:
    return [f"{each.finding.site.file}:{each.finding.site.line}" for each in report.findings]


def test_every_growth_is_a_finding_the_fastest_first() -> None:
    report = trend([made()])
    assert report.verdict.verdict == LEAK
    assert sites(report) == [TASKS, LIBRARY]
    assert [finding.site.line for finding in report.leaks] == [
        each.finding.site.line for each in report.findings if each.finding.verdict == LEAK
    ]
    assert report.hidden == 0


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"filters": ["lib"]}, [LIBRARY]),
        ({"excludes": ["lib"]}, [TASKS]),
        ({"filters": ["nothing.like.that"]}, []),
        ({"filters": ["lib", "tasks"]}, [TASKS, LIBRARY]),
    ],
)
def test_what_a_filter_leaves_out_is_counted_and_not_in_the_sentence(
    options: dict[str, Any], left: list[str]
) -> None:
    report = trend([made()], **options)
    assert sites(report) == left
    assert report.hidden == 2 - len(left)
    assert ("tasks.py:40" in report.summary) is (TASKS in left)
    assert report.verdict == trend([made()]).verdict  # the judgement is of all there is


def test_findings_are_numbered_from_one_up_to_the_limit() -> None:
    assert [number for number, _ in trend([made()], limit=1).ranked] == [1]
    assert [number for number, _ in trend([made()], limit=0).ranked] == [1, 2]


def test_advice_is_given_for_leaks_and_for_nothing_else() -> None:
    report = trend([made()])
    assert report.findings[0].advice is not None
    assert "ORDERS.append(order)" in report.findings[0].advice.because
    still = trend([history((TASKS, [50_000] * 8, [100] * 8), frames=LINES)])
    assert still.verdict.verdict == NO_LEAK
    assert [each.advice for each in still.findings] == [None] * len(still.findings)
    assert advised(finding(verdict="noise")) is None


def test_a_gone_process_is_known_to_the_sentence_and_the_report() -> None:
    limits = {"max_memory_per_child": 300 << 20}
    assert "At this rate" in trend([made(limits=limits)]).summary
    gone = trend([made(limits=limits)], ended=True)
    assert gone.ended
    assert "At this rate" not in gone.summary


def test_notes_of_the_caller_stand_last() -> None:
    report = trend([made(nframe=1)], notes=("not read: x.bin",), why="named")
    assert report.notes[-1] == "not read: x.bin"
    assert len(report.notes) == 2
    assert report.why == "named"


def test_an_account_is_made_where_the_snapshots_tell_where_memory_is() -> None:
    assert trend([made()]).account is None


def test_what_one_snapshot_tells_of_its_whole_life_has_no_account_of_the_seconds_before_it() -> (
    None
):
    """Two snapshots with no task between: RSS stands still there, and grew all along."""
    maps = {"heap": [5 << 20, 1]}
    two = history((TASKS, [50_000] * 2, [100] * 2), frames=LINES, maps=maps)
    life = aged((TASKS, [5_000] * 20))
    assert trend([two]).account is not None
    seen = trend([replace(two, newest=life)])
    assert seen.verdict.main.lived
    assert seen.account is None
