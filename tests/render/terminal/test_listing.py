"""The series of a folder for the eye."""

from __future__ import annotations

import pytest

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.listing import MOST_LISTED, listing
from leakhunt.report import listing as reports
from leakhunt.report.listing import ListReport, Waiting
from tests.support.growing import hourly

MIB = 1 << 20


def report() -> ListReport:
    slow, fast = hourly(10 * MIB, 11 * MIB), hourly(10 * MIB, 46 * MIB, tasks_done=None)
    return reports.listing(
        "/snaps", (slow, fast), (Waiting(7, "w@h", "child", None, "SIGUSR1", None),), ("note",)
    )


def test_first_and_newest_figures_stand_below_each_other() -> None:
    text = listing(report(), Screen(120))
    assert text.startswith("/snaps\n")
    assert "10.0 MiB" in text
    assert "46.0 MiB" in text
    assert "grows fastest (+36.0 MiB per hour)" in text
    assert "?" in text  # tasks that the file does not tell


def test_who_waits_is_told_below() -> None:
    assert "hooked, no snapshot yet: child 7 of w@h" in listing(report(), Screen(120))


def test_an_empty_folder_is_said_to_be_one() -> None:
    assert (
        listing(reports.listing("/snaps", (), (), ()), Screen(80)) == "/snaps\nno snapshots yet\n"
    )


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits_the_window(width: int) -> None:
    assert max(map(len, listing(report(), Screen(width)).splitlines())) <= width


def test_traced_is_what_the_file_has_as_top_says() -> None:
    """And not all that its engine counted, of which a part is leakhunt's own."""
    line = hourly(10 * MIB, 11 * MIB, traced=9 * MIB, live=7 * MIB)
    text = listing(reports.listing("/snaps", (line,), (), ()), Screen(120))
    assert "7.0 MiB" in text
    assert "9.0 MiB" not in text


def test_of_more_processes_than_anybody_reads_the_newest_are_shown() -> None:
    """And the one that grows fastest, wherever it is; of 100,000 processes it was 400,000 lines."""
    many = tuple(hourly(10 * MIB, 11 * MIB, pid=number) for number in range(MOST_LISTED + 100))
    fast = hourly(10 * MIB, 46 * MIB, pid=999_999)
    text = listing(reports.listing("/snaps", (fast, *many), (), ()), Screen(120))
    assert "100 processes with older snapshots not shown" in text
    assert "grows fastest" in text
    shown = {line[:6].strip() for line in text.splitlines()}
    assert {"999999", "100", str(MOST_LISTED + 99)} <= shown
    assert "99" not in shown
