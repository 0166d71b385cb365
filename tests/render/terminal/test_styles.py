"""Blanks at which no line is broken."""

from __future__ import annotations

import pytest

from leakhunt.render.terminal.styles import BOUND, unbroken


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12 MiB", "12_MiB"),
        ("3 %, 4 B and 5 h", "3_%, 4_B and 5_h"),
        ("1 task, 2 snapshots", "1_task, 2_snapshots"),
        ("5 ± 3 KiB", "5_±_3_KiB"),
        ("5 houses", "5 houses"),
        ("of 5 and", "of 5 and"),
    ],
)
def test_a_number_and_its_unit_stay_together(text: str, shown: str) -> None:
    assert unbroken(text) == shown.replace("_", BOUND)
