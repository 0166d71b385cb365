"""A cell is text to a spreadsheet, whatever it begins with."""

from __future__ import annotations

import pytest

from leakhunt.render.cells import cell


@pytest.mark.parametrize("lead", "=+-@")
def test_what_would_be_a_formula_is_text(lead: str) -> None:
    assert cell(f"{lead}cmd|' /C calc'!A0").startswith(f"'{lead}cmd")


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert (cell(-3), cell(0.5), cell(None), cell("tasks.py")) == (-3, 0.5, "", "tasks.py")


def test_controls_are_made_visible_and_long_text_is_cut() -> None:
    assert "\x1b" not in cell("a\x1b[31mb")
    assert len(cell("x" * 10_000, longest=50)) <= 60
