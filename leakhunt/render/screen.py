"""What a page is drawn for."""

from __future__ import annotations

from typing import NamedTuple

TABLE, JSON, CSV, MARKDOWN = FORMATS = ("table", "json", "csv", "markdown")
#: Formats of a check alone.
GITHUB, SARIF = "github", "sarif"


class Screen(NamedTuple):
    """Width and abilities of where a page goes, and how much of it is wanted."""

    width: int = 80
    color: bool = False
    lines: bool = True
    """Whether it can show the lines that trees are drawn with."""
    verbose: bool = False
    height: int = 24
    """Lines of the window."""
    fits: bool = False
    """Whether a table ends where the window does: nobody has said how many rows are wanted."""
