"""Processes for the eye: a tree whose columns leave where there is no room."""

from __future__ import annotations

import pytest

from leakhunt.model.process import Celery
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.ps import COLUMNS, ps
from leakhunt.report import ps as reports
from tests.support.fleet import NOW, machine, process


def text(width: int, lines: bool = True) -> str:
    crew = [process(10, "main"), process(11, parent=10), process(12, parent=10, uss=None, pss=None)]
    return ps(reports.ps(crew, machine()), Screen(width, lines=lines))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_it_fits_the_window_and_names_every_process(width: int) -> None:
    told = text(width)
    assert max(map(len, told.splitlines())) <= width
    assert all(str(pid) in told for pid in (10, 11, 12))


def test_children_stand_under_their_main_process() -> None:
    rows = [
        line for line in text(120).splitlines() if line.lstrip("├└│ ").startswith(("main", "child"))
    ]
    assert [row.split(" ")[0] for row in rows] == ["main", "├", "└"]


def test_ascii_windows_get_ascii_guides() -> None:
    assert text(120, lines=False).isascii()


def test_growth_of_some_seconds_is_not_carried_on_to_an_hour() -> None:
    column = next(column for column in COLUMNS if column.title == "grows")
    made = [process(11), process(12), process(13)]
    grown = [(4 << 20, 8.4, None), (40 << 20, 1800.0, None), (40 << 10, 8.4, 10)]
    growths = {p.identity: reports.Growth(*told, 2) for p, told in zip(made, grown)}
    rows = reports.ps(made, machine(), growths).rows
    assert [column.cell(row, NOW) for row in rows] == [
        "+4.0 MiB in 8.4 s", "+80.0 MiB/h", "+4.0 KiB/task",
    ]  # fmt: skip


def test_the_hook_is_told_as_far_as_it_can_be_seen() -> None:
    """The signal's state where there is a hook, that there is none, or that nobody may look."""
    column = next(column for column in COLUMNS if column.title == "hook")
    made = [
        process(11, hooked=True, signal="blocked"),
        process(12, signal="none"),
        process(13, readable=False, signal="none"),
    ]
    rows = reports.ps(made, machine()).rows
    assert [column.cell(row, NOW) for row in rows] == ["blocked", "no", "?"]


def test_orphans_of_one_worker_stand_together() -> None:
    lost = [process(pid, "orphan", parent=1) for pid in (11, 12)]
    other = process(13, "orphan", parent=1, celery=Celery("worker", "w2@h", app="proj"))
    told = ps(reports.ps([*lost, other], machine()), Screen(120))
    table = told.partition("\n3 processes")[0].splitlines()[1:]
    assert lost[0].celery is not None
    assert [line.split(" ")[0] for line in table if line] == [
        "w2@h", "orphan", str(lost[0].celery.node), "orphan", "orphan",
    ]  # fmt: skip


def test_beat_and_flower_tell_their_app() -> None:
    """They have no node."""
    made = reports.ps([process(11, "beat", celery=Celery("beat", app="proj"))], machine())
    assert "\napp proj\nbeat 11 " in ps(made, Screen(120))
