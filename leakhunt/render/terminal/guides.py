"""The lines that trees are drawn with, for windows that can show them and for others."""

from __future__ import annotations

from typing import NamedTuple

from leakhunt.render.screen import Screen


class Guides(NamedTuple):
    """What a tree is drawn with."""

    between: str
    last: str
    along: str
    cut: str


LINES = Guides("├ ", "└ ", "│ ", "… ")
ASCII = Guides("|- ", "`- ", "|  ", ".. ")


def guides(screen: Screen) -> Guides:
    """Those that the window can show."""
    return LINES if screen.lines else ASCII
