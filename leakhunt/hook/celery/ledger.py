"""The per-task ledger: how often each task ran in this process and what it kept."""

from __future__ import annotations

from collections.abc import Callable


class Ledger:
    """Counts finished tasks by name; cheap enough for every task.

    ``kept`` is the growth of the engine's traced memory from the end of the task
    before to the end of this one, summed per name: it charges a task with what it
    left behind, and with what the worker itself did in between. It is only kept
    where tasks run one at a time.
    """

    def __init__(self, alone: bool = True) -> None:
        self.alone = alone
        self.done = 0
        self._runs: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._traced: int | None = None

    def count(self, name: str, traced: Callable[[], int | None] | None) -> int:
        """Book one finished task; returns how many are done."""
        self.done += 1
        self._runs[name] = self._runs.get(name, 0) + 1
        if traced is not None and self.alone:
            now = traced()
            if now is not None and self._traced is not None:
                self._kept[name] = self._kept.get(name, 0) + now - self._traced
            self._traced = now
        return self.done

    def armed(self, traced: int | None) -> None:
        """Tracing has just begun (or ended: None): differences start here."""
        self._traced = traced
        self._kept.clear()

    def facts(self) -> dict[str, dict[str, int | None]]:
        """{task name: {"runs": int, "kept": bytes or None}}."""
        return {
            name: {"runs": runs, "kept": self._kept.get(name)}
            for name, runs in list(self._runs.items())
        }
