"""What happens between a trigger and a capture: arming, one at a time, what follows.

The one stateful piece of the hook. Every entry is safe in a signal handler and
in any thread, and lets nothing out: the task under way must not notice.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leakhunt import engine as engines
from leakhunt import places, units
from leakhunt.errors import CaptureError, EngineRefusedError, LeakhuntError
from leakhunt.hook import dump, fork, vitals
from leakhunt.hook.config import Settings
from leakhunt.hook.dump import Order, Outcome
from leakhunt.hook.hold import signals_held
from leakhunt.hook.record import Record
from leakhunt.hook.say import say
from leakhunt.hook.tasks import Ledger
from leakhunt.hook.versions import versions
from leakhunt.snapfile import SCHEMA

#: After that many failures in a row, triggers that nobody asked for (every N
#: tasks, RSS) stay quiet; a signal is always tried.
PATIENCE = 3
#: RSS is read after a task at most this often, in seconds.
RSS_INTERVAL = 0.05
#: How long an exiting process waits for a capture under way.
FAREWELL = 10.0


class Hook:
    """The hook of one process. Forked children make it their own with ``adopt``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._take_engine(settings.engine)
        self.record = Record()
        self.running: Callable[[], list[str]] = list
        self.watch_child: Callable[[], bool] = bool
        """Called before a capture forks: arranges for the child's reaping; False: it cannot."""
        self.release_child: Callable[[], None] = _nothing
        """Takes that arrangement back."""
        self.wake_main: Callable[[], bool] = bool
        """Sends the main thread its signal; False where that is not possible."""
        self.hears: Callable[[], bool] = bool
        """Whether the signal's handler is the hook's."""
        self.host = socket.gethostname()
        self.node: str | None = None
        self.pool: str | None = None
        vitals.prepare()
        dump.shared_page().close()
        if not settings.fork or not fork.exact():
            # A capture in the process would show these imports in the next snapshot.
            import importlib.metadata
            import sysconfig

            sysconfig.get_paths()
            platform.platform()
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                importlib.metadata.version("celery")
        self.limit: Callable[[], int | None] = _no_limit
        """The memory in bytes after which the pool replaces this process, if there is such a limit."""
        self._lock = threading.Lock()
        self._become("program", None)

    def _become(self, role: str, main: int | None) -> None:
        self.pid = os.getpid()
        self.role = role
        self.main = main
        self.started_at = vitals.started_at(self.pid)
        self.groups = vitals.cgroups()
        self.ledger = Ledger(alone=self.pool not in ("threads", "gevent", "eventlet"))
        self.sequence = 0
        self.failures = 0
        self.due = self._next_due(0)
        self.rss_mark: int | None = None
        self.rss_crossed = False
        self.rss_read_at = 0.0
        self.capture: dump.Capture | None = None
        self.pending: str | None = None
        self.noted: str | None = None
        self.captures = 0
        self.answers = 0
        self.leaving = False
        self._missed = False
        self.note: str | None = None
        self.last: dump.Outcome | None = None
        self.armed_at: float | None = self.started_at if self.engine.tracing else None
        self.armed_tasks = 0
        self.armed_rss: int | None = None
        self._lock = threading.Lock()  # another thread of the parent may hold the old one

    def adopt(self, role: str, node: str | None, pool: str | None, main: int | None) -> None:
        """Make the hook this process's own: a new series, new counters, a record."""
        self.node, self.pool = node, pool
        inherited = self.armed_at if self.engine.tracing else None
        self.record.forget()
        self._become(role, main)
        if inherited is not None:
            self.armed_at = inherited
        if self.start == "boot":
            self.arm(boot=True)
        self.publish()

    @property
    def series(self) -> Path:
        """The folder for this process's snapshots."""
        label = self.node or Path(sys.argv[0] or "python").stem
        return self.settings.dir / places.series_name(label, self.pid, self.started_at)

    # -- arming ---------------------------------------------------------------------

    def _take_engine(self, name: str | None) -> None:
        """Make that engine the hook's, or the next best; ``engine.why`` tells why."""
        settings = self.settings
        self.engine = engines.choose(name, settings.interval, settings.budget)
        self.start = settings.start or self.engine.default_start
        self.nframe = settings.nframe or self.engine.default_nframe

    def arm(self, boot: bool = False) -> bool:
        """Start tracing; False if it is on already (or there is nothing to start).

        An engine that refuses to start is replaced by the exact one, which at ``boot``
        only starts if the settings say so.
        """
        if self.engine.tracing or self.engine.name == "off":
            return False
        try:
            self.engine.start(self.nframe)
        except EngineRefusedError as error:
            refused = self.engine.name
            self._take_engine("exact")
            say(
                logging.WARNING,
                f"the {refused} engine does not work here: {error}; using {self.engine.name}",
            )
            return self.arm() if not boot or self.start == "boot" else False
        self.armed_at = time.time()
        self.armed_tasks = self.ledger.done
        self.armed_rss = vitals.rss()
        self.ledger.armed(self.engine.counters().traced)
        return True

    def disarm(self) -> None:
        """Stop tracing again, if that is safe now; says what it did, in the log and the record."""
        refused = self.engine.stop_refused(len(sys._current_frames()))
        if not self.engine.tracing:
            self.note = f"process {self.pid} is not tracing: nothing to stop"
        elif refused:
            self.note = f"tracing goes on: {refused}"
        else:
            self.engine.stop()
            self.armed_at = self.armed_rss = None
            self.ledger.armed(None)
            self.note = f"tracing stopped in process {self.pid}; the next trigger starts it again"
        self.answers += 1
        say(logging.WARNING, self.note)
        self.publish()

    def switch(self, name: str, nframe: int | None) -> None:
        """Track with that engine from now on; says what it did, in the log and the record."""
        tracing = self.engine.tracing
        refused = self.engine.stop_refused(len(sys._current_frames())) if tracing else None
        if tracing and name == self.engine.name and nframe in (None, self.engine.nframe):
            self.note = f"the {name} engine traces process {self.pid} already"
        elif refused:
            self.note = f"the {self.engine.name} engine goes on: {refused}"
        else:
            if tracing:
                self.engine.stop()
            self.armed_at = self.armed_rss = None
            self.ledger.armed(None)
            self._take_engine(name)
            self.nframe = nframe or self.nframe
            self.arm()
            why = f" ({self.engine.why})" if self.engine.why else ""
            self.note = (
                f"the {self.engine.name} engine traces process {self.pid} from now on "
                f"(nframe {self.engine.nframe}){why}; what was allocated before is not seen"
            )
        self.answers += 1
        say(logging.WARNING, self.note)
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
            with signals_held():
                try:
                    self._do(request)
                except Exception as error:  # noqa: BLE001 - the worker's guard
                    self._failed(f"{request}: {type(error).__name__}: {error}")
        elif request is not None or noted is not None:
            self.fire(noted or "dump")
        else:
            self.fire("signal")
            return True
        return False

    def _do(self, request: str) -> None:
        """``disarm`` or ``arm ENGINE [NFRAME]``, as the console leaves it in the letter box."""
        word, *rest = request.split()
        if word == "disarm":
            self.disarm()
        elif word == "arm" and rest and rest[0] in engines.ENGINES:
            self.switch(rest[0], int(rest[1]) if len(rest) > 1 else None)
        else:
            raise ValueError("this version of leakhunt does not know that request")

    def task_done(self, name: str) -> None:
        """A task has finished: book it, and see whether a capture is due."""
        done = self.ledger.count(name, self._traced if self.armed_at is not None else None)
        if self.capture is not None:
            self.poll()
        if self.failures >= PATIENCE:
            return
        if self.due and done >= self.due:
            self.due = self._next_due(done)
            self.fire_soon("tasks")
        if self.settings.judges_rss:
            self._judge_rss()

    def _traced(self) -> int | None:
        return self.engine.counters().traced

    def _next_due(self, done: int) -> int:
        """The task after which the next snapshot is due: up to an eighth before a multiple.

        The spacing is jittered by an eighth, because evenly spaced snapshots can
        make a sawtooth (a buffer flushed every 500 tasks) look like a straight line.
        """
        every = self.settings.every
        if not every:
            return 0
        # A snapshot taken early belongs to the multiple that it precedes.
        multiple = (done + every // 8) // every + 1
        return multiple * every - (random.randrange(every // 8 + 1) if done else 0)

    def _judge_rss(self) -> None:
        now = time.monotonic()
        if now - self.rss_read_at < RSS_INTERVAL:
            return
        self.rss_read_at = now
        rss = vitals.rss()
        if rss is None:
            return
        limit, step = self.settings.rss, self.settings.rss_step
        if limit is not None:
            if rss > limit and not self.rss_crossed:
                self.rss_crossed = True
                self.fire_soon("rss")
            elif rss < limit * 0.9:
                self.rss_crossed = False
        if step is not None:
            if self.rss_mark is None:
                self.rss_mark = rss
            elif rss - self.rss_mark >= step:
                self.rss_mark = rss
                self.fire_soon("rss-step")

    def fire_soon(self, trigger: str) -> None:
        """Capture in the main thread if there is a way to wake it: only the main thread
        can be told when the forked child ends. Else capture in this one.
        """
        self.noted = trigger
        if not self.wake_main():
            self.noted = None
            self.fire(trigger)

    def fire(self, trigger: str) -> None:
        """Capture now, or once more after the capture under way. Never raises, never waits."""
        if self.leaving:
            return
        self.pending = trigger
        self.poll()

    def poll(self) -> None:
        """Reap a capture that has ended, and begin the one that was asked for meanwhile.

        Whoever finds the lock taken (another thread, or a handler on top of this very
        code: masks do not hold back a signal that another thread received) leaves the
        work to the holder, who looks again after letting go.
        """
        self._missed = True
        while self._missed:
            with signals_held():
                if not self._lock.acquire(blocking=False):
                    return
                self._missed = False
                try:
                    if self.capture is not None:
                        told = self.capture.is_told()  # then it is exiting: no need to wait long
                        self._reap(self.capture.wait() if told else self.capture.poll())
                    if self.capture is None and self.pending is not None and not self.leaving:
                        self._begin(self.pending)
                except Exception as error:  # noqa: BLE001 - the worker's guard
                    self._failed(f"no snapshot: {type(error).__name__}: {error}")
                finally:
                    self._lock.release()

    def dump(self, trigger: str = "code") -> str:
        """Capture and wait for the file; returns its path. Raises CaptureError."""
        with self._lock:
            if self.capture is not None:
                self._reap(self.capture.wait())
            self.last = None
            with signals_held():
                self._begin(trigger)
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
            dump.guard(self.engine, self.groups)
            order = self._order(trigger, baseline)
            if self.settings.fork:
                try:
                    self.capture = dump.begin(order, began)
                except fork.ForkRefusedError as error:
                    say(
                        logging.WARNING,
                        f"capturing in the process itself, which stands still: {error}",
                    )
                else:
                    if baseline:
                        self._say_armed()
                    return
            else:
                say(
                    logging.WARNING,
                    "capturing in the process itself, which stands still: LEAKHUNT_FORK=0",
                )
            self._reap(dump.in_process(order, began))
        except CaptureError as error:
            self._failed(str(error))
        self.release_child()
        if baseline:
            self._say_armed()

    def _order(self, trigger: str, baseline: bool) -> Order:
        taken_at = time.time()
        series = self.series
        memory = vitals.memory()
        traced, peak, overhead = self.engine.counters()
        facts: dict[str, Any] = {
            "schema": SCHEMA,
            **self._who(),
            "taken_at": taken_at,
            "sequence": self.sequence,
            "trigger": trigger,
            "baseline": baseline,
            "engine": self.engine.name,
            "nframe": self.engine.nframe,
            "start": self.start,
            "armed_at": self.armed_at,
            "armed_tasks": self.armed_tasks,
            "armed_rss": self.armed_rss,
            **self.engine.facts(),
            **memory,
            "gc": vitals.collector(),
            "traced": traced,
            "traced_peak": peak,
            "tracer": overhead,
        }
        return Order(
            path=series / places.snapshot_name(self.sequence, taken_at, trigger),
            series=series,
            engine=self.engine,
            signum=self.settings.signal,
            keep=self.settings.keep,
            notify=self.settings.fork and not self.watch_child() and self.hears(),
            facts=facts,
            late_facts=self._late_facts,
        )

    def _late_facts(self) -> dict[str, Any]:
        return {
            **vitals.process(self.pid),
            "tasks_done": self.ledger.done,
            "tasks": self.ledger.facts(),
            "running": self.running(),
            "limits": self._limits(),
            "versions": versions(),
            "implementation": platform.python_implementation(),
            "platform": platform.platform(),
        }

    def _limits(self) -> dict[str, int]:
        found = {"max_memory_per_child": self.limit(), "cgroup": vitals.memory_limit(self.groups)}
        return {name: limit for name, limit in found.items() if limit}

    def _who(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "pid": self.pid,
            "started_at": self.started_at,
            "node": self.node,
            "pool": self.pool,
            "role": self.role,
            "parent": os.getppid(),
            "python": platform.python_version(),
        }

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
        self.last = dump.Outcome(None, problem)
        self.captures += 1
        quiet = self.failures == PATIENCE and (self.settings.every or self.settings.judges_rss)
        note = (
            "; snapshots every N tasks and by RSS are off until a signal succeeds" if quiet else ""
        )
        say(logging.ERROR, f"{problem}{note}")
        self.publish()

    def _say_armed(self) -> None:
        before = f" ({units.size(self.armed_rss)} RSS)" if self.armed_rss else ""
        say(
            logging.WARNING,
            f"tracing began in process {self.pid} (nframe {self.engine.nframe}) with this snapshot as its baseline: what was "
            f"allocated before{before} is not seen; take another later and compare the two",
        )
        self.publish()

    def publish(self) -> None:
        """Write the record by which the console finds this process; says why if it cannot."""
        if self.leaving:
            return
        try:
            self.record.publish(
                self.settings.dir,
                {
                    **self._who(),
                    "main": self.main,
                    "signal": self.settings.signal,
                    "engine": self.engine.name,
                    "nframe": self.nframe,
                    "start": self.start,
                    "armed_at": self.armed_at,
                    "armed_rss": self.armed_rss,
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


def _no_limit() -> None:
    """Where no pool replaces the process."""
