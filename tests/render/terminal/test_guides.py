"""Lines of trees, where they can be shown and where not."""

from __future__ import annotations

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.guides import ASCII, LINES, guides


def test_a_window_gets_what_it_can_show() -> None:
    assert guides(Screen(lines=True)) is LINES
    assert guides(Screen(lines=False)) is ASCII
    assert "".join(ASCII).isascii()


def test_the_guides_of_a_step_are_as_wide_as_each_other() -> None:
    for each in (LINES, ASCII):
        assert len({len(each.between), len(each.last), len(each.along)}) == 1
