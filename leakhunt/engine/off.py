"""The engine that tracks nothing: snapshots then hold the process's facts only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leakhunt.engine.interface import Counters
from leakhunt.snapfile.write import Run


class Off:
    """See :class:`leakhunt.engine.interface.Engine`."""

    name = "off"
    default_start = "signal"
    default_nframe = 1
    read: Callable[[], Any] = staticmethod(list)
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

    def runs(self, raw: Any) -> Iterable[Run]:
        return ()

    def estimates(self) -> None:
        return None

    def types(self) -> None:
        return None

    def recycled(self) -> None:
        return None

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> None:
        return None

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> None:
        return None

    def functions(self) -> Mapping[tuple[str, int], str]:
        return {}

    def facts(self) -> dict[str, Any]:
        return {"interval": None}
