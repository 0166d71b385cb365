"""Places as they are shown: a short path, the function, the source line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from leakhunt.model.meta import Meta
from leakhunt.model.paths import APP, Prefixes, prefixes, shorten
from leakhunt.model.snapshot import Frame, Spot, Stack

UNKNOWN = Spot(None, None)


@dataclass(frozen=True)
class Label:
    """A frame as it is shown: ``shop/tasks.py:40``, its function and its source line."""

    where: str
    function: str | None
    code: str | None


class Source(Protocol):
    """Where facts and spots come from: a snapshot, or a history."""

    @property
    def meta(self) -> Meta: ...

    @property
    def spots(self) -> Mapping[Frame, Spot]: ...


class Labels:
    """Frames of a report as text; made once per report.

    ``sources``: where their functions and lines come from; ``roots``: which folders are whose.
    """

    def __init__(self, *snapshots: Source) -> None:
        self.sources = snapshots
        self.roots: Prefixes = next(
            (roots for roots in (prefixes(s.meta.facts) for s in snapshots) if roots.folders),
            Prefixes(),
        )

    def spot(self, frame: Frame) -> Spot:
        for source in self.sources:
            spot = source.spots.get(frame)
            if spot is not None:
                return spot
        return UNKNOWN

    def label(self, frame: Frame) -> Label:
        spot = self.spot(frame)
        return Label(f"{self.file(frame.file)}:{frame.line}", spot.function, spot.code)

    def file(self, file: str) -> str:
        return shorten(file, self.roots)

    def caller(self, stack: Stack, depth: int) -> Frame | None:
        """The innermost application frame, where the row stands for library code."""
        if depth < 0 or self.roots.kind(stack[depth].file) == APP:
            return None
        app = (frame for frame in reversed(stack[:depth]) if self.roots.kind(frame.file) == APP)
        return next(app, None)
