"""What ``leakhunt watch`` does besides drawing: looks, verdicts, snapshots, a command, files, metrics."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from leakhunt.errors import LeakhuntError, NotHookedError, SettingError
from leakhunt.hook.process import alive
from leakhunt.live import processes, requests, tree
from leakhunt.live.rounds import Rounds
from leakhunt.live.sightings import Sightings
from leakhunt.model.process import Identity, Machine, Process
from leakhunt.report import watch as report
from leakhunt.report.watch import Limits, Sample, WatchReport
from leakhunt.report.words import fleet as words
from leakhunt.snapfile import SUFFIX

if TYPE_CHECKING:
    from leakhunt.live import remote

COLUMNS = (
    "timestamp", "pid", "rss", "vms", "uss", "pss", "swap", "tasks", "node", "role", "started_at",
)  # fmt: skip
#: A worker that does not answer is shown as it was for so many looks.
PATIENCE = 3
#: The part of the time that verdicts may take, and the bytes of a series above which there is none.
SHARE, LARGEST = 0.005, 64 << 20
#: Seconds that they may take once the watching is over.
LAST = 20.0


class Seen(NamedTuple):
    """One look."""

    processes: list[Process]
    machine: Machine
    notes: tuple[str, ...] = ()
    old: frozenset[Identity] = frozenset()
    """Those that are as they were at an earlier look."""


Look = Callable[[], Seen]


def here(home: Path, pids: Sequence[int], every: bool = False) -> Look:
    """The processes of this host; with ``pids``, only those and their children, whatever they are.

    A capture's copy of a process is left out: it is as large as what it copies, and gone in a moment.
    ``every``: each of them is looked at closely each time, and not in turn. Raises NotHookedError for a pid of none.
    """
    for pid in pids:
        if not alive.runs(pid):
            raise processes.nobody(pid)
    meant, rounds = frozenset(pids), None if every else Rounds()

    def look() -> Seen:
        running = tree.celery_processes(home, rounds=rounds, also=meant)
        present = [p for p in running if _is_meant(p, meant) and not p.is_copy]
        return Seen(present, tree.machine())

    return look


def afar(fleet: remote.Fleet, pids: Sequence[int]) -> Look:
    """Those of an app's workers, as they answer; one that does not is shown as it was, and then no more."""
    meant = frozenset(pids)
    by_host: dict[str, tuple[list[Process], int]] = {}

    def look() -> Seen:
        answers = fleet.look()
        answered: dict[str, tuple[list[Process], int]] = {
            node: ([], 0) for host in answers.hosts for node in host.nodes
        }
        for host in answers.hosts:
            for process in host.processes:
                node = process.celery.node if process.celery else None
                if node in answered and _is_meant(process, meant):
                    answered[node][0].append(process)
        for node, (last, missed) in list(by_host.items()):
            if node not in answered:
                if missed + 1 > PATIENCE:
                    del by_host[node]
                else:
                    by_host[node] = last, missed + 1
        by_host.update(answered)
        machines = [host.machine for host in answers.hosts]
        # Several hosts have no memory in common, and their clocks need not agree with this one.
        total = machines[0].total if len(machines) == 1 else None
        notes = [words.missing(node, missed) for node, (_, missed) in by_host.items() if missed]
        notes += [words.refused(node, why) for node, why in answers.refused.items()]
        unread = sum(p.memory.pss is None for present, _ in by_host.values() for p in present)
        if unread:
            notes.append(words.unread(unread))
        told = {*by_host, *answers.refused}
        notes += [words.silent(node) for node in fleet.silent(told)]
        if not told:
            notes.append(words.nobody(fleet.name))
        return Seen(
            [process for seen_there, _ in by_host.values() for process in seen_there],
            Machine(total, sum(machine.cores for machine in machines) or 1, time.time()),
            tuple(notes),
            frozenset(
                p.identity for seen_there, missed in by_host.values() if missed for p in seen_there
            ),
        )

    return look


def _is_meant(process: Process, pids: frozenset[int]) -> bool:
    return not pids or process.pid in pids or process.parent in pids


class Watching:
    """The processes that are watched, from the first look to the last."""

    def __init__(self, look: Look, limits: Limits, judge: bool) -> None:
        """``judge``: whether snapshots are judged meanwhile."""
        self._look, self._limits = look, limits
        self._sightings: Sightings[Sample] = Sightings()
        self._verdicts = Verdicts() if judge else None
        self._since = time.time()
        self._seen = Seen([], Machine(None, 1, self._since))

    def look(self) -> WatchReport:
        """Look now."""
        self._seen = seen = self._look()
        now = seen.machine.now
        self._sightings.observe(
            [
                (
                    p,
                    None
                    if p.identity in seen.old
                    else Sample(now, p.memory, p.pulse.done if p.pulse else None),
                )
                for p in seen.processes
            ]
        )
        if self._verdicts is not None:
            self._verdicts.look(seen.processes)
        return self.made()

    def finish(self) -> None:
        """The time is over: whatever has snapshots that nobody has judged yet gets its verdict."""
        if self._verdicts is not None:
            self._verdicts.finish(self._seen.processes)

    def made(self, over: bool = False) -> WatchReport:
        """What has been seen so far."""
        lines = [
            report.line(
                process,
                self._sightings.samples[process.identity],
                self._limits,
                self._verdicts.of(process) if self._verdicts else None,
                self._sightings.before.get(process.identity, ()),
            )
            for process in self._seen.processes
        ]
        machine = self._seen.machine
        return report.watch(
            machine, min(self._since, machine.now), lines, self._sightings.ended, over,
            self._sightings.replaced, self._seen.notes,
        )  # fmt: skip


