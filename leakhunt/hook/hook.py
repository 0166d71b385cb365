"""What happens between a trigger and a capture: arming, one at a time, what follows.

The one stateful piece of the hook. Every entry is safe in a signal handler and
in any thread, and lets nothing out: the task under way must not notice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leakhunt import units
from leakhunt.engine import interface as engines
from leakhunt.errors import CaptureError, LeakhuntError
from leakhunt.hook.capture import capture, fork
from leakhunt.hook.capture.capture import Order, Outcome
from leakhunt.hook.celery.ledger import Ledger
from leakhunt.hook.config import Settings
from leakhunt.hook.letterbox import Record
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import Process
from leakhunt.hook.quiet import held, is_a_handlers
from leakhunt.hook.schedule import Schedule
from leakhunt.hook.tracing import Tracing
from leakhunt.snapfile import SCHEMA, folders

#: After that many failures in a row, triggers that nobody asked for (every N
#: tasks, RSS) stay quiet; a signal is always tried.
PATIENCE = 3
#: How long an exiting process waits for a capture under way.
FAREWELL = 10.0


class Hook:
    """The hook of one process. Forked children make it their own with ``adopt``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tracing = Tracing(settings)
        self.record = Record()
        self.watch_child: Callable[[], bool] = bool
        """Called before a capture forks: arranges for the child's reaping; False: it cannot."""
        self.release_child: Callable[[], None] = _nothing
        """Takes that arrangement back."""
        self.task_file: str | None = None
        """Where greenlets share threads: the file of the function that runs a task."""
        self.wake_main: Callable[[], bool] = bool
        """Sends the main thread its signal; False where that is not possible."""
        self.hears: Callable[[], bool] = bool
        """Whether the signal's handler is the hook's."""
        vitals.prepare()
        capture.prepare(in_place=not settings.fork or not fork.exact())
        self._lock = threading.Lock()
        self._become(Process("program"))

    def _become(self, process: Process) -> None:
        self.process = process
        self.pid = process.pid
        self.ledger = Ledger(alone=process.runs_one_at_a_time)
        self.sequence = 0
        self.failures = 0
        self.schedule = Schedule(self.settings)
        self.capture: capture.Capture | None = None
        self.pending: str | None = None
        self.noted: str | None = None
        self.captures = 0
        self.answers = 0
        self.leaving = False
        self._missed = False
        self.note: str | None = None
        self.last: capture.Outcome | None = None
        self.tracing.inherit(process.started_at)
        self._lock = threading.Lock()  # another thread of the parent may hold the old one

    def adopt(self, role: str, node: str | None, pool: str | None, main: int | None) -> None:
        """Make the hook this process's own: a new series, new counters, a record."""
        process = Process(role, self.process)
        process.node, process.pool, process.main = node, pool, main
        self.record.forget()
        self._become(process)
        if self.tracing.start == "boot":
            self.arm(boot=True)
        self.publish()

    def take(self, settings: Settings) -> None:
        """Go by other settings from now on; the engine and the signal stay."""
        self.settings = settings
        self.schedule = Schedule(settings, self.ledger.done)

    @property
    def series(self) -> Path:
        """The folder for this process's snapshots."""
        return self.settings.dir / self.process.series

    # -- arming ---------------------------------------------------------------------

    def arm(self, boot: bool = False) -> bool:
        """See :meth:`Tracing.arm`."""
        armed = self.tracing.arm(self.ledger.done, boot)
        if armed:
            self.ledger.armed(self.tracing.traced())
        return armed

    def disarm(self) -> None:
        """Stop tracing again, if that is safe now; says what it did, in the log and the record."""
        self._answer(self.tracing.disarm(self.pid))

    def switch(self, name: str, nframe: int | None) -> None:
        """Track with that engine from now on; says what it did, in the log and the record."""
        self._answer(self.tracing.switch(self.pid, self.ledger.done, name, nframe))

    def _answer(self, note: str) -> None:
        self.ledger.armed(self.tracing.traced())
        self.note = note
        self.answers += 1
        say(logging.WARNING, note)
        self.publish()

    # -- triggers -------------------------------------------------------------------

    def signalled(self) -> bool:
        """The signal has arrived: do what was left in the letter box, else capture.

        True when somebody sent the signal from outside, False when the console did
        or this process woke itself: then nobody else needs to hear of it.
        """
        if self.capture is not None and self.capture.is_told():
            self.poll()
            return False
        noted, self.noted = self.noted, None
        request = self.record.take_request()
        if request is not None and request != "dump":
            held(lambda: self._do(request))
        elif request is not None or noted is not None:
            self.fire(noted or "dump")
        else:
            self.fire("signal")
            return True
        return False

    def _do(self, request: str) -> None:
        """``disarm`` or ``arm ENGINE [NFRAME]``, as the console leaves it in the letter box."""
        word, *rest = request.split()
        try:
            if word == "disarm":
                self.disarm()
            elif word == "arm" and rest and rest[0] in engines.ENGINES:
                self.switch(rest[0], int(rest[1]) if len(rest) > 1 else None)
            else:
                raise ValueError("this version of leakhunt does not know that request")
        except Exception as error:
            if is_a_handlers(error):
                raise
            self._failed(f"{request}: {type(error).__name__}: {error}")

    def task_begins(self, name: str) -> None:
        """A task begins in this thread or greenlet: what it asks for is its own."""
        self.tracing.engine.begin_task(self.ledger.number(name), self.task_file)

    def task_done(self, name: str, outer: str | None = None) -> None:
        """A task has finished: book it, and see whether a capture is due.

        ``outer`` is the task that has called it and goes on.
        """
        tracing, ledger = self.tracing, self.ledger
        done = ledger.count(name, tracing.traced if tracing.armed_at is not None else None)
        number = 0 if outer is None else ledger.number(outer)
        tracing.engine.end_task(number, done, self.task_file)
        if self.capture is not None:
            self.poll()
        if self.failures < PATIENCE:
            trigger = self.schedule.after_task(done)
            if trigger is not None:
                self.fire_soon(trigger)

    def fire_soon(self, trigger: str) -> None:
        """Capture in the main thread if there is a way to wake it: only the main thread
        can be told when the forked child ends. Else capture in this one.
        """
        self.noted = self.noted or trigger
        if not self.wake_main():
            self.noted = None
            self.fire(trigger)

    def fire(self, trigger: str) -> None:
        """Capture now, or once more after the capture under way. Never raises, never waits.

        Of several that meet a capture under way, the first gives the next one its name.
        """
        if self.leaving:
            return
        self.pending = self.pending or trigger
        self.poll()

    def poll(self) -> None:
        """Reap a capture that has ended, and begin the one that was asked for meanwhile.

        Whoever finds the lock taken (another thread, or a handler on top of this very
        code: masks do not hold back a signal that another thread received) leaves the
        work to the holder, who looks again after letting go.
        """
        self._missed = True
        while self._missed and held(self._turn):
            pass

    def _turn(self) -> bool:
        """One look at what is due; False while somebody else is looking."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._missed = False
            if self.capture is not None:
                told = self.capture.is_told()  # then it is exiting: no need to wait long
                self._reap(self.capture.wait() if told else self.capture.poll())
            if self.capture is None and self.pending is not None and not self.leaving:
                self._begin(self.pending)
            if self.capture is None:  # not after the lock: the next may have begun by then
                self.release_child()
        except Exception as error:
            if is_a_handlers(error):
                raise
            self._failed(f"no snapshot: {type(error).__name__}: {error}")
        finally:
            self._lock.release()
        return True

    def dump(self, trigger: str = "code") -> str:
        """Capture and wait for the file; returns its path. Raises CaptureError."""
        with self._lock:
            if self.capture is not None:
                self._reap(self.capture.wait())
            self.last = None
            held(lambda: self._begin(trigger))
            if self.capture is not None:
                self._reap(self.capture.wait())
            outcome = self.last
        if self._missed or self.pending is not None:  # a signal came meanwhile
            self.poll()
        if outcome is None or outcome.path is None:
            raise CaptureError(outcome.problem if outcome and outcome.problem else "no snapshot")
        return outcome.path

    def leave(self) -> None:
        """The process is on its way out: a last snapshot if wanted, no child left behind.

        The record goes first: a pool child is killed when its main process ends, which may
        be before its last capture does (that one completes by itself).
        """
        if self.leaving:
            return
        self.leaving = True
        self.record.withdraw()
        try:
            with self._lock:
                self.pending = None
                if self.capture is not None:
                    self._reap(self.capture.abandon(FAREWELL))
                if self.settings.at_exit:
                    self._begin("exit")
                    if self.capture is not None:
                        self._reap(self.capture.abandon(FAREWELL))
        except Exception as error:  # noqa: BLE001 - the worker's guard
            self._failed(f"no snapshot: {type(error).__name__}: {error}")

    # -- one capture ----------------------------------------------------------------

    def _begin(self, trigger: str) -> None:
        began = time.monotonic()
        self.pending = None
        self.sequence += 1
        baseline = self.arm()
        try:
            capture.guard(self.tracing.engine, self.process.groups)
            order = self._order(trigger, baseline)
            if self.settings.fork:
                try:
                    self.capture = capture.begin(order, began)
                except fork.ForkRefusedError as error:
                    say(
                        logging.WARNING,
                        f"capturing in the process itself, which stands still: {error}",
                    )
                else:
                    if baseline:
                        self._armed()
                    return
            else:
                say(
                    logging.WARNING,
                    "capturing in the process itself, which stands still: LEAKHUNT_FORK=0",
                )
            self._reap(capture.in_process(order, began))
        except CaptureError as error:
            self._failed(str(error))
        self.release_child()
        if baseline:
            self._armed()

    def _armed(self) -> None:
        self.tracing.say_armed(self.pid)
        self.publish()

    def _order(self, trigger: str, baseline: bool) -> Order:
        taken_at = time.time()
        series = self.series
        memory = vitals.memory()
        figures = self.tracing.figures()
        facts: dict[str, Any] = {
            "schema": SCHEMA,
            **self.process.who(),
            "taken_at": taken_at,
            "monotonic": time.monotonic(),
            "sequence": self.sequence,
            "trigger": trigger,
            "baseline": baseline,
            **self.tracing.facts(),
            **memory,
            "gc": vitals.collector(),
            **figures,
        }
        return Order(
            path=series / folders.snapshot_name(self.sequence, taken_at, trigger),
            series=series,
            engine=self.tracing.engine,
            signum=self.settings.signal,
            keep=self.settings.keep,
            notify=self.settings.fork and not self.watch_child() and self.hears(),
            facts=facts,
            late_facts=lambda: self.process.late_facts(self.ledger),
            life=self.ledger.life(),
        )

    def _reap(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.capture = None
        if outcome.path is None:
            self._failed(outcome.problem or "no snapshot")
            return
        self.last = outcome
        self.failures = 0
        self.captures += 1
        self.publish()
        say(
            logging.INFO,
            f"wrote {outcome.path} ({units.size(outcome.size)}, {outcome.blocks} blocks)",
        )

    def _failed(self, problem: str) -> None:
        self.failures += 1
        self.last = capture.Outcome(None, problem)
        self.captures += 1
        quiet = self.failures == PATIENCE and (self.settings.every or self.settings.judges_rss)
        note = (
            "; snapshots every N tasks and by RSS are off until a signal succeeds" if quiet else ""
        )
        say(logging.ERROR, f"{problem}{note}")
        self.publish()

    def publish(self) -> None:
        """Write the record by which the console finds this process; says why if it cannot."""
        if self.leaving:
            return
        try:
            self.record.publish(
                self.settings.dir,
                {
                    **self.process.who(),
                    "main": self.process.main,
                    "signal": self.settings.signal,
                    **self.tracing.published(),
                    "series": str(self.series),
                    "captures": self.captures,
                    "answers": self.answers,
                    "note": self.note,
                    "path": self.last.path if self.last else None,
                    "problem": self.last.problem if self.last else None,
                },
            )
        except (OSError, LeakhuntError) as error:
            say(logging.ERROR, f"cannot record this process: {error}")


def _nothing() -> None:
    """Where nobody needs to know."""
