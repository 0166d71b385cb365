"""What ``leakhunt tasks`` says beside its table."""

from __future__ import annotations

from leakhunt import units

NONE = "no task has finished there"


def over(processes: int, kept: bool) -> str:
    """What the figures are of; ``kept``: whether any tells memory that is kept."""
    number = units.counted(processes, "process", "processes")
    return f"tasks of {number}, each over its life{'; kept: since tracing began' if kept else ''}"
