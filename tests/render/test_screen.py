"""What a page is drawn for, where nobody says."""

from __future__ import annotations

from leakhunt.render.screen import FORMATS, GITHUB, SARIF, Screen


def test_a_screen_that_nobody_describes_can_show_little() -> None:
    plain = Screen()
    assert (plain.width, plain.color, plain.verbose) == (80, False, False)


def test_formats_are_told_once_each() -> None:
    assert len({*FORMATS, GITHUB, SARIF}) == len(FORMATS) + 2
