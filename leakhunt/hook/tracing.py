"""The engine of one process: armed, disarmed, switched, and since when it traces."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from leakhunt import units
from leakhunt.engine import choice as engines
from leakhunt.errors import EngineRefusedError
from leakhunt.hook.config import Settings
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals


class Tracing:
    """What the settings ask for, or the next best: ``engine.why`` tells why."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._take(settings.engine)
        self._started_at: float | None = None
        self.armed_at: float | None = None
        self.armed_tasks = 0
        self.armed_rss: int | None = None

    def _take(self, name: str | None) -> None:
        settings = self._settings
        self.engine = engines.choose(name, settings.interval, settings.budget)
        self.start = settings.start or self.engine.default_start
        self.nframe = settings.nframe or self.engine.default_nframe

    def inherit(self, started_at: float | None) -> None:
        """In a forked child: an engine that runs has run since then, or since the fork's parent
        armed it.
        """
        since = self.armed_at if self.armed_at is not None else started_at
        self.armed_at = since if self.engine.tracing else None
        self.armed_tasks, self.armed_rss = 0, None
        self._started_at = started_at
        self._say_life(0)

    def _say_life(self, done: int) -> None:
        """Tell the engine, which counts on from there, how old the process is and what it has done."""
        began = self._started_at
        self.engine.live(None if began is None else time.time() - began, done)

    def traced(self) -> int | None:
        """Bytes that are traced now; None while nothing is armed."""
        return self.engine.counters().traced if self.armed_at is not None else None

    def arm(self, tasks: int, boot: bool = False) -> bool:
        """Start tracing after so many tasks; False if it is on already, or nothing is to start.

        An engine that refuses to start is replaced by the exact one, which at ``boot``
        only starts if the settings say so.
        """
        if self.engine.tracing or self.engine.name == "off":
            return False
        try:
            self.engine.start(self.nframe)
        except EngineRefusedError as error:
            refused = self.engine.name
            self._take("exact")
            say(
                logging.WARNING,
                f"the {refused} engine does not work here: {error}; using {self.engine.name}",
            )
            return self.arm(tasks) if not boot or self.start == "boot" else False
        self.armed_at = time.time()
        self.armed_tasks = tasks
        self.armed_rss = vitals.rss()
        return True

    def disarm(self, pid: int) -> str:
        """Stop tracing again, if that is safe now; what it did, in words."""
        refused = self.engine.stop_refused(len(sys._current_frames()))
        if not self.engine.tracing:
            return f"process {pid} is not tracing: nothing to stop"
        if refused:
            return f"tracing goes on: {refused}"
        self._stop()
        return f"tracing stopped in process {pid}; the next trigger starts it again"

    def switch(self, pid: int, tasks: int, name: str, nframe: int | None) -> str:
        """Trace with that engine from now on; what it did, in words."""
        tracing = self.engine.tracing
        refused = self.engine.stop_refused(len(sys._current_frames())) if tracing else None
        if tracing and name == self.engine.name and nframe in (None, self.engine.nframe):
            return f"the {name} engine traces process {pid} already"
        if refused:
            return f"the {self.engine.name} engine goes on: {refused}"
        self._stop()
        self._take(name)
        self.nframe = nframe or self.nframe
        self._say_life(tasks)
        self.arm(tasks)
        why = f" ({self.engine.why})" if self.engine.why else ""
        return (
            f"the {self.engine.name} engine traces process {pid} from now on "
            f"(nframe {self.engine.nframe}){why}; what was allocated before is not seen"
        )

    def _stop(self) -> None:
        self.engine.stop()
        self.armed_at = self.armed_rss = None

    def say_engine(self) -> None:
        """Say why the engine is not the one that was asked for, if it is not."""
        if self.engine.why is not None and self.engine.name != "off":
            say(logging.WARNING, f"using the {self.engine.name} engine: {self.engine.why}")

    def say_armed(self, pid: int) -> None:
        """Say that a first trigger has armed the engine, and what is not seen for that."""
        before = f" ({units.size(self.armed_rss)} RSS)" if self.armed_rss else ""
        say(
            logging.WARNING,
            f"tracing began in process {pid} (nframe {self.engine.nframe}) with this snapshot as "
            f"its baseline: what was allocated before{before} is not seen; take another later and "
            "compare the two",
        )

    def published(self) -> dict[str, Any]:
        """What the record of the process says of it."""
        return {
            "engine": self.engine.name,
            "nframe": self.nframe,
            "start": self.start,
            "armed_at": self.armed_at,
            "armed_rss": self.armed_rss,
        }

    def facts(self) -> dict[str, Any]:
        """What a snapshot taken now says of it, but for :meth:`figures`."""
        return {
            **self.published(),
            "nframe": self.engine.nframe,
            "armed_tasks": self.armed_tasks,
            **self.engine.facts(),
        }

    def figures(self) -> dict[str, int | None]:
        """Bytes: traced now, the peak of that, and the engine's own tables."""
        traced, peak, tables = self.engine.counters()
        return {"traced": traced, "traced_peak": peak, "tracer": tables}
