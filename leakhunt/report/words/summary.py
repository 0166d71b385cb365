"""The one line that a worker says of itself in its log."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.judge.finding import Finding
from leakhunt.report.labels import Labels
from leakhunt.report.words import places

#: Lines that are named.
GROWING = 3


def sentence(summary: str, findings: Sequence[Finding], labels: Labels, unit: str) -> str:
    """The verdict's sentence, and the lines that grow most with their rates."""
    growing = [each for each in findings if each.rate > 0][:GROWING]
    told = ", ".join(
        f"{places.place(each.site, labels)} {units.rate(each.rate, unit).removesuffix(f' per {unit}')}"
        for each in growing
    )
    one_line = " ".join(summary.split())
    if not told:
        return one_line
    lines = units.counted(len(growing), "line that grows", "lines that grow")
    return f"{one_line} {lines}, per {unit}: {told}"
