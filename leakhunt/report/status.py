"""What ``leakhunt`` without a command tells: where one stands."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.report.trend import TrendReport
from leakhunt.snapshots.series import Series


@dataclass(frozen=True)
class StatusReport:
    """The hooked processes, the snapshots, the verdict on them."""

    folder: str
    hooked: tuple[str, ...]
    """Hooked processes of this host, by name."""
    series: tuple[Series, ...]
    """That with the newest snapshot last."""
    trend: TrendReport | None
    """Of the process that tells most; None where none has enough snapshots."""
