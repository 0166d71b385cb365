"""A cell of a spreadsheet."""

from __future__ import annotations

from typing import Any

from leakhunt.model.paths import LONGEST_SHOWN, visible


def cell(value: Any, longest: int = LONGEST_SHOWN) -> Any:
    """Text that a spreadsheet takes as text: a leading = + - @ would be a formula there."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = visible(value, longest)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
