"""What happens to one process: it is adopted, asked by signals and requests, runs tasks, and leaves.

Every entry is safe in a signal handler and in any thread, and lets nothing out: the task under way must not
notice.
"""

from __future__ import annotations

import logging
import os

from leakhunt.cpython import parts
from leakhunt.engine import choice as engines
from leakhunt.hook import stacks, watch
from leakhunt.hook.answers import Answers
from leakhunt.hook.capture import capture, fork
from leakhunt.hook.captures import PATIENCE, Captures
from leakhunt.hook.config import Settings
from leakhunt.hook.letterbox import Record
from leakhunt.hook.log import say
from leakhunt.hook.presence import Presence
from leakhunt.hook.process import vitals
from leakhunt.hook.process.identity import NO_WORK, Process, Work
from leakhunt.hook.quiet import held, is_theirs
from leakhunt.hook.schedule import Schedule
from leakhunt.hook.signals import Handlers
from leakhunt.hook.state import State
from leakhunt.hook.summary import Summary
from leakhunt.hook.tracing import Tracing


class Hook:
    """The hook of one process. Forked children make it their own with ``adopt``."""

    def __init__(self, settings: Settings) -> None:
        self.tracing = Tracing(settings)
        self.record = Record()
        self.handlers = Handlers(settings.signal, self.signalled, self.child_ended)
        self.task_file: str | None = None
        """Where greenlets share threads: the file of the function that runs a task."""
        vitals.prepare()
        capture.prepare(in_place=not settings.fork or not fork.exact())
        self._become(Process("program"), settings)

    def _become(self, process: Process, settings: Settings) -> None:
        self.process = process
        self.pid = process.pid
        self.state = State(settings, self.tracing, self.handlers, process)
        self.ledger = self.state.ledger
        self.schedule = Schedule(settings)
        self.summary = Summary(settings.summary)
        self.answers = Answers()
        self.presence = Presence(self.state, self.record, self.answers, self.summary)
        self.captures = Captures(self.state, self.answers, self.presence, self.summary)
        self.tracing.inherit(process.started_at)

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
        self._become(process, self.state.settings)
        self.handlers.adopt()
        if self.tracing.start == "boot":
            self.state.arm(boot=True)
        self.listen()

    @property
    def settings(self) -> Settings:
        """Those that hold now."""
        return self.state.settings

    def take(self, settings: Settings) -> None:
        """Go by other settings from now on; the engine and the signal stay."""
        self.state.settings = settings
        self.schedule = Schedule(settings, self.ledger.done)
        self.captures.making.budget.setting = settings.light

    def leave(self) -> None:
        """The process is on its way out: a last snapshot if wanted, no child left behind.

        The record goes first: a pool child is killed when its main process ends, which may
        be before its last capture does (that one completes by itself).
        """
        if self.state.leaving:
            return
        self.state.leaving = True
        self.record.withdraw()
        self.captures.leave()

    # -- the engine -----------------------------------------------------------------

    def disarm(self) -> None:
        """Stop tracing again, if that is safe now; says what it did, in the log and the record."""
        self._switched(self.tracing.disarm(self.pid))

    def switch(self, name: str, nframe: int | None) -> None:
        """Track with that engine from now on; says what it did, in the log and the record."""
        self._switched(self.tracing.switch(self.pid, self.ledger.done, name, nframe))

    def _switched(self, note: str) -> None:
        self.ledger.armed(self.tracing.traced())
        self.answers.note = note
        say(logging.WARNING, note)
        self.presence.publish()

    def say_what_is_missing(self) -> None:
        """Say, a line each, why the engine is another one, and which compiled parts cannot be used."""
        self.tracing.say_engine()
        lost = parts.lost()
        if lost is not None:
            say(logging.WARNING, lost)

    # -- asked by others ------------------------------------------------------------

    def listen(self) -> None:
        """Tell by which ways this process can be asked now; where no signal gets through, or not before
        the next request, have a timer look into the letter box. Not from within the hook's own work,
        which blocks signals.
        """
        self.handlers.look_at_mask()
        presence = self.presence
        if not presence.watched and (self.handlers.waking() is None or watch.waits_outside()):
            presence.watched = watch.begin(self._watch)
        presence.tell_heard()
        presence.publish()

    def _watch(self, pid: int) -> bool:
        """A look of the timer's; False when there is nothing left to look for."""
        if self.state.leaving or pid != self.pid or os.getpid() != pid:
            return False
        self.look()
        if self.record.is_lost:
            self.presence.publish()
        if self.captures.under_way is not None:  # who hears of its end may not run for long
            self.captures.poll()
        return True

    def signalled(self, second: bool = False) -> bool:
        """A signal has arrived: do what was left in the letter box, else capture.

        ``second``: it was the one that only the console and this process itself send. True when
        somebody sent the first from outside: then others need to hear of it too. Whatever goes wrong (the
        interrupted code may be near the recursion limit) is made up for after the next task.
        """
        try:
            return self._signalled(second)
        except Exception as error:
            if is_theirs(error):
                raise
            self.handlers.missed = True
            return False

    def child_ended(self) -> None:
        """A child of this process has ended: look whether it was the capture's. Nothing of it goes out."""
        try:
            self.captures.poll()
        except Exception as error:
            if is_theirs(error):
                raise

    def _signalled(self, second: bool) -> bool:
        told = self.captures.is_told()
        if told or (second and self.captures.under_way is not None):
            self.captures.poll()
        if self.look(self.captures.take_noted()) or told or second:
            return False
        self.captures.fire("signal")
        self.process.work.tell_others()
        return True

    def look(self, noted: str | None = None) -> bool:
        """Do what was left in the letter box; ``noted`` is a trigger that is due as well.

        False when there was nothing to do. Costs two system calls.
        """
        requests = [] if self.state.leaving else self.record.take_requests()
        trigger = noted
        for identity, request in requests:
            if request in ("dump", "dump full"):
                self.captures.want(identity, full=request == "dump full")
                trigger = trigger or "dump"
            else:
                held(lambda: self._do(identity, request))  # noqa: B023 - called at once
        if trigger is not None:
            self.captures.fire(trigger)
        return bool(requests) or noted is not None

    def _do(self, identity: str, request: str) -> None:
        """``look``, ``stacks``, ``disarm`` or ``arm ENGINE [NFRAME]``, as the console leaves it in the letter box."""
        word, *rest = request.split()
        note = None
        try:
            if word == "look":
                self.presence.tell_heard()
            elif word == "stacks":
                self.answers.stacks = stacks.text()
            elif word == "disarm":
                self.disarm()
                note = self.answers.note
            elif word == "arm" and rest and rest[0] in engines.ENGINES:
                self.switch(rest[0], int(rest[1]) if len(rest) > 1 else None)
                note = self.answers.note
            else:
                raise ValueError("this version of leakhunt does not know that request")
            self.answers.answer(identity, note=note)
        except Exception as error:
            if is_theirs(error):
                raise
            problem = f"{request}: {type(error).__name__}: {error}"
            say(logging.ERROR, problem)
            self.answers.answer(identity, problem=problem)
        self.presence.publish()

    # -- tasks ----------------------------------------------------------------------

    def task_begins(self, name: str) -> None:
        """A task begins in this thread or greenlet: what it asks for is its own."""
        tracing, ledger = self.tracing, self.ledger
        ledger.begins(name, tracing.traced if tracing.armed_at is not None else None)
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
        tracing, ledger, captures = self.tracing, self.ledger, self.captures
        traced = tracing.traced if tracing.armed_at is not None else None
        done = ledger.count(name, traced, wall, cpu, failed, outer is not None)
        number = 0 if outer is None else ledger.number(outer)
        tracing.engine.end_task(number, done, self.task_file)
        if captures.under_way is not None:
            captures.poll()
        self.look()
        if self.record.is_lost:
            self.presence.publish()
        if self.handlers.missed:
            self.handlers.missed = False
            captures.fire_soon("signal")
        if self.summary.poll():
            self.presence.publish()
        if captures.failures < PATIENCE:
            trigger = self.schedule.after_task(done)
            if trigger is not None:
                captures.fire_soon(trigger)
