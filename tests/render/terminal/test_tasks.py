"""Tasks for the eye."""

from __future__ import annotations

import pytest

from leakhunt.model.meta import Meta
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


def test_the_tasks_that_are_not_shown_are_counted_with_their_runs() -> None:
    ledger = {f"t{n}": {"runs": n} for n in range(1, 31)}
    meta = Meta(host="h", pid=1, started_at=1.0, sequence=1, facts={"tasks": ledger})
    told = tasks(reports.tasks([("1.bin", meta)], limit=20), Screen(80)).splitlines()
    shown = [
        int(line.split()[0])
        for line in told
        if line.split()[-1].startswith("t") and line[:4].strip().isdigit()
    ]
    assert shown == list(range(30, 10, -1))
    assert "10 tasks more, 55 runs (-n 0 shows all)" in told
    assert sum(shown) + 55 == sum(entry["runs"] for entry in ledger.values())
    everything = tasks(reports.tasks([("1.bin", meta)]), Screen(80))
    assert "-n 0" not in everything


def test_no_task_is_said_so() -> None:
    assert "no task has finished there" in text(80)


def test_a_main_process_is_said_to_run_none() -> None:
    """Its pid is the first that one sees, and its children have done all of the work."""

    def told(role: str, pool: str = "prefork") -> str:
        meta = Meta(host="h", pid=1, started_at=1.0, sequence=1, role=role, pool=pool)
        return tasks(reports.tasks([("1.bin", meta)]), Screen(160))

    assert "a main process runs none, its children do" in told("main")
    assert "a main process" not in told("child")
    assert "a main process" not in told("main", "solo")


def kept(*sizes: int) -> dict[str, object]:
    return {
        "runs": len(sizes), "kept": sum(sizes), "kept_runs": len(sizes), "kept_every": 1,
        "kept_pieces": sizes,
    }  # fmt: skip


def test_first_which_task_has_kept_memory() -> None:
    told = text(80, leaks=kept(*[1000, 1048] * 5), noise=kept(*[0] * 9, 9000)).splitlines()
    assert told[0] == "leaks has kept 1.0 KiB per run; no other task is seen to have kept any."
    assert [line.split()[-1] for line in told[3:5]] == ["leaks", "noise"]
    assert told[3].split()[:2] == ["+10.0", "KiB"]
    assert told[4].lstrip().startswith("not sure  under 2.9 KiB")
    assert told[5].startswith("not sure: ")
    assert told[6].startswith("kept is not leaked yet")


def test_where_none_has_none_is_named() -> None:
    told = text(80, quote=kept(*[0] * 9, 9000))
    assert told.startswith("No task is seen to have kept memory.\n")
    assert "leaked" not in told
    assert text(80, quote=kept(0, 0, 0)).splitlines()[-1].split()[:4] == ["0", "B", "0", "B"]
    assert "not sure" not in text(80, quote=kept(0, 0, 0))


def test_without_an_error_nothing_is_concluded() -> None:
    told = text(80, short=FULL)
    assert told.startswith("tasks of 1 process")
    assert "+3.9 KiB   +500 B" in told
