"""Tasks for the eye."""

from __future__ import annotations

import pytest

from leakhunt.model.snapshot import Meta
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.tasks import tasks
from leakhunt.report import tasks as reports


def text(width: int, **ledger: dict[str, object]) -> str:
    meta = Meta(host="h", pid=1, started_at=1.0, sequence=1, facts={"tasks": ledger})
    return tasks(reports.tasks([("1.bin", meta)] if ledger else []), Screen(width))


FULL: dict[str, object] = {
    "runs": 1200,
    "kept": 4000,
    "kept_runs": 8,
    "wall": 2.0,
    "cpu": 1.0,
    "failed": 1,
}


@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_fits_the_window(width: int) -> None:
    told = text(width, short=FULL, **{"shop.tasks.reports.build_the_monthly_report": FULL})
    assert max(map(len, told.splitlines())) <= width


def test_figures_are_told_and_what_they_are_of() -> None:
    told = text(160, short=FULL)
    assert "1,200" in told
    assert "tasks of 1 process, each over its life" in told


def test_no_task_is_said_so() -> None:
    assert "no task has finished there" in text(80)
