"""The ledgers of several processes, summed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leakhunt.model.snapshot import Meta
from leakhunt.render.json import tasks as jsonout
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import tasks as terminal
from leakhunt.report.tasks import TasksReport, tasks

FULL = {
    "runs": 10,
    "kept": 4000,
    "kept_runs": 8,
    "failed": 1,
    "wall": 2.0,
    "cpu": 1.0,
    "rss_steps": 2,
}


def made(*processes: dict[str, Any]) -> TasksReport:
    return tasks([
        (f"{n}.bin", Meta(host="h", pid=n, started_at=1.0, sequence=1, facts={"tasks": ledger}))
        for n, ledger in enumerate(processes)
    ])  # fmt: skip


def test_sums_over_processes_and_ranks_by_what_is_kept() -> None:
    report = made({"a": FULL, "b": {**FULL, "kept": 9000}}, {"a": {**FULL, "runs": 5}})
    b, a = report.tasks
    assert (b.name, a.name) == ("b", "a")
    assert (a.runs, a.failed, a.wall, a.cpu, a.kept, a.kept_runs, a.rss_steps) == (
        15,
        2,
        4.0,
        2.0,
        8000,
        16,
        4,
    )
    assert a.kept_per_run == 500
    assert a.busy == 0.5
    assert report.snapshots == ("0.bin", "1.bin")


def test_only_the_newest_snapshot_of_a_process_counts() -> None:
    old, new = (
        Meta(
            host="h", pid=1, started_at=1.0, sequence=n, facts={"tasks": {"a": {**FULL, "runs": n}}}
        )
        for n in (1, 2)
    )
    for order in ([("1", old), ("2", new)], [("2", new), ("1", old)]):
        report = tasks(order)
        assert [task.runs for task in report.tasks] == [2]
        assert report.snapshots == ("2",)


def test_what_is_not_known_stays_unknown() -> None:
    (task,) = made({"a": {**FULL, "cpu": None}}, {"a": FULL}).tasks
    assert (task.cpu, task.busy) == (None, None)
    (early,) = made({"a": {"runs": 4, "kept": 400}}).tasks
    assert (early.failed, early.wall, early.kept_per_run) == (None, None, 100.0)
    hostile = {"a": {"runs": "many", "kept": True, "wall": "x"}, "b": "nothing", "c": {"runs": 1}}
    assert [(t.name, t.runs, t.kept) for t in made(hostile).tasks] == [
        ("c", 1, None),
        ("a", 0, None),
    ]
    assert tasks([("x", Meta(facts={"tasks": None}))]).tasks == ()


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_page_fits(width: int) -> None:
    report = made(
        {
            "proj.tasks.reports.build_the_monthly_report_of_everything": FULL,
            "short": FULL,
            "new": {"runs": 1},
        }
    )
    text = terminal.tasks(report, Screen(width))
    assert max(len(line) for line in text.splitlines()) <= width
    assert "short" in text
    if width == 160:
        assert "█████░░░░░" in text
        assert "200.0 ms" in text


def test_json() -> None:
    document = json.loads(jsonout.tasks(made({"a": FULL})))
    assert document["schema"] == "leakhunt/tasks@1"
    assert document["tasks"] == [{
        "task": "a", "runs": 10, "failed": 1, "wall": 2.0, "cpu": 1.0, "kept": 4000, "kept_runs": 8,
        "kept_per_run": 500.0, "rss_steps": 2,
    }]  # fmt: skip
