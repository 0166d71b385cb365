"""The engine that tracks nothing: snapshots then hold the process's facts only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leakhunt.engine.interface import UNKNOWN_LIFE, Counters, Harvest, Life, Unsampled
from leakhunt.engine.retention import Walked
from leakhunt.snapfile.records import Retention


class Off(Unsampled):
    """See :class:`leakhunt.engine.interface.Engine`."""

    name = "off"
    default_start = "signal"
    default_nframe = 1
    read: Callable[[], Any] = staticmethod(list)
    at_fork = None
    salt: int | None = None
    tracing = False
    nframe = 1

    def __init__(self, why: str) -> None:
        self.why: str | None = why

    def start(self, nframe: int) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def stop_refused(self, threads: int) -> str | None:
        return None

    def counters(self) -> Counters:
        return Counters(None, None, None)

    def bytes_needed(self) -> int:
        return 0

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        return Harvest(())

    def blocks(self, raw: Any) -> bytes:
        return b""

    def retention(self, raw: Any, walked: Walked) -> list[Retention]:
        return []
