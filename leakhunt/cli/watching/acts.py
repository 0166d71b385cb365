"""What a watch does of itself: snapshots of what grows, and a command when something becomes critical."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leakhunt.errors import LeakhuntError, NotHookedError, SettingError
from leakhunt.hook.process import alive
from leakhunt.live import processes, requests
from leakhunt.model.process import Identity, Process
from leakhunt.report.watch import WatchReport

if TYPE_CHECKING:
    from leakhunt.live import remote


def dumping(home: Path, fleet: remote.Fleet | None) -> Callable[[Process], None]:
    """Asks a process for a snapshot and does not wait. Raises LeakhuntError, OSError."""

    def dump(process: Process) -> None:
        node = process.celery.node if process.celery else None
        if fleet is None:
            requests.ask(processes.one(home, process.pid), "dump")
        elif node is not None:
            _, problems = fleet.dump([process.pid], [node])
            if problems:
                raise LeakhuntError(problems[0])

    return dump


class Acts:
    """What each look gives occasion to, and what has been done by then."""

    def __init__(
        self,
        dump: Callable[[Process], None],
        above: int | None,
        every: float | None,
        command_line: str | None,
    ) -> None:
        self._dump, self._above, self._every = dump, above, every
        self._command = _words(command_line) if command_line else None
        self._crossed: set[Identity] = set()
        self._critical: set[Identity] = set()
        self._last = time.monotonic()
        self._started: list[subprocess.Popen[bytes]] = []

    def act(self, seen: WatchReport) -> None:
        present = {line.process.identity for line in seen.lines}
        self._crossed &= present
        self._critical &= present
        timed = self._every is not None and time.monotonic() - self._last >= self._every
        if timed:
            self._last = time.monotonic()
        for line in seen.lines:
            process, rss = line.process, line.process.memory.rss or 0
            if process.hooked and (timed or self._has_crossed(process, rss)):
                try:
                    self._dump(process)
                except (OSError, LeakhuntError) as error:
                    has_ended = isinstance(error, NotHookedError) and not alive.runs(
                        process.pid, process.identity.start
                    )
                    if not has_ended:  # since the look: they come and go
                        click.echo(f"leakhunt: {error}", err=True)
            if line.level == "critical" and process.identity not in self._critical:
                self._critical.add(process.identity)
                self._run(process)
            elif line.level != "critical":
                self._critical.discard(process.identity)
        self.reap()

    def _has_crossed(self, process: Process, rss: int) -> bool:
        """Once, and again after it has fallen by a tenth."""
        if self._above is None:
            return False
        if rss > self._above and process.identity not in self._crossed:
            self._crossed.add(process.identity)
            return True
        if rss < 0.9 * self._above:
            self._crossed.discard(process.identity)
        return False

    def _run(self, process: Process) -> None:
        if self._command is None:
            return
        node = (process.celery.node if process.celery else None) or ""
        variables = {
            "WATCH_PID": str(process.pid),
            "WATCH_RSS": str(process.memory.rss or 0),
            "WATCH_NODE": node,
        }
        try:
            self._started.append(
                subprocess.Popen(
                    self._command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL
                )
            )
        except OSError as error:
            click.echo(f"leakhunt: --exec {self._command[0]}: {error.strerror}", err=True)

    def reap(self) -> None:
        """Forget the commands that have ended."""
        self._started = [started for started in self._started if started.poll() is None]


def _words(command_line: str) -> list[str]:
    """As a shell splits it. Raises SettingError where it is no command."""
    try:
        words = shlex.split(command_line)
    except ValueError as error:
        raise SettingError(f"--exec {command_line}: {error}") from error
    if not words:
        raise SettingError("--exec: give a command")
    return words