class Verdicts:
    """The newest verdict of each process that has snapshots, judged one at a time and within a share of
    the time: a watch must cost nothing to speak of.
    """

    def __init__(self) -> None:
        self._known: dict[Identity, tuple[str, str | None]] = {}
        """Per process the newest file that was judged, and what came of it."""
        self._due = 0.0

    def of(self, process: Process) -> str | None:
        return self._known.get(process.identity, ("", None))[1]

    def look(self, present: Sequence[Process]) -> None:
        """Judge one process that has a snapshot more than it was judged by, if it is time."""
        identities = {process.identity for process in present}
        self._known = {who: told for who, told in self._known.items() if who in identities}
        began = time.monotonic()
        if began >= self._due and any(self._judge(process) for process in present):
            self._due = time.monotonic() + (time.monotonic() - began) / SHARE

    def finish(self, present: Sequence[Process]) -> None:
        """Judge those that have waited for their turn, one after the other while there is time."""
        end = time.monotonic() + LAST
        for process in present:
            if time.monotonic() < end:
                self._judge(process)

    def _judge(self, process: Process) -> bool:
        """Whether it had a snapshot more than it was judged by."""
        newest, size = _newest(process.series)
        if newest is None or self._known.get(process.identity, ("",))[0] == newest:
            return False
        verdict = None
        if size <= LARGEST:
            # All of the analysis: not before there is a snapshot.
            from leakhunt.cli import judging

            with suppress(LeakhuntError, OSError):
                asked = judging.Asked(limit=1)
                verdict = judging.look([str(process.series)], asked, quiet=True).verdict.verdict
        self._known[process.identity] = newest, verdict
        return True


def _newest(series: str | None) -> tuple[str | None, int]:
    """The newest snapshot of a series, and the bytes of all."""
    size, names = 0, []
    if series is not None:
        with suppress(OSError), os.scandir(series) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                    names.append(entry.name)
                    size += entry.stat().st_size
    return max(names, default=None), size


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
    """What is done of itself: snapshots, and the command on critical."""

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
                    has_ended = isinstance(error, NotHookedError) and not alive.runs(process.pid)
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


# -- where looks are written ----------------------------------------------------------------


@contextmanager
def table(path: Path | None) -> Iterator[Callable[[WatchReport], None]]:
    """Appends each look to a CSV file, with its header if it is new."""
    if path is None:
        yield lambda seen: None
        return
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(COLUMNS)
        yield lambda seen: _write(writer, file, seen)


def _write(writer: Any, file: TextIO, seen: WatchReport) -> None:
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
def metrics(address: str | None, textfile: Path | None) -> Iterator[Callable[[WatchReport], None]]:
    """Publishes each look over HTTP and in a file, as far as asked. Raises SettingError."""
    if address is None and textfile is None:
        yield lambda seen: None
        return
    try:
        from leakhunt.render import prometheus
    except ImportError as error:
        raise SettingError(
            "metrics need the package prometheus-client: pip install 'leakhunt[prometheus]'"
        ) from error
    collector = prometheus.Collector()
    server = _served(address, prometheus.registry(collector)) if address is not None else None

    def publish(seen: WatchReport) -> None:
        collector.latest = seen
        if textfile is not None:
            _replace(textfile, prometheus.text(seen))

    try:
        yield publish
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


def _served(address: str, registry: Any) -> Any:
    """The HTTP server at ``:PORT`` or ``HOST:PORT``; None where an old client tells of none."""
    from prometheus_client import start_http_server

    host, _, port = address.rpartition(":")
    is_number = port.isdecimal() and port.isascii() and len(port) <= 5
    if not is_number or int(port) > 65535:
        raise SettingError(f"--prometheus {address}: give a port, as :9898, or 127.0.0.1:9898")
    try:
        started = start_http_server(
            int(port), addr=host.strip("[]") or "0.0.0.0", registry=registry
        )
    except OSError as error:
        raise SettingError(f"--prometheus {address}: {error.strerror or error}") from error
    return started[0] if isinstance(started, tuple) else None


def _replace(path: Path, content: bytes) -> None:
    """Whoever reads the file sees the old look or the new one, and nothing between."""
    torn = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torn.write_bytes(content)
        torn.chmod(0o644)  # node_exporter is another user
        torn.replace(path)
    except OSError as error:
        with suppress(OSError):
            torn.unlink()
        raise type(error)(error.errno, error.strerror, str(path)) from error
