"""``leakhunt watch``: memory of processes over time, with growth, limits and thresholds."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click

from leakhunt.cli.options import Duration, Size, folder_option, screen, show
from leakhunt.errors import LeakhuntError
from leakhunt.live import processes, tree
from leakhunt.live.history import History
from leakhunt.model.process import Identity, Machine, Process
from leakhunt.report import watch as report
from leakhunt.report.watch import Limits, Sample, WatchReport
from leakhunt.snapfile import folders

COLUMNS = (
    "timestamp", "pid", "rss", "vms", "uss", "pss", "swap", "tasks", "node", "role", "started_at",
)  # fmt: skip


@click.command(name="watch")
@click.argument("pids", metavar="[PID]...", nargs=-1, type=click.IntRange(min=1))
@click.option("--interval", type=Duration(), default="10s", metavar="TIME", show_default=True,
              help="Between two looks.")  # fmt: skip
@click.option(
    "--for", "length", type=Duration(), metavar="TIME", help="Stop after that time, with a verdict."
)
@click.option("--once", is_flag=True, help="One look.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end.")
@click.option("--csv", "csv_path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Append every look to FILE, a row per process.")  # fmt: skip
@click.option(
    "--limit",
    type=Size(),
    metavar="SIZE",
    help="RSS that a process must not reach [--max-memory-per-child].",
)
@click.option(
    "--warning",
    type=Size(),
    metavar="SIZE",
    help="RSS from which it is shown in yellow [80 % of the limit].",
)
@click.option(
    "--critical",
    type=Size(),
    metavar="SIZE",
    help="RSS from which it is critical [95 % of the limit].",
)
@click.option(
    "--snapshot-above",
    type=Size(),
    metavar="SIZE",
    help="Dump a hooked process when its RSS exceeds SIZE.",
)
@click.option(
    "--snapshot-every",
    type=Duration(),
    metavar="TIME",
    help="Dump the hooked processes that often.",
)
@click.option("--exec", "command_line", metavar="COMMAND",
              help="Run this when a process becomes critical (WATCH_PID, WATCH_RSS, WATCH_NODE are set).")  # fmt: skip
@folder_option
def command(
    pids: tuple[int, ...],
    interval: float,
    length: float | None,
    once: bool,
    as_json: bool,
    csv_path: Path | None,
    limit: int | None,
    warning: int | None,
    critical: int | None,
    snapshot_above: int | None,
    snapshot_every: float | None,
    command_line: str | None,
    folder: str | None,
) -> None:
    """Watch the memory of Celery processes (or of PIDs and their children) as it goes on.

    Growth is that of RSS, with a 95 % interval; the time until the limit is told where growth
    is sure. Processes may come and go. Ctrl-C ends it with a sentence for each process. Exits
    3 when a process is critical at the end.

    \b
    Examples:
      leakhunt watch
      leakhunt watch 4242 --for 10m --csv memory.csv
      leakhunt watch --limit 400MiB --snapshot-above 300MiB --exec 'notify-oncall'
    """
    home = folders.state_dir(folder)
    watching = Watching(home, pids, Limits(limit, warning, critical))
    acts = Acts(home, snapshot_above, snapshot_every, command_line)
    began = time.monotonic()
    end = began + (0 if once else length if length is not None else float("inf"))
    last = False
    with _table(csv_path) as rows, _screen(once or as_json) as draw, suppress(KeyboardInterrupt):
        while not last:
            due = time.monotonic() + interval
            last = once or time.monotonic() >= end
            seen = watching.look()
            _write(rows, seen)
            acts.act(seen)
            draw(seen)
            if not last:
                time.sleep(max(0.0, min(due, end) - time.monotonic()))
    made = watching.made(over=not once)
    show(made, "json" if as_json else "table")
    acts.reap()
    if made.critical:
        sys.exit(3)


class Watching:
    """The processes that are watched, from the first look to the last."""

    def __init__(self, home: Path, pids: Sequence[int], limits: Limits) -> None:
        self._home, self._pids, self._limits = home, frozenset(pids), limits
        self._history: History[Sample] = History()
        self._seen: list[Process] = []
        self._since = time.time()
        self._machine = tree.machine()

    def look(self, over: bool = False) -> WatchReport:
        """Look now."""
        found = tree.celery_processes(self._home)
        self._machine = tree.machine()
        self._seen = [p for p in found if not self._pids or self._is_meant(p)]
        now = self._machine.now
        self._history.observe(
            [(p, Sample(now, p.memory, p.pulse.done if p.pulse else None)) for p in self._seen]
        )
        return self.made(over)

    def made(self, over: bool = False) -> WatchReport:
        lines = [
            report.line(process, self._history.samples[process.identity], self._limits)
            for process in self._seen
        ]
        machine: Machine = self._machine
        return report.watch(
            machine, min(self._since, machine.now), lines, self._history.ended, over
        )

    def _is_meant(self, process: Process) -> bool:
        return process.pid in self._pids or process.parent in self._pids


class Acts:
    """What is done of itself: snapshots, and the command on critical."""

    def __init__(
        self, home: Path, above: int | None, every: float | None, command_line: str | None
    ) -> None:
        self._home, self._above, self._every = home, above, every
        self._command = shlex.split(command_line) if command_line else None
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
                self._dump(process)
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

    def _dump(self, process: Process) -> None:
        try:
            processes.ask(processes.one(self._home, process.pid), "dump")
        except (OSError, LeakhuntError) as error:
            click.echo(f"leakhunt: {error}", err=True)

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


@contextmanager
def _table(path: Path | None) -> Iterator[tuple[Any, TextIO] | None]:
    """The CSV file, with its header if it is new."""
    if path is None:
        yield None
        return
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(COLUMNS)
        yield writer, file


def _write(rows: tuple[Any, TextIO] | None, seen: WatchReport) -> None:
    if rows is None:
        return
    writer, file = rows
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seen.machine.now))
    for line in seen.lines:
        process, memory = line.process, line.process.memory
        writer.writerow([
            now, process.pid, memory.rss, memory.vms, memory.uss, memory.pss, memory.swap,
            process.pulse.done if process.pulse else None,
            process.celery.node if process.celery else None, process.role, process.started_at,
        ])  # fmt: skip
    file.flush()


@contextmanager
def _screen(quiet: bool) -> Iterator[Any]:
    """Draws each look in place of the one before, on a terminal; elsewhere nothing."""
    if quiet or not sys.stdout.isatty():
        yield lambda seen: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from leakhunt.render import formats
    from leakhunt.render.screen import TABLE

    console = Console(highlight=False, markup=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def draw(seen: WatchReport) -> None:
            text = Text.from_ansi(formats.text(seen, TABLE, screen()))
            lines = text.split("\n")
            live.update(Text("\n").join(lines[: max(1, console.height - 1)]), refresh=True)

        yield draw
