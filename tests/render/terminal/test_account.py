"""An account for the eye: the sentence, then parts that add up to the last line."""

from __future__ import annotations

import pytest

from leakhunt.judge.account import Cause
from leakhunt.judge.resources import Change
from leakhunt.model.account import Account, Part
from leakhunt.model.resources import Open, Resource
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.account import account
from leakhunt.report import account as reports
from leakhunt.report.account import AccountReport, Told
from tests.support.builders import snap

#: The account stands beside snapshots that it is not of.
pytestmark = pytest.mark.lawless("figures of an account alone")

MIB = 1 << 20
PARTS = (
    Part("rest", 3 * MIB, "difference"),
    Part("python", 7 * MIB, "traces"),
    Part("stacks", 0, "smaps"),
)
SOCKETS = Change(Resource("socket", "tcp", 5432), 4, Open(104, (("close-wait", 100),)))


def report(grown: bool = False) -> AccountReport:
    before = (
        snap("/srv/a.py:1 1MiB x1", taken_at=1_800_000_000.0, tasks_done=900) if grown else None
    )
    told = Told(Account(10 * MIB, PARTS), Cause("python", 7 * MIB, 10 * MIB), "It is so.", "look there", grown,
                (SOCKETS,))  # fmt: skip
    return AccountReport(
        before, snap("/srv/a.py:1 1MiB x1"), told, 100 if grown else None, None, ("note",)
    )


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_the_largest_part_is_first_the_rest_last_and_nothing_is_left_out() -> None:
    told = lines(account(report(), Screen(100)))
    at = told.index("7.0 MiB    70 %  live Python blocks  tracemalloc")
    assert told[at + 1].startswith("3.0 MiB    30 %  the rest")
    assert told[at + 2].split() == ["10.0", "MiB", "RSS"]
    assert not any("stacks of threads" in line for line in told)


def test_of_a_growth_sizes_have_signs_and_the_time_between_is_told() -> None:
    text = account(report(grown=True), Screen(100))
    assert "+7.0 MiB" in text
    assert "growth of RSS" in text
    assert "between 10 min, 100 tasks" in text
    assert "open: sockets to :5432 (PostgreSQL) 4 → 104, 1 per task (100 in close-wait)" in text


def test_the_sentence_and_the_next_step_stand_above() -> None:
    told = lines(account(report(), Screen(100)))
    assert told.index("It is so.") < told.index("next  look there") < told.index("note: note")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_fits_the_window(width: int) -> None:
    real = reports.account(None, snap("/srv/a.py:1 4MiB x9", rss=100 * MIB))
    assert max(map(len, account(real, Screen(width)).splitlines())) <= width
