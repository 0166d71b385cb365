"""The engine that tracks nothing: snapshots then hold the process's facts only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leakhunt.engine.interface import UNKNOWN_LIFE, Counters, Harvest, Life
from leakhunt.engine.retention import Walked
from leakhunt.snapfile.records import Retention


class Off:
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

    def live(self, age: float | None, done: int = 0) -> None:
        """It knows no births."""

    def begin_task(self, number: int, file: str | None) -> None:
        """It knows no tasks."""

    def end_task(self, outer: int, done: int, file: str | None) -> None:
        """It knows no tasks."""

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> None:
        return None

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> None:
        return None

    def blocks(self, raw: Any) -> bytes:
        return b""

    def retention(self, raw: Any, walked: Walked) -> list[Retention]:
        return []

    def let_go(self) -> Mapping[int, int]:
        return {}

    def facts(self) -> dict[str, Any]:
        return {"interval": None}
