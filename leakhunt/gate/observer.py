"""Observes the process that runs the target: the hook's own capture, without the hook.

No signal handler is installed and no letter box kept: whoever runs the target says when to look.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

from leakhunt.errors import CaptureError
from leakhunt.hook import config
from leakhunt.hook.capture import capture, fork
from leakhunt.hook.capture.order import Order, facts_before_fork
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import Process
from leakhunt.hook.process.ledger import Ledger
from leakhunt.hook.tracing import Tracing
from leakhunt.snapfile import folders

#: What a snapshot says of why it was taken.
TRIGGER = "check"
#: What it calls a unit of work, a call of the target: a Celery task, too, is run here and not sent by anybody.
UNIT = "run"
#: Collections before a look: what the first one's finalizers let go, the next one frees.
COLLECTIONS = 2
#: Of the CPU, the part that sampling may take. What an estimate is wrong by goes with the root of the distance between two
#: samples, and so with one over the root of the samples that a run pays for: where they cost s runs each, a rate is wrong
#: by (1 + s) / sqrt(s) after a given time, which is least at s = 1.
BUDGET = "50%"


class Observer:
    """Tracing in this process from :meth:`begin` on, and a snapshot whenever one is wanted."""

    def __init__(self, folder: Path, engine: str, nframe: int | None, name: str) -> None:
        """``name``: of what is run, as the snapshots' ledger has it. Raises SettingError."""
        settings = config.settings(
            {"dir": str(folder), "engine": engine, "start": "boot", "keep": 0, "budget": BUDGET,
             **({} if nframe is None else {"nframe": nframe})}
        )  # fmt: skip
        self.settings = settings._replace(source="masked", walk="auto")
        self.name = name
        vitals.prepare()
        capture.prepare(in_place=not fork.exact())
        self.tracing = Tracing(settings)
        self.process = Process("program")
        self.ledger = Ledger()
        self.ledger.call(UNIT)
        self.number = self.ledger.number(name)
        self.sequence = 0
        self.ready = self.began = False

    def begin(self) -> None:
        """Trace from now on, unless somebody does already. Again: nothing."""
        if self.ready:
            return
        self.ready = True
        self.tracing.inherit(self.process.started_at)
        self.began = self.tracing.arm(self.ledger.done)
        if not self.began:
            self.tracing.armed_at = time.time()
        self.tracing.engine.begin_task(self.number, None)

    def end(self) -> None:
        """Stop what was begun, where that is safe."""
        if self.began and self.tracing.engine.stop_refused(len(sys._current_frames())) is None:
            self.tracing.engine.stop()

    def ran(self) -> None:
        """One run is over."""
        done = self.ledger.count(self.name, None)
        if not self.ready:
            return
        engine = self.tracing.engine
        engine.end_task(0, done, None)
        engine.begin_task(self.number, None)

    def take(self, full: bool) -> str:
        """A snapshot of what is reachable now; returns its path. Raises CaptureError.

        ``full``: with what holds the objects, and the source lines. What only waits for the collector is collected first.
        """
        for _ in range(COLLECTIONS):
            gc.collect()
        began = time.monotonic()
        engine = self.tracing.engine
        limits = capture.guard(engine, self.process.groups)
        order = self._order(full, limits)
        try:
            outcome = capture.begin(order, began).wait()
        except fork.ForkRefusedError:
            outcome = capture.in_process(order, began)
        if outcome.path is None and outcome.walking:
            return self.take(full=False)
        if outcome.path is None:
            raise CaptureError(outcome.problem or "no snapshot")
        return outcome.path

    def _order(self, full: bool, limits: fork.Limits) -> Order:
        self.sequence += 1
        taken_at = time.time()
        series = self.settings.dir / self.process.series
        facts = facts_before_fork(
            self.process, self.tracing, taken_at, self.sequence, TRIGGER, False
        )
        facts["collected"] = True
        return Order(
            path=series / folders.snapshot_name(self.sequence, taken_at, TRIGGER),
            series=series,
            engine=self.tracing.engine,
            signum=self.settings.signal,
            keep=0,
            source=self.settings.source,
            walk="auto" if full else "off",
            notify=False,
            facts=facts,
            late_facts=lambda: self.process.late_facts(self.ledger),
            life=self.ledger.life(),
            limits=limits,
            walks=full or self.tracing.engine.name != "exact",
            explains=full,
        )
