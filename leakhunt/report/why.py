"""What a renderer of ``leakhunt why`` gets: a place, and what keeps its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leakhunt.compare.place import Shown
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.labels import Labels
from leakhunt.report.words import kept
from leakhunt.retention import ways
from leakhunt.retention.ways import Why


@dataclass(frozen=True)
class WhyReport:
    """Everything that ``leakhunt why`` shows."""

    found: Why
    shown: Shown
    snapshot: Snapshot
    labels: Labels
    lines: tuple[tuple[str, str], ...]
    """For each way: the way, and what it amounts to."""
    summary: str


def why(shown: Shown, snapshot: Snapshot, earlier: Sequence[Snapshot], limit: int) -> WhyReport:
    """``shown`` with all its stacks. ``limit``: ways that are told, 0: all."""
    found = ways.why(snapshot, (lead.stack for lead in shown.leads), earlier)
    told = found.ways[:limit] if limit else found.ways
    lines = tuple((kept.way(way.held.path), kept.amount(way)) for way in told)
    return WhyReport(found, shown, snapshot, Labels(snapshot), lines, kept.summary(found))
