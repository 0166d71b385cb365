"""What happens between a trigger and a capture: arming, one at a time, what follows.

The one stateful piece of the hook. Every entry is safe in a signal handler and
in any thread, and lets nothing out: the task under way must not notice.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from leakhunt import units
from leakhunt.cpython import parts
from leakhunt.engine import choice as engines
from leakhunt.errors import CaptureError, LeakhuntError
from leakhunt.hook import stacks, watch
from leakhunt.hook.capture import budget, capture, fork, light
from leakhunt.hook.capture.order import Order, Outcome, facts_before_fork
from leakhunt.hook.celery.ledger import Ledger
from leakhunt.hook.config import Settings
from leakhunt.hook.letterbox import ANSWERS, LONGEST_TEXT, Record
from leakhunt.hook.log import say
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import NO_WORK, Process, Work
from leakhunt.hook.quiet import held, is_a_handlers
from leakhunt.hook.schedule import Schedule
from leakhunt.hook.signals import HEARD, Handlers
from leakhunt.hook.summary import Summary
from leakhunt.hook.tracing import Tracing
from leakhunt.snapfile import folders

#: After that many failures in a row, triggers that nobody asked for (every N
#: tasks, RSS) stay quiet; a signal is always tried.
PATIENCE = 3
#: A capture whose child found a lock taken that it needs is tried again so often.
TRIES = 5
#: How long an exiting process waits for its captures, in all: containers are given 10 s.
FAREWELL = 4.0


class Hook:
    """The hook of one process. Forked children make it their own with ``adopt``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tracing = Tracing(settings)
        self.record = Record()
        self.handlers = Handlers(settings.signal, self.signalled, self.child_ended)
        self.task_file: str | None = None
        """Where greenlets share threads: the file of the function that runs a task."""
        vitals.prepare()
        capture.prepare(in_place=not settings.fork or not fork.exact())
        self._lock = threading.RLock()
        self._become(Process("program"))

    def _become(self, process: Process) -> None:
        self.process = process
        self.pid = process.pid
        self.ledger = Ledger(alone=process.runs_one_at_a_time)
        self.sequence = 0
        self.failures = 0
        self.schedule = Schedule(self.settings)
        self.summary = Summary(self.settings.summary)
        self.budget = budget.Budget(self.settings.light)
        self.capture: capture.Capture | None = None
        self.pending: str | None = None
        self.noted: str | None = None
        self.walks = True
        self.captures = 0
        self.asked: list[str] = []
        """Requests that the next capture to begin will answer."""
        self.full = False
        """Whether the next capture walks the whole heap, whatever the settings say."""
        self.forks = False
        """Whether the next capture is to fork, whatever the budget says: a light one went before."""
        self.shares: dict[str, int | None] | None = None
        """What that one has found out of the process's memory, which takes as long as a third of a fork."""
        self.no_light: str | None = None
        """Why no light capture can be made here, as the log was told."""
        self.serving: list[str] = []
        """Those that the capture under way answers."""
        self.answers: list[tuple[str, str | None, str | None, str | None]] = []
        self.unwritable: str | None = None
        """Why nothing can be written, as the last try to publish the record has shown."""
        self.heard = HEARD
        self.watched = False
        """Whether a timer looks into the letter box, because no signal is heard, or not at once."""
        self.leaving = False
        self._missed = False
        self._tries = 0
        """Captures in a row that failed by the moment's fault."""
        self._exiting: list[int] = []
        """Children of captures that have told, and were still exiting when they were looked at last."""
        self.note: str | None = None
        self.stacks: str | None = None
        """Where its threads stood when that was asked last."""
        self.last: Outcome | None = None
        self.tracing.inherit(process.started_at)
        self._lock = threading.RLock()  # another thread of the parent may hold the old one

    def adopt(
        self,
        role: str,
        node: str | None = None,
        pool: str | None = None,
        main: int | None = None,
        work: Work = NO_WORK,
    ) -> None:
        """Make the hook this process's own: a new series, new counters, a record."""
        process = Process(role, self.process, node, pool, main, work)
        self.record.forget()
        self._become(process)
        self.handlers.adopt()
        if self.tracing.start == "boot":
            self.arm(boot=True)
        self.listen()

    def take(self, settings: Settings) -> None:
        """Go by other settings from now on; the engine and the signal stay."""
        self.settings = settings
        self.schedule = Schedule(settings, self.ledger.done)
        self.budget.setting = settings.light

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
        say(logging.WARNING, note)
        self.publish()

    def say_what_is_missing(self) -> None:
        """Say, a line each, why the engine is another one, and which compiled parts cannot be used."""
        self.tracing.say_engine()
        lost = parts.lost()
        if lost is not None:
            say(logging.WARNING, lost)

    # -- who hears ------------------------------------------------------------------

    def listen(self) -> None:
        """Tell by which ways this process can be asked now; where no signal gets through, or not before
        the next request, have a timer look into the letter box. Not from within the hook's own work,
        which blocks signals.
        """
        self.handlers.look_at_mask()
        if not self.watched and (self.handlers.waking() is None or watch.waits_outside()):
            self.watched = watch.begin(self._watch)
        self._tell_heard()
        self.publish()

    def _watch(self, pid: int) -> bool:
        """A look of the timer's; False when there is nothing left to look for."""
        if self.leaving or pid != self.pid or os.getpid() != pid:
            return False
        self.look()
        if self.record.is_lost:
            self.publish()
        if self.capture is not None:  # the handler that hears of its end may not run for long
            self.poll()
        return True

    def _tell_heard(self) -> bool:
        """Note who has the signal; says it in the log where that has changed for the worse."""
        before, self.heard = self.heard, self.handlers.heard()
        if self.heard == before:
            return False
        if self.heard != HEARD:
            say(
                logging.WARNING,
                f"{self.settings.signal_name} is not heard in process {self.pid}: "
                f"{self.silence}; `leakhunt dump {self.pid}` asks it all the same",
            )
        return True

    @property
    def silence(self) -> str:
        """Why the signal is not heard, in words."""
        return {
            "blocked": "a signal mask holds it back",
            "taken": f"it was taken by {self.heard.by}",
            "none": "the hook's handler is not there",
        }.get(self.heard.state, "it is")

    # -- triggers -------------------------------------------------------------------

    def signalled(self, second: bool = False) -> bool:
        """A signal has arrived: do what was left in the letter box, else capture.

        ``second``: it was the one that only the console and this process itself send. True when
        somebody sent the first from outside: then others need to hear of it too. Whatever goes wrong (the
        interrupted code may be near the recursion limit) is made up for after the next task.
        """
        try:
            return self._signalled(second)
        except Exception as error:
            if _is_theirs(error):
                raise
            self.handlers.missed = True
            return False

    def child_ended(self) -> None:
        """A child of this process has ended: look whether it was the capture's. Nothing of it goes out."""
        try:
            self.poll()
        except Exception as error:
            if _is_theirs(error):
                raise

    def _signalled(self, second: bool) -> bool:
        told = self.capture is not None and self.capture.is_told()
        if told or (second and self.capture is not None):
            self.poll()
        noted, self.noted = self.noted, None
        if self.look(noted) or told or second:
            return False
        self.fire("signal")
        self.process.work.tell_others()
        return True

    def look(self, noted: str | None = None) -> bool:
        """Do what was left in the letter box; ``noted`` is a trigger that is due as well.

        False when there was nothing to do. Costs two system calls.
        """
        requests = [] if self.leaving else self.record.take_requests()
        trigger = noted
        for identity, request in requests:
            if request in ("dump", "dump full"):
                self.full = self.full or request == "dump full"
                self.asked.append(identity)
                trigger = trigger or "dump"
            else:
                held(lambda: self._do(identity, request))  # noqa: B023 - called at once
        if trigger is not None:
            self.fire(trigger)
        return bool(requests) or noted is not None

    def _do(self, identity: str, request: str) -> None:
        """``look``, ``stacks``, ``disarm`` or ``arm ENGINE [NFRAME]``, as the console leaves it in the letter box."""
        word, *rest = request.split()
        try:
            if word == "look":
                self._tell_heard()
                self._reply([identity], None, None, None)
            elif word == "stacks":
                self.stacks = stacks.text()
                self._reply([identity], None, None, None)
            elif word == "disarm":
                self.disarm()
            elif word == "arm" and rest and rest[0] in engines.ENGINES:
                self.switch(rest[0], int(rest[1]) if len(rest) > 1 else None)
            else:
                raise ValueError("this version of leakhunt does not know that request")
            if word not in ("look", "stacks"):
                self._reply([identity], None, None, self.note)
        except Exception as error:
            if _is_theirs(error):
                raise
            problem = f"{request}: {type(error).__name__}: {error}"
            say(logging.ERROR, problem)
            self._reply([identity], None, problem, None)
        self.publish()

    def _reply(
        self, requests: list[str], file: str | None, problem: str | None, note: str | None
    ) -> None:
        problem, note = (text and text[:LONGEST_TEXT] for text in (problem, note))
        answers = [(identity, file, problem, note) for identity in requests]
        self.answers = [*self.answers, *answers][-ANSWERS:]

    def task_begins(self, name: str) -> None:
        """A task begins in this thread or greenlet: what it asks for is its own."""
        tracing, ledger = self.tracing, self.ledger
        ledger.begins(tracing.traced if tracing.armed_at is not None else None)
        tracing.engine.begin_task(ledger.number(name), self.task_file)

    def task_done(
        self,
        name: str,
        outer: str | None = None,
        wall: float | None = None,
        cpu: float | None = None,
        failed: bool = False,
    ) -> None:
        """A task has finished: book it, and see whether a capture is due.

        ``outer`` is the task that has called it and goes on; ``wall`` and ``cpu``: the seconds that it took.
        """
        tracing, ledger = self.tracing, self.ledger
        traced = tracing.traced if tracing.armed_at is not None else None
        done = ledger.count(name, traced, wall, cpu, failed, outer is not None)
        number = 0 if outer is None else ledger.number(outer)
        tracing.engine.end_task(number, done, self.task_file)
        if self.capture is not None:
            self.poll()
        self.look()
        if self.record.is_lost:
            self.publish()
        if self.handlers.missed:
            self.handlers.missed = False
            self.fire_soon("signal")
        if self.summary.poll():
            self.publish()
        if self.failures < PATIENCE:
            trigger = self.schedule.after_task(done)
            if trigger is not None:
                self.fire_soon(trigger)

    def fire_soon(self, trigger: str) -> None:
        """Capture in the main thread if there is a way to wake it: only the main thread
        can be told when the forked child ends. Else capture in this one.
        """
        self.noted = self.noted or trigger
        if not self.handlers.wake_main():
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
        if self.is_at_work() or not self._lock.acquire(blocking=False):
            return False
        try:
            self._missed = False
            self._exiting = [pid for pid in self._exiting if not capture.is_gone(pid)]
            if self.capture is not None:
                under_way = self.capture
                self._reap(under_way.told() if under_way.is_told() else under_way.poll())
                if under_way.exiting:
                    self._exiting.append(under_way.pid)
            if self.capture is None and self.pending is not None and not self.leaving:
                self._begin(self.pending)
            if self.capture is None:  # not after the lock: the next may have begun by then
                self.handlers.release_child()
        except Exception as error:
            if _is_theirs(error):
                raise
            self._failed(f"no snapshot: {type(error).__name__}: {error}")
        finally:
            self._lock.release()
        return True

    def is_at_work(self) -> bool:
        """Whether this very thread is capturing: a handler or a finalizer runs on top of that."""
        return bool(self._lock._is_owned())  # type: ignore[attr-defined]

    def dump(self, trigger: str = "code") -> str:
        """Capture and wait for the file; returns its path. Raises CaptureError."""
        try:
            return self._dump(trigger)
        except CaptureError:
            raise
        except Exception as error:
            if _is_theirs(error):
                raise
            raise CaptureError(f"no snapshot: {type(error).__name__}: {error}") from error

    def _dump(self, trigger: str) -> str:
        if self.is_at_work():
            raise CaptureError(
                "no snapshot: this thread is taking one, which a signal handler or a finalizer has "
                "interrupted to ask for another"
            )
        with self._lock:
            if self.capture is not None:
                self._reap(self.capture.wait())
            self.last = None
            held(lambda: self._begin(trigger))
            while self.capture is not None:
                self._reap(self.capture.wait())
                if self.last is None and self.pending is not None:
                    held(self._begin_pending)
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
        until = time.monotonic() + FAREWELL
        if self.is_at_work() or not self._lock.acquire(timeout=FAREWELL):
            say(
                logging.WARNING,
                "the process ends while one of its threads waits for a capture, which goes on alone",
            )
            return
        try:
            self.pending = None
            self._part(until)
            if self.settings.at_exit and self.capture is None:
                self._begin("exit")
                self._part(until)
        except Exception as error:  # noqa: BLE001 - the worker's guard
            self._failed(f"no snapshot: {type(error).__name__}: {error}")
        finally:
            self._lock.release()

    def _part(self, until: float) -> None:
        """Wait for the capture under way until then; what is not done goes on without us."""
        if self.capture is None:
            return
        path = self.capture.order.path
        outcome = self.capture.abandon(until - time.monotonic())
        if outcome is None:
            say(
                logging.WARNING,
                f"the process ends before its capture is done, which goes on alone: {path}",
            )
        self._reap(outcome)

    # -- one capture ----------------------------------------------------------------

    def _begin_pending(self) -> None:
        self._begin(self.pending or "code")

    def _begin(self, trigger: str) -> None:
        began = time.monotonic()
        self.pending = None
        self.serving, self.asked = self.asked, []
        self.sequence += 1
        baseline = self.arm()
        rss = vitals.rss()
        try:
            if self._begin_light(trigger, baseline, began, rss):
                if baseline:
                    self._armed()
                return
            limits = capture.guard(self.tracing.engine, self.process.groups)
            order = self._order(trigger, baseline, limits)
            if self.settings.fork:
                try:
                    self.capture = capture.begin(order, began)
                except fork.ForkRefusedError as error:
                    say(
                        logging.WARNING,
                        f"capturing in the process itself, which stands still: {error}",
                    )
                else:
                    self.budget.paid(time.monotonic() - began, rss)
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
        self.handlers.release_child()
        if baseline:
            self._armed()

    def _begin_light(self, trigger: str, baseline: bool, began: float, rss: int | None) -> bool:
        """Begin a capture that does not fork, where this one is to be such a one. Raises CaptureError."""
        forks, self.forks = self.forks or self.full, False
        engine, setting = self.tracing.engine, self.settings.light
        if forks or not engine.tracing or not (self.settings.fork or setting == "always"):
            return False
        if engine.salt is None or not light.POSSIBLE:
            if setting == "always":
                self._no_light(
                    f"the {engine.name} engine gives no copy that another process could read here"
                )
            return False
        kind = self.budget.kind(trigger, rss)
        if kind == budget.FULL:
            return False
        limits = light.guard(engine, self.process.groups)
        try:
            self.capture = light.begin(self._order(trigger, baseline, limits, light=True), began)
        except light.RefusedError as error:
            self.budget.refused = True
            self._no_light(str(error))
            return False
        self.forks = kind == budget.BOTH
        return True

    def _no_light(self, why: str) -> None:
        """Say once why captures fork, however large the process is."""
        if self.no_light != why:
            self.no_light = why
            say(logging.WARNING, f"captures fork, which holds a large process up: {why}")

    def _armed(self) -> None:
        self.tracing.say_armed(self.pid)
        self.publish()

    def _order(
        self, trigger: str, baseline: bool, limits: fork.Limits, light: bool = False
    ) -> Order:
        walk, self.full = "full" if self.full else self.settings.walk, False
        taken_at = time.time()
        series = self.series
        facts = facts_before_fork(
            self.process,
            self.tracing,
            taken_at,
            self.sequence,
            trigger,
            baseline,
            self._memory(light),
        )
        late_facts = self.process.work_facts if light else self.process.late_facts
        waking = self.handlers.waking()
        return Order(
            path=series / folders.snapshot_name(self.sequence, taken_at, trigger),
            series=series,
            engine=self.tracing.engine,
            signum=waking or self.settings.signal,
            keep=self.settings.keep,
            source=self.settings.source,
            notify=(light or self.settings.fork)
            and not self.handlers.watch_child()
            and waking is not None,
            walk=walk,
            facts=facts,
            late_facts=lambda: late_facts(self.ledger),
            life=self.ledger.life(),
            limits=limits,
            walks=self.walks,
        )

    def _memory(self, light: bool) -> Callable[[], dict[str, int | None]]:
        """What tells the process's memory: for a capture behind a light one that is known already."""
        shares, self.shares = self.shares, None
        if light:
            return vitals.resident
        return vitals.memory if shares is None else lambda: {**vitals.resident(), **shares}

    def _once_more(self, order: Order) -> None:
        """Whoever waits for that capture is answered by the next."""
        self.asked, self.serving = [*self.serving, *self.asked], []
        self.pending = self.pending or order.facts["trigger"]

    def _reap(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        order = self.capture.order if self.capture is not None else None
        self.capture = None
        if outcome.refused and order is not None:
            self.budget.refused = True
            self._no_light(f"a light one could not be made: {outcome.problem}")
            self._once_more(order)
            return
        if outcome.again and order is not None and self._tries < TRIES:
            self._tries += 1
            self._once_more(order)
            return
        self._tries = 0
        if outcome.walking:
            self.walks = False  # the objects of this process cannot be walked over
        if outcome.path is None:
            self._failed(outcome.problem or "no snapshot")
            return
        if self.forks and order is not None:  # a light one was the first answer
            self.pending = self.pending or order.facts["trigger"]
            self.shares = outcome.shares
        self.last = outcome
        self.failures = 0
        self.captures += 1
        self._reply(self.serving, os.path.basename(outcome.path), None, None)
        self.serving = []
        self._tell_heard()
        self.summary.poll()
        self.publish()
        self.summary.captured(str(self.series), str(self.settings.dir), self.process.groups)
        say(
            logging.INFO,
            f"wrote {outcome.path} ({units.size(outcome.size)}, {outcome.blocks} blocks)"
            + (f"; left out: {outcome.without}" if outcome.without else ""),
        )

    def _failed(self, problem: str) -> None:
        self.failures += 1
        self.forks = False
        self.last = Outcome(None, problem)
        self.captures += 1
        # Whatever went wrong before a capture began answers those who wait for it as well.
        self._reply([*self.serving, *self.asked], None, problem, None)
        self.serving, self.asked = [], []
        quiet = self.failures == PATIENCE and (self.settings.every or self.settings.judges_rss)
        note = (
            "; snapshots every N tasks and by RSS are off until a signal succeeds" if quiet else ""
        )
        say(logging.ERROR, f"{problem}{note}")
        self.publish()

    def publish(self) -> None:
        """Write the record by which the console finds this process; says why if it cannot. Never raises."""
        if self.leaving:
            return
        self.unwritable = None
        try:
            self.record.publish(
                self.settings.dir,
                {
                    **self.process.who(),
                    "main": self.process.main,
                    "signal": self.settings.signal,
                    "second": self.handlers.second if self.handlers.hears_second() else None,
                    "heard": self.heard.state,
                    "taken_by": self.heard.by,
                    "looks": "timer" if self.watched else self.process.work.looks,
                    **self.tracing.published(),
                    "series": str(self.series),
                    "captures": self.captures,
                    "answers": self.answers,
                    "note": self.note,
                    "stacks": self.stacks,
                    "verdict": self.summary.verdict,
                    "summary": self.summary.sentence,
                    "path": self.last.path if self.last else None,
                    "problem": self.last.problem if self.last else None,
                },
            )
        except Exception as error:
            if _is_theirs(error):
                raise
            if isinstance(error, OSError):
                self.unwritable = error.strerror or str(error)
            elif isinstance(error, LeakhuntError):
                self.unwritable = str(error)
            else:
                self.unwritable = f"{type(error).__name__}: {error}"
            say(logging.ERROR, f"cannot record this process: {self.unwritable}")


def _is_theirs(error: Exception) -> bool:
    """Whether a handler of the program's own raised it; near the recursion limit nobody can tell."""
    try:
        return is_a_handlers(error)
    except RecursionError:
        return False
