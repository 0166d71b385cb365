"""What the doctor says, for the eye."""

from __future__ import annotations

import pytest

from leakhunt.advice.doctor.case import ADVICE, NOTE, Finding
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.doctor import doctor
from leakhunt.report.doctor import DoctorReport

FIXED = Finding(
    ADVICE, "rule-a", "w@h", "it is so", "because of that", "task_time_limit", 60, "https://x"
)


def text(*findings: Finding, width: int = 80, verbose: bool = True) -> str:
    report = DoctorReport(findings, "7 processes", ("note",))
    return doctor(report, Screen(width, verbose=verbose))


def test_what_why_what_to_set_and_who_says_so() -> None:
    assert text(FIXED).splitlines() == [
        "looked at 7 processes", "", "advice  w@h: it is so", "  because of that", "  -> task_time_limit = 60",
        "  https://x  [rule-a]", "", "note: note",
    ]  # fmt: skip


def test_the_first_page_has_no_reasons() -> None:
    assert text(FIXED, verbose=False).splitlines() == [
        "looked at 7 processes", "", "advice  w@h: it is so", "  -> task_time_limit = 60", "",
        "-v says why, and where that is documented", "note: note",
    ]  # fmt: skip


def test_nothing_to_complain_of_is_said_so() -> None:
    assert "nothing to complain of" in text()
    assert "nothing to complain of" not in text(FIXED)


def test_a_rule_without_a_page_is_named_alone() -> None:
    assert "\n  [rule-b]\n" in text(Finding(NOTE, "rule-b", "w@h", "so it is", ""))


@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_window(width: int) -> None:
    assert max(map(len, text(FIXED, width=width).splitlines())) <= width
