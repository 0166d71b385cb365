"""Series in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS, ASCII = "▁▂▃▄▅▆▇█", "_.-=~+*#"


def spark(sizes: Sequence[float], lines: bool, low: float | None = None) -> str:
    """A bar for each, between the least of them (or ``low``) and the most."""
    bars = BARS if lines else ASCII
    low, high = min(sizes, default=0.0) if low is None else low, max(sizes, default=0.0)
    span = high - low
    return "".join(
        bars[round((size - low) / span * (len(bars) - 1))] if span > 0 else bars[0]
        for size in sizes
    )
