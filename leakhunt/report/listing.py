"""What a renderer of ``leakhunt ls`` gets: the series in a folder, and which of them grows."""

from __future__ import annotations

from dataclasses import dataclass

from leakhunt.snapshots.series import Series, fastest


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


def listing(
    folder: str, series: tuple[Series, ...], waiting: tuple[Waiting, ...], notes: tuple[str, ...]
) -> ListReport:
    return ListReport(folder, series, fastest(series), waiting, notes)
