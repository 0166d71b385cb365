"""A real worker for a test: started, watched, fed, and stopped cleanly."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeVar

import celery
import psutil
import pytest
from celery.bin.worker import worker as worker_command

from leakhunt.engine import choice as engines
from leakhunt.hook import letterbox
from leakhunt.hook.celery.outbox import deliver
from tests.support import consoles
from tests.support.places import ROOT

APPS = Path(__file__).parent / "apps"
#: Generous: the machine may be busy. What is waited for is an event.
PATIENCE = 120.0
#: After so many seconds a program that ends by itself is said to hang: before pytest ends the test.
HANGS = 400.0

#: ``pytest --engine``: what every worker uses that a test says nothing else about.
ENGINE: str | None = None
#: What commands of a test are forked from; where nobody has started it (tests/live/conftest.py), each is a Python of its
#: own.
CONSOLES: consoles.Consoles | None = None
#: Seconds between one look at an event and the next.
OFTEN = (*[0.01] * 10, *[0.02] * 10, 0.05)

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, seconds: float = PATIENCE) -> Found:
    """Wait until ``look`` finds something; fails the test at the deadline.

    The longer it has waited, the seldomer it looks: what is waited for needs the cores too.
    """
    deadline = time.monotonic() + seconds
    pauses = chain(OFTEN, repeat(OFTEN[-1]))
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(next(pauses))


def environment(folder: Path, **variables: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEAKHUNT_", "SHOP_"))}
    return {
        **kept,
        "SHOP_FOLDER": str(folder),
        "LEAKHUNT_DIR": str(folder / "snapshots"),
        "PYTHONPATH": os.pathsep.join([str(APPS), str(ROOT)]),
        "PYTHONWARNINGS": "ignore",
        **({"LEAKHUNT_ENGINE": ENGINE} if ENGINE else {}),
        **variables,
    }


def console(
    *words: str, env: Mapping[str, str], cwd: Path | None = None, timeout: float = HANGS
) -> subprocess.CompletedProcess[str]:
    """What comes of a command of leakhunt's, which has a process of its own."""
    if CONSOLES is not None:
        return CONSOLES.run(*words, env=env, cwd=cwd, timeout=timeout)
    return subprocess.run(
        [sys.executable, "-m", "leakhunt", *words], env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def leakhunt(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The same, in a folder with an environment of its own."""
    return console(*words, env=environment(folder, **variables), cwd=folder)


def engine() -> str:
    """The engine that such a worker has."""
    return engines.choose(ENGINE).name


def present(pool: str) -> bool:
    """Whether this Python and this Celery have the pool: `spawn` came with Celery 5.7."""
    if pool == "spawn":
        return any(parameter.name == "pool_start_method" for parameter in worker_command.params)
    return pool not in ("gevent", "eventlet") or importlib.util.find_spec(pool) is not None


class Worker:
    """``celery -A shop worker`` in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        hook: bool = True,
        program: Sequence[str] = ("-m", "celery", "-A", "shop"),
        launcher: Sequence[str] = (),
        python: Path | str = sys.executable,
        **variables: str,
    ) -> None:
        for name in {"gevent", "eventlet"} & set(arguments):
            pytest.importorskip(name)  # some Pythons have no wheels of them
        self.folder = folder
        for name in ("queue", "outbox", "results", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.environment = environment(folder, **variables)
        self.dir = Path(self.environment["LEAKHUNT_DIR"])
        self.app = celery.Celery(
            "driver",
            broker=variables.get("SHOP_BROKER", "filesystem://"),
            backend=variables.get("SHOP_BACKEND", f"file://{folder}/results"),
            set_as_current=False,
        )
        if "SHOP_BROKER" not in variables:
            self.app.conf.broker_transport_options = {
                "data_folder_in": str(folder / "queue"),
                "data_folder_out": str(folder / "outbox"),
                "control_folder": str(folder / "control"),
            }
        command = [*launcher, str(python), *program, "worker", "--loglevel", "INFO"]
        command += ["-I", "leakhunt.worker"] if hook else []
        with (folder / "worker.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *arguments],
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    # -- waiting and asking -------------------------------------------------------------

    def until(
        self, look: Callable[[], Found | None], what: str, seconds: float = PATIENCE
    ) -> Found:
        def alive_and() -> Found | None:
            found = look()
            assert found or self.process.poll() is None, f"the worker ended:\n{self.log}"
            return found

        try:
            return until(alive_and, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-4000:]}") from None

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text(errors="replace")

    def logged(self, text: str) -> None:
        self.until(lambda: text in self.log, f"the log says {text!r}")

    def ready(self) -> Worker:
        self.until(lambda: " ready." in self.log, "the worker is ready")
        return self

    def notes(self, word: str) -> int:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "notes").read_text().split().count(word)
        return 0

    def noted(self, word: str, times: int = 1) -> None:
        self.until(lambda: self.notes(word) >= times, f"{word} was noted {times} times")

    def records(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted(self.dir.glob("processes/*.json")):
            with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
                found.append(json.loads(file.read(letterbox.RECORD)))  # requests stand behind it
        return found

    def hooked(self, role: str, number: int = 1) -> list[dict[str, Any]]:
        """The records of that many processes of a role, once they are there."""

        def look() -> list[dict[str, Any]] | None:
            found = [record for record in self.records() if record["role"] == role]
            return found if len(found) >= number else None

        return self.until(look, f"{number} hooked {role}")

    def snapshots(self, record: dict[str, Any]) -> list[Path]:
        return sorted(Path(record["series"]).glob("*.bin"))

    def listening(self, node: str) -> None:
        """Wait until a node answers what is asked through its broker: `ready` comes a moment earlier, and
        what is broadcast before is lost.
        """
        self.until(
            lambda: self.app.control.ping(destination=[node], timeout=5, limit=1), f"{node} listens"
        )

    # -- acting ---------------------------------------------------------------------------

    def send(self, task: str, *arguments: Any, **options: Any) -> Any:
        result = self.app.send_task(task, arguments, **options)
        deliver(self.folder / "outbox", self.folder / "queue")
        return result

    def do(self, task: str, *arguments: Any, **options: Any) -> Any:
        return self.send(task, *arguments, **options).get(timeout=PATIENCE, interval=0.02)

    def dump(self, record: dict[str, Any], signum: int = signal.SIGUSR1) -> tuple[Path, float]:
        """Signal a process and wait for the next file; the file and how long that took.

        The seconds are for whoever tells them: on a busy machine they mean nothing.
        """

        before = self.current(record)["captures"]
        began = time.monotonic()
        os.kill(record["pid"], signum)
        after = self.until(
            lambda: found if (found := self.current(record))["captures"] > before else None,
            f"a snapshot of {record['role']} {record['pid']}",
        )
        assert after["path"], after["problem"]
        return Path(after["path"]), time.monotonic() - began

    def feed(self, record: dict[str, Any], every: int, tasks: int, *task: Any) -> None:
        """Have a process that captures every so many tasks do so many of them, one after the
        other, and wait for each capture: two that are due together become one.
        """
        before = self.current(record)["captures"]
        for number in range(1, tasks + 1):
            self.do(*task)
            due = before + number // every
            self.until(lambda: self.current(record)["captures"] >= due, f"capture {due}")  # noqa: B023

    def current(self, record: dict[str, Any]) -> dict[str, Any]:
        """What the record of that process says now."""

        def look() -> dict[str, Any] | None:  # it may be read in the middle of being rewritten
            return next((r for r in self.records() if r["pid"] == record["pid"]), None)

        return until(look, f"a record of {record['pid']}")

    def stop(self) -> None:
        """A warm shutdown, and nothing may be left."""
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker does not shut down:\n{self.log[-4000:]}") from None
        assert status == 0, self.log[-4000:]
        until(lambda: not any(p.is_running() for p in processes), "every process has ended")
        assert self.records() == []
        assert "Exception ignored" not in self.log, self.log[-4000:]
        assert list(self.dir.glob("*/.*.tmp")) == []

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def worker(folder: Path, *arguments: str, **options: Any) -> Iterator[Worker]:
    """A worker that is ready; stopped and checked when the test has passed."""
    found = Worker(folder, *arguments, **options)
    try:
        yield found.ready()
        found.stop()
    finally:
        found.kill()
        shutil.rmtree(folder / "snapshots", ignore_errors=True)


def children(record: dict[str, Any]) -> list[psutil.Process]:
    """The children of a hooked process, zombies included."""
    found: list[psutil.Process] = psutil.Process(record["pid"]).children()
    return found


def forked(pid: int) -> list[int]:
    """The children of a process's main thread, as the kernel lists them: psutil looks at every process of the machine."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descriptors(record: dict[str, Any]) -> int:
    number: int = psutil.Process(record["pid"]).num_fds()
    return number


def facts(path: Path) -> dict[str, Any]:
    """``snapshot.leakhunt`` as the standard library reads it."""
    found: dict[str, Any] = tracemalloc.Snapshot.load(str(path)).leakhunt  # type: ignore[attr-defined]
    return found


def size_at(path: Path, file: str) -> int:
    """Bytes that the standard library sees at files that end like that."""
    statistics = tracemalloc.Snapshot.load(str(path)).statistics("filename")
    return sum(s.size for s in statistics if s.traceback[0].filename.endswith(file))
