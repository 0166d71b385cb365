"""The styles of pages for the eye, and which blanks no fold may break."""

from __future__ import annotations

import re

GROWN, SHRUNK, QUIET, STRONG, NOTE = "bold red", "green", "dim", "bold", "yellow"

#: Stands for a blank at which no line is broken, until the page is done.
BOUND = "\ue000"
_QUANTITY = re.compile(
    r"(?<=\d) (?=(?:[KMGTP]i)?B\b|%|(?:s|min|h|d)\b|(?:tasks?|snapshots?|blocks?|samples?|runs?)\b)"
    r"|(?<=±) (?=\d)|(?<=\d) (?=±)"
)


def unbroken(text: str) -> str:
    """With numbers that no fold parts from their units."""
    return _QUANTITY.sub(BOUND, text)
