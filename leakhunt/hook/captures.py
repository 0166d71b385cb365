"""The captures of one process, one at a time: asked for, begun, under way, ended, answered.

Every entry is safe in a signal handler and in any thread, and lets nothing out: the task under way must not
notice.
"""

from __future__ import annotations

import logging
import threading
import time

from leakhunt import units
from leakhunt.errors import CaptureError
from leakhunt.hook.answers import Answers
from leakhunt.hook.capture import capture
from leakhunt.hook.capture.order import Order, Outcome
from leakhunt.hook.log import say
from leakhunt.hook.making import Making
from leakhunt.hook.presence import Presence
from leakhunt.hook.quiet import held, is_theirs
from leakhunt.hook.state import State
from leakhunt.hook.summary import Summary

#: After that many failures in a row, triggers that nobody asked for (every N
#: tasks, RSS) stay quiet; a signal is always tried.
PATIENCE = 3
#: A capture whose child found a lock taken that it needs is tried again so often.
TRIES = 5
#: How long an exiting process waits for its captures, in all: containers are given 10 s.
FAREWELL = 4.0


class Captures:
    """Of one process: made anew in each."""

    def __init__(
        self, state: State, answers: Answers, presence: Presence, summary: Summary
    ) -> None:
        self._state = state
        self._answers = answers
        self._presence = presence
        self._summary = summary
        self.making = Making(state)
        self.under_way: capture.Capture | None = None
        self.failures = 0
        """In a row."""
        self._pending: str | None = None
        """The trigger of the next one."""
        self._noted: str | None = None
        """A trigger that another thread has left for the main one."""
        self._missed = False
        self._tries = 0
        """Captures in a row that failed by the moment's fault."""
        self.exiting: list[int] = []
        """Children of captures that have told, and were still exiting when they were looked at last."""
        # Made here: another thread of the parent may hold the one that a fork would leave.
        self._lock = threading.RLock()

    # -- asked for ------------------------------------------------------------------

    def want(self, request: str, full: bool) -> None:
        """The next capture to begin answers that request; ``full``: it walks the whole heap."""
        self.making.full = self.making.full or full
        self._answers.wait(request)

    def fire_soon(self, trigger: str) -> None:
        """Capture in the main thread if there is a way to wake it: only the main thread
        can be told when the forked child ends. Else capture in this one.
        """
        self._noted = self._noted or trigger
        if not self._state.handlers.wake_main():
            self._noted = None
            self.fire(trigger)

    def take_noted(self) -> str | None:
        """What :meth:`fire_soon` has left for the main thread; once."""
        noted, self._noted = self._noted, None
        return noted

    def fire(self, trigger: str) -> None:
        """Capture now, or once more after the capture under way. Never raises, never waits.

        Of several that meet a capture under way, the first gives the next one its name.
        """
        if self._state.leaving:
            return
        self._pending = self._pending or trigger
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
            self.exiting = [pid for pid in self.exiting if not capture.is_gone(pid)]
            under_way = self.under_way
            if under_way is not None:
                self._reap(under_way.told() if under_way.is_told() else under_way.poll())
                if under_way.exiting:
                    self.exiting.append(under_way.pid)
            if self.under_way is None and self._pending is not None and not self._state.leaving:
                self._begin(self._pending)
            if self.under_way is None:  # not after the lock: the next may have begun by then
                self._state.handlers.release_child()
        except Exception as error:
            if is_theirs(error):
                raise
            self._failed(f"no snapshot: {type(error).__name__}: {error}")
        finally:
            self._lock.release()
        return True

    def is_at_work(self) -> bool:
        """Whether this very thread is capturing: a handler or a finalizer runs on top of that."""
        return bool(self._lock._is_owned())  # type: ignore[attr-defined]

    def is_told(self) -> bool:
        """Whether the capture under way has told what became of it."""
        under_way = self.under_way
        return under_way is not None and under_way.is_told()

    def dump(self, trigger: str = "code") -> str:
        """Capture and wait for the file; returns its path. Raises CaptureError."""
        try:
            return self._dump(trigger)
        except CaptureError:
            raise
        except Exception as error:
            if is_theirs(error):
                raise
            raise CaptureError(f"no snapshot: {type(error).__name__}: {error}") from error

    def _dump(self, trigger: str) -> str:
        if self.is_at_work():
            raise CaptureError(
                "no snapshot: this thread is taking one, which a signal handler or a finalizer has "
                "interrupted to ask for another"
            )
        with self._lock:
            if self.under_way is not None:
                self._reap(self.under_way.wait())
            self._answers.last = None
            held(lambda: self._begin(trigger))
            while self.under_way is not None:
                self._reap(self.under_way.wait())
                if self._answers.last is None and self._pending is not None:
                    held(lambda: self._begin(self._pending or "code"))
            outcome = self._answers.last
        if self._missed or self._pending is not None:  # a signal came meanwhile
            self.poll()
        if outcome is None or outcome.path is None:
            raise CaptureError(outcome.problem if outcome and outcome.problem else "no snapshot")
        return outcome.path

    # -- the end of the process -----------------------------------------------------

    def leave(self) -> None:
        """A last snapshot if wanted, no child left behind: nothing begins after that."""
        until = time.monotonic() + FAREWELL
        if self.is_at_work() or not self._lock.acquire(timeout=FAREWELL):
            say(
                logging.WARNING,
                "the process ends while one of its threads waits for a capture, which goes on alone",
            )
            return
        try:
            self._pending = None
            self._part(until)
            if self._state.settings.at_exit and self.under_way is None:
                self._begin("exit")
                self._part(until)
        except Exception as error:  # noqa: BLE001 - the worker's guard
            self._failed(f"no snapshot: {type(error).__name__}: {error}")
        finally:
            self._lock.release()

    def _part(self, until: float) -> None:
        """Wait for the capture under way until then; what is not done goes on without us."""
        if self.under_way is None:
            return
        path = self.under_way.order.path
        outcome = self.under_way.abandon(until - time.monotonic())
        if outcome is None:
            say(
                logging.WARNING,
                f"the process ends before its capture is done, which goes on alone: {path}",
            )
        self._reap(outcome)

    # -- one capture ----------------------------------------------------------------

    def _begin(self, trigger: str) -> None:
        began = time.monotonic()
        self._pending = None
        self._answers.begin()
        baseline = self._state.arm()
        try:
            begun = self.making.begin(trigger, baseline, began)
            if isinstance(begun, Outcome):
                self._reap(begun)
            else:
                self.under_way = begun
        except CaptureError as error:
            self._failed(str(error))
        if self.under_way is None:
            self._state.handlers.release_child()
        if baseline:
            self._state.tracing.say_armed(self._state.process.pid)
            self._presence.publish()

    def _once_more(self, order: Order) -> None:
        """Whoever waits for that capture is answered by the next."""
        self._answers.again()
        self._pending = self._pending or order.facts["trigger"]

    def _reap(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        order = self.under_way.order if self.under_way is not None else None
        self.under_way = None
        if outcome.refused and order is not None:
            self.making.refused_light(f"a light one could not be made: {outcome.problem}")
            self._once_more(order)
            return
        if outcome.again and order is not None and self._tries < TRIES:
            self._tries += 1
            self._once_more(order)
            return
        self._tries = 0
        if outcome.walking:
            self.making.walks = False  # the objects of this process cannot be walked over
        if outcome.path is None:
            self._failed(outcome.problem or "no snapshot")
            return
        if self.making.forks and order is not None:  # a light one was the first answer
            self._pending = self._pending or order.facts["trigger"]
            self.making.shares = outcome.shares
        self.failures = 0
        self._answers.written(outcome.path, outcome)
        self._presence.tell_heard()
        self._summary.poll()
        self._presence.publish()
        state = self._state
        self._summary.captured(str(state.series), str(state.settings.dir), state.process.groups)
        say(
            logging.INFO,
            f"wrote {outcome.path} ({units.size(outcome.size)}, {units.counted(outcome.blocks, 'block')})"
            + (f"; left out: {outcome.without}" if outcome.without else ""),
        )

    def _failed(self, problem: str) -> None:
        self.failures += 1
        self.making.forks = False
        self._answers.failed(problem)
        settings = self._state.settings
        quiet = self.failures == PATIENCE and (settings.every or settings.judges_rss)
        note = (
            "; snapshots every N tasks and by RSS are off until a signal succeeds" if quiet else ""
        )
        say(logging.ERROR, f"{problem}{note}")
        self._presence.publish()
