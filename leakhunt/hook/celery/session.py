"""What this worker process was asked for, and what it has: read and set by the modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakhunt.hook.celery.pulse import Pulse
    from leakhunt.hook.hook import Hook


class Session:
    """One worker process: what was asked for, its hook and its handlers."""

    def __init__(self) -> None:
        self.keywords: dict[str, Any] = {}
        self.apps: list[Any] = []
        self.any_app = False
        self.main = 0
        self.worker: Any = None
        """Celery's own, in the main process."""
        self.node: str | None = None
        self.pool: str | None = None
        self.hook: Hook | None = None
        self.soft_signal: int | None = None
        self.soft_limit: float | None = None
        self.pulse: Pulse | None = None
        self.memory_limit: int | None = None
        """KiB, as Celery counts them."""


session = Session()
