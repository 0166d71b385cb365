"""What the rooms of the hook share: one process, its settings, its engine, its tasks, its handlers.

Made anew in each process that makes the hook its own; the engine and the handlers come along.
"""

from __future__ import annotations

from pathlib import Path

from leakhunt.hook.config import Settings
from leakhunt.hook.process.identity import Process
from leakhunt.hook.process.ledger import Ledger
from leakhunt.hook.signals import Handlers
from leakhunt.hook.tracing import Tracing


class State:
    """Of one process."""

    def __init__(
        self, settings: Settings, tracing: Tracing, handlers: Handlers, process: Process
    ) -> None:
        self.settings = settings
        """Those that hold now: newer ones may come."""
        self.tracing = tracing
        self.handlers = handlers
        self.process = process
        self.ledger = Ledger(alone=process.runs_one_at_a_time)
        self.leaving = False
        """Whether the process is on its way out, and begins nothing any more."""

    @property
    def series(self) -> Path:
        """The folder for this process's snapshots."""
        return self.settings.dir / self.process.series

    def arm(self, boot: bool = False) -> bool:
        """See :meth:`Tracing.arm`."""
        armed = self.tracing.arm(self.ledger.done, boot)
        if armed:
            self.ledger.armed(self.tracing.traced())
        return armed
