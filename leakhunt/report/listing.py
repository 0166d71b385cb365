"""What a renderer of ``leakhunt ls`` gets: the series in a folder, and which of them grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from leakhunt.snapshots.series import Series, fastest

#: Its pid and when it started (seconds since the epoch).
Process = tuple[Optional[int], Optional[float]]


@dataclass(frozen=True)
class Waiting:
    """A hooked process that has no snapshot yet."""

    pid: int
    node: str | None
    role: str | None
    armed_at: float | None
    signal: str
    silence: str | None
    """Why the signal that users send is not heard there; None: it is."""


@dataclass(frozen=True)
class ListReport:
    """The series in a folder, and the hooked processes without one."""

    folder: str
    series: tuple[Series, ...]
    fastest: Series | None
    """The series that grows fastest, if there is more than one to choose from."""
    waiting: tuple[Waiting, ...]
    notes: tuple[str, ...]
    engines: Mapping[Process, str] = field(default_factory=dict)
    """Which engine tracks in a process that runs, as it says itself."""

    def engine(self, line: Series) -> str | None:
        """Which engine tracks in a series' process: now, where that is known, else at its newest snapshot."""
        last = line.newest.meta
        return self.engines.get((last.pid, last.started_at), last.engine)


def listing(
    folder: str,
    series: tuple[Series, ...],
    waiting: tuple[Waiting, ...],
    notes: tuple[str, ...],
    engines: Mapping[Process, str] | None = None,
) -> ListReport:
    return ListReport(folder, series, fastest(series), waiting, notes, engines or {})
