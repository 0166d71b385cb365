"""What a renderer of ``leakhunt show`` gets: a place in a snapshot with its source."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.model.snapshot import Snapshot
from leakhunt.report.labels import Labels
from leakhunt.report.words import notes
from leakhunt.sites.place import Shown
from leakhunt.snapshots.source import Source


@dataclass(frozen=True)
class PlaceReport:
    """Everything that ``leakhunt show`` shows."""

    shown: Shown
    snapshot: Snapshot
    source: Source | None
    """The lines around the place, where it is one line."""
    labels: Labels
    why: str | None
    notes: tuple[str, ...]


def place(
    shown: Shown, snapshot: Snapshot, source: Source | None, why: str | None = None
) -> PlaceReport:
    labels = Labels(snapshot)
    return PlaceReport(shown, snapshot, source, labels, why, notes.of_place(shown, labels))
