"""What a renderer of ``leakhunt ls --prune`` gets: what would go, or what is gone."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.snapshots.prune import Plan


@dataclass(frozen=True)
class PruneReport:
    """A plan, and what came of it so far."""

    plan: Plan
    notes: tuple[str, ...]
    removed: bool = False
    """Whether it was carried out."""
    freed: int = 0
    """Bytes."""
