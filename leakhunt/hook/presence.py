"""How a process shows itself to the console, and by which ways it hears: its record, and who has its signal."""

from __future__ import annotations

import logging

from leakhunt.errors import LeakhuntError
from leakhunt.hook.answers import Answers
from leakhunt.hook.letterbox import Record
from leakhunt.hook.log import say
from leakhunt.hook.quiet import is_theirs
from leakhunt.hook.signals import HEARD
from leakhunt.hook.state import State
from leakhunt.hook.summary import Summary


class Presence:
    """Of one process: made anew in each."""

    def __init__(self, state: State, record: Record, answers: Answers, summary: Summary) -> None:
        self._state = state
        self._record = record
        self._answers = answers
        self._summary = summary
        self.heard = HEARD
        self.watched = False
        """Whether a timer looks into the letter box, because no signal is heard, or not at once."""
        self.unwritable: str | None = None
        """Why nothing can be written, as the last try to publish the record has shown."""

    def tell_heard(self) -> None:
        """Note who has the signal; says it in the log where that has changed for the worse."""
        before, self.heard = self.heard, self._state.handlers.heard()
        if self.heard not in (before, HEARD):
            pid = self._state.process.pid
            say(
                logging.WARNING,
                f"{self._state.settings.signal_name} is not heard in process {pid}: "
                f"{self._silence()}; `leakhunt dump {pid}` asks it all the same",
            )

    def _silence(self) -> str:
        """Why the signal is not heard, in words."""
        return {
            "blocked": "a signal mask holds it back",
            "taken": f"it was taken by {self.heard.by}",
        }.get(self.heard.state, "the hook's handler is not there")

    def publish(self) -> None:
        """Write the record by which the console finds this process; says why if it cannot. Never raises."""
        state = self._state
        if state.leaving:
            return
        self.unwritable = None
        try:
            second = state.handlers.second if state.handlers.hears_second() else None
            self._record.publish(
                state.settings.dir,
                {
                    **state.process.who(),
                    "main": state.process.main,
                    "signal": state.settings.signal,
                    "second": second,
                    "heard": self.heard.state,
                    "taken_by": self.heard.by,
                    "looks": "timer" if self.watched else state.process.work.looks,
                    **state.tracing.published(),
                    "series": str(state.series),
                    "verdict": self._summary.verdict,
                    "summary": self._summary.sentence,
                    **self._answers.published(),
                },
            )
        except Exception as error:
            if is_theirs(error):
                raise
            if isinstance(error, OSError):
                self.unwritable = error.strerror or str(error)
            elif isinstance(error, LeakhuntError):
                self.unwritable = str(error)
            else:
                self.unwritable = f"{type(error).__name__}: {error}"
            say(logging.ERROR, f"cannot record this process: {self.unwritable}")
