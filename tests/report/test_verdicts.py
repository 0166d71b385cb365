"""The sentence above a trend: which line, how fast, until when; and what is not said of one that is gone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from leakhunt.judge.series.shape import LEAK
from leakhunt.report.trend import TrendReport, trend
from leakhunt.report.words import growths
from tests.support.builders import history
from tests.support.pages import document, page

MIB = 1 << 20
N = 10
COUNTS = [100 * (i + 1) for i in range(N)]


def leaking(per_task: int = 7000, **facts: Any) -> TrendReport:
    """A leak of that many bytes per task, uneven by a little; a snapshot every 100 tasks and 10 s."""
    sizes = [per_task * count + 977 * (i % 3) for i, count in enumerate(COUNTS)]
    line = ("/srv/shop/tasks.py:40 < /srv/shop/app.py:1", sizes, COUNTS)
    rss = [100 * MIB + 8 * 1024 * 100 * i for i in range(N)]
    return trend([history(line, **{"rss": rss, **facts})], ended=False)


def until(report: TrendReport) -> str:
    return report.summary.partition("At this rate ")[2]


def test_the_forecast_is_from_the_newest_rss_by_the_smallest_limit() -> None:
    """RSS grows by 8 KiB per task, 100 tasks take 10 s, and is 107 MiB at the end."""
    report = leaking(limits={"cgroup": 900 * MIB, "max_memory_per_child": 207 * MIB})
    left = 207 * MIB - (100 * MIB + 8 * 1024 * 900)
    tasks = left / (8 * 1024)
    assert until(report) == (
        f"the child reaches its 207.0 MiB limit in {round(tasks, -3):,.0f} tasks (about 21 min 20 s)."
    )
    assert tasks * 0.1 == pytest.approx(21 * 60 + 20, rel=0.01)


def test_a_process_at_its_limit_is_said_to_be_there() -> None:
    report = leaking(limits={"cgroup": 50 * MIB})
    assert report.summary.endswith("The child is at its 50.0 MiB memory limit.")
    assert "reaches" not in report.summary


def test_one_task_more_is_less_than_nothing_is_not() -> None:
    last = 100 * MIB + 8 * 1024 * 900
    assert "limit in less than 1 task" in leaking(limits={"cgroup": last + 100}).summary
    assert re.search(r"limit in 1 task\b", leaking(limits={"cgroup": last + 8 * 1024}).summary)


def test_what_has_ended_reaches_no_limit_and_takes_no_more_snapshots() -> None:
    made = history(("/srv/shop/tasks.py:40", [100_000, 900_000], [100, 900]))
    assert "Take 6 more" in trend([made]).summary
    gone = trend([made], ended=True)
    assert "Take" not in gone.summary
    assert "has ended" in gone.summary
    assert "ended after" in page(gone)
    leak = trend([leaking(limits={"cgroup": 900 * MIB}).verdict.main], ended=True)
    assert "reaches" not in leak.summary


def test_the_page_has_the_figures_in_their_places() -> None:
    report = leaking(1000, rss=[100 * MIB + 110_000 * i for i in range(N)])
    (finding,) = report.leaks
    assert finding.low < finding.rate < finding.high
    text = " ".join(page(report, 160).split())
    assert re.search(r"1 leak \+\d+ B \+87\d\.\d KiB [▁-█]+ tasks\.py:40", text), text
    assert f"(95 %: {finding.low:.0f} B to {finding.high:.0f} B)" in text
    assert document(report)["findings"][0]["ci95"] == [finding.low, finding.high]


def test_the_innermost_frames_are_shown_and_the_blamed_one_whatever_its_depth() -> None:
    frames = " < ".join(f"/usr/lib/python3.11/json/a{number}.py:7" for number in range(9))
    sizes = [1000 * count + 977 * (i % 3) for i, count in enumerate(COUNTS)]
    report = trend(
        [history((f"{frames} < /srv/shop/tasks.py:40 < /srv/shop/app.py:1", sizes, COUNTS))]
    )
    stack = page(report, 100).partition("1 block per task")[2]
    assert "tasks.py:40" in stack
    assert "json/a0.py:7" in stack
    assert "app.py:1" not in stack


def test_shares_and_what_python_explains_do_not_contradict() -> None:
    """Another line shrinks: traced memory stands still while the leak is a third of the growth."""
    sizes = [3000 * count for count in COUNTS]
    down = [3_000_000 - size for size in sizes]
    made = history(
        ("/srv/shop/tasks.py:40", sizes, COUNTS), ("/srv/shop/cache.py:9", down, COUNTS[::-1]),
        rss=[100 * MIB + 900_000 * i for i in range(N)],
    )  # fmt: skip
    text = page(trend([made]))
    assert "explain 0" not in text
    assert "of the RSS growth" in text


def test_a_rate_that_its_ends_contradict_is_not_told() -> None:
    traced = [
        13 * MIB,
        5 * MIB,
        4 * MIB,
        4 * MIB,
        4 * MIB,
        3 * MIB,
        3 * MIB,
        3 * MIB,
        3 * MIB,
        23 * MIB,
    ]
    report = leaking(traced=traced)
    assert not re.search(r"traced [^;\n]*-\d", page(report))


def test_a_single_snapshot_that_says_its_rss_is_not_told_to_keep_it_back() -> None:
    report = trend([history(("/srv/shop/tasks.py:40", [1000], [1]))])
    assert "do not say the RSS" not in page(report)
    assert "RSS 120.0 MiB" in page(report)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_processes_are_counted(number: int) -> None:
    sizes = [1000 * count for count in COUNTS]
    made = [history(("/srv/shop/tasks.py:40", sizes, COUNTS), pid=pid) for pid in range(number)]
    report = trend(made)
    said = growths.where(report.leaks[0])
    assert said == ("" if number == 1 else f"in {number} of {number} children")
    assert report.leaks[0].verdict == LEAK
    page(report)
