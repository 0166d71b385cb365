"""Which kind of capture a trigger gets, by fork, light or in the process itself, and its beginning."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from leakhunt.hook.capture import budget, capture, fork, light
from leakhunt.hook.capture.capture import Capture
from leakhunt.hook.capture.order import Order, Outcome, facts_before_fork
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals
from leakhunt.hook.state import State
from leakhunt.snapfile import folders


class Making:
    """Of one process: what its captures so far have shown of the ways to make one."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.budget = budget.Budget(state.settings.light)
        self.sequence = 0
        """The number of the last one that began."""
        self.full = False
        """Whether the next one walks the whole heap, whatever the settings say."""
        self.forks = False
        """Whether the next one is to fork, whatever the budget says: a light one went before."""
        self.shares: dict[str, int | None] | None = None
        """What that one has found out of the process's memory, which takes as long as a third of a fork."""
        self.walks = True
        """Whether the process's objects are walked over."""
        self._no_light: str | None = None
        """Why no light capture can be made here, as the log was told."""

    def begin(self, trigger: str, baseline: bool, began: float) -> Capture | Outcome:
        """Begin one: it is under way, or done where the process itself was to do it. Raises CaptureError.

        ``baseline``: tracing has begun just now; ``began`` is the moment the trigger fired, by
        ``time.monotonic()``.
        """
        state = self._state
        self.sequence += 1
        rss = vitals.rss()
        begun = self._begin_light(trigger, baseline, began, rss)
        if begun is not None:
            return begun
        limits = capture.guard(state.tracing.engine, state.process.groups)
        order = self._order(trigger, baseline, limits)
        why = "LEAKHUNT_FORK=0"
        if state.settings.fork:
            try:
                begun = capture.begin(order, began)
            except fork.ForkRefusedError as error:
                why = str(error)
            else:
                self.budget.paid(time.monotonic() - began, rss)
                return begun
        say(logging.WARNING, f"capturing in the process itself, which stands still: {why}")
        return capture.in_process(order, began)

    def _begin_light(
        self, trigger: str, baseline: bool, began: float, rss: int | None
    ) -> Capture | None:
        """Begin one that does not fork, where this one is to be such a one. Raises CaptureError."""
        forks, self.forks = self.forks or self.full, False
        engine, settings = self._state.tracing.engine, self._state.settings
        if forks or not engine.tracing or not (settings.fork or settings.light == "always"):
            return None
        if engine.salt is None or not light.POSSIBLE:
            if settings.light == "always":
                self._say_no_light(
                    f"the {engine.name} engine gives no copy that another process could read here"
                )
            return None
        kind = self.budget.kind(trigger, rss)
        if kind == budget.FULL:
            return None
        limits = light.guard(engine, self._state.process.groups)
        try:
            begun = light.begin(self._order(trigger, baseline, limits, light=True), began)
        except light.RefusedError as error:
            self.refused_light(str(error))
            return None
        self.forks = kind == budget.BOTH
        return begun

    def refused_light(self, why: str) -> None:
        """A light one could not be made here: none is tried again."""
        self.budget.refused = True
        self._say_no_light(why)

    def _say_no_light(self, why: str) -> None:
        """Say once why captures fork, however large the process is."""
        if self._no_light != why:
            self._no_light = why
            say(logging.WARNING, f"captures fork, which holds a large process up: {why}")

    def _order(
        self, trigger: str, baseline: bool, limits: fork.Limits, light: bool = False
    ) -> Order:
        state, settings = self._state, self._state.settings
        walk, self.full = "full" if self.full else settings.walk, False
        taken_at = time.time()
        series = state.series
        facts = facts_before_fork(
            state.process,
            state.tracing,
            taken_at,
            self.sequence,
            trigger,
            baseline,
            self._memory(light),
        )
        late_facts = state.process.work_facts if light else state.process.late_facts
        waking = state.handlers.waking()
        return Order(
            path=series / folders.snapshot_name(self.sequence, taken_at, trigger),
            series=series,
            engine=state.tracing.engine,
            signum=waking or settings.signal,
            keep=settings.keep,
            source=settings.source,
            notify=(light or settings.fork)
            and not state.handlers.watch_child()
            and waking is not None,
            walk=walk,
            facts=facts,
            late_facts=lambda: late_facts(state.ledger),
            life=state.ledger.life(),
            limits=limits,
            walks=self.walks,
        )

    def _memory(self, light: bool) -> Callable[[], dict[str, int | None]]:
        """What tells the process's memory: for a capture behind a light one that is known already."""
        shares, self.shares = self.shares, None
        if light:
            return vitals.resident
        return vitals.memory if shares is None else lambda: {**vitals.resident(), **shares}
