"""Who waits for an answer, and what each was told: the record of the process tells it.

A request that wants a snapshot waits for the next capture to begin, then for that one's end; one that wants
something else is answered at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from leakhunt.hook.capture.order import Outcome
from leakhunt.hook.letterbox import ANSWERS, LONGEST_TEXT, Answer
from leakhunt.hook.process import vitals


class Answers:
    """Of one process: made anew in each. Requests are named as the letter box names them."""

    def __init__(self) -> None:
        self._asked: list[str] = []
        """Requests that the next capture to begin will answer."""
        self._serving: list[str] = []
        """Those that the capture under way answers."""
        self._told: list[Answer] = []
        self.captures = 0
        """How many have ended, with a file or without."""
        self.first: tuple[float, int] | None = None
        """When the first snapshot was there, in seconds since the epoch, and RSS then in bytes."""
        self.last: Outcome | None = None
        """What became of the last one."""
        self.note: str | None = None
        """What was done to the engine when that was asked last."""
        self.stacks: str | None = None
        """Where its threads stood when that was asked last."""

    def wait(self, request: str) -> None:
        """It wants a snapshot."""
        self._asked.append(request)

    def begin(self) -> None:
        """A capture begins: it answers those that wait for one now."""
        self._serving, self._asked = self._asked, []

    def again(self) -> None:
        """Whoever waits for the capture under way is answered by the next."""
        self._asked, self._serving = [*self._serving, *self._asked], []

    def written(self, path: str, outcome: Outcome) -> None:
        """The capture has left that file."""
        self.last = outcome
        self.captures += 1
        if self.first is None and (rss := vitals.rss()) is not None:
            self.first = time.time(), rss
        self._tell(self._serving, os.path.basename(path))
        self._serving = []

    def failed(self, problem: str) -> None:
        """There is no snapshot. Whatever went wrong before a capture began answers those who wait for
        it as well.
        """
        self.last = Outcome(None, problem)
        self.captures += 1
        self._tell([*self._serving, *self._asked], problem=problem)
        self._serving, self._asked = [], []

    def answer(self, request: str, problem: str | None = None, note: str | None = None) -> None:
        """One that wants no snapshot is told what went wrong, or what was done."""
        self._tell([request], problem=problem, note=note)

    def _tell(
        self,
        requests: Sequence[str],
        file: str | None = None,
        problem: str | None = None,
        note: str | None = None,
    ) -> None:
        problem, note = (text and text[:LONGEST_TEXT] for text in (problem, note))
        told = [(request, file, problem, note) for request in requests]
        self._told = [*self._told, *told][-ANSWERS:]

    def published(self) -> dict[str, Any]:
        """What the record of the process says of it."""
        return {
            "captures": self.captures,
            "first_at": self.first[0] if self.first else None,
            "first_rss": self.first[1] if self.first else None,
            "answers": self._told,
            "note": self.note,
            "stacks": self.stacks,
            "path": self.last.path if self.last else None,
            "problem": self.last.problem if self.last else None,
        }
