"""Which snapshots fall due without being asked for: every N tasks, and by RSS."""

from __future__ import annotations

import random
import time

from leakhunt.hook.config import Settings
from leakhunt.hook.process import vitals

#: RSS is read after a task at most this often, in seconds.
RSS_INTERVAL = 0.05


class Schedule:
    """Of one process: made anew in each."""

    def __init__(self, settings: Settings, done: int = 0) -> None:
        self._settings = settings
        self.due = self._next_due(done)
        self._rss_mark: int | None = None
        self._rss_crossed = False
        self._rss_read_at = 0.0

    def after_task(self, done: int) -> str | None:
        """The trigger that the end of a process's ``done``-th task pulls; the rarest of several."""
        trigger = None
        if self.due and done >= self.due:
            self.due = self._next_due(done)
            trigger = "tasks"
        by_rss = self._judge_rss() if self._settings.judges_rss else None
        return by_rss or trigger

    def _next_due(self, done: int) -> int:
        """The task after which the next snapshot is due: up to an eighth before a multiple.

        The spacing is jittered by an eighth, because evenly spaced snapshots can
        make a sawtooth (a buffer flushed every 500 tasks) look like a straight line.
        """
        every = self._settings.every
        if not every:
            return 0
        # A snapshot taken early belongs to the multiple that it precedes.
        multiple = (done + every // 8) // every + 1
        return multiple * every - (random.randrange(every // 8 + 1) if done else 0)

    def _judge_rss(self) -> str | None:
        now = time.monotonic()
        if now - self._rss_read_at < RSS_INTERVAL:
            return None
        self._rss_read_at = now
        rss = vitals.rss()
        if rss is None:
            return None
        trigger = None
        limit, step = self._settings.rss, self._settings.rss_step
        if limit is not None:
            if rss > limit and not self._rss_crossed:
                self._rss_crossed = True
                trigger = "rss"
            elif rss < limit * 0.9:
                self._rss_crossed = False
        if step is not None:
            if self._rss_mark is None:
                self._rss_mark = rss
            elif rss - self._rss_mark >= step:
                self._rss_mark = rss
                trigger = trigger or "rss-step"
        return trigger
