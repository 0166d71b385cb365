"""Starts the demo's worker, feeds it, and takes everything down again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from leakhunt.errors import LeakhuntError

Found = TypeVar("Found")

#: Seconds until the worker must be ready, and until a step of the demo must be done.
START, STEP = 30.0, 60.0
#: Signals that end the demo; it cleans up first.
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Stage:
    """A worker in a temporary folder."""

    def __init__(self, folder: Path, worker: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.worker = worker

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def done(self) -> int:
        """Tasks that have finished."""
        return sum(not path.name.startswith(".") for path in self.results.iterdir())

    def deliver(self) -> None:
        """Move what was sent to the worker's queue, whole.

        The filesystem transport's writer is not atomic: a worker that reads a message
        while it is being written ends with a JSON error.
        """
        for message in sorted((self.folder / "outbox").iterdir()):
            message.rename(self.folder / "queue" / message.name)

    def record(self, role: str) -> dict[str, Any] | None:
        """The hook's record of the process with that role, once it has one."""
        for path in (self.folder / "snapshots" / "processes").glob("*.json"):
            with suppress(OSError, ValueError):
                record: dict[str, Any] = json.loads(path.read_text())
                if record.get("role") == role:
                    return record
        return None

    def snapshots(self, series: str) -> list[Path]:
        return sorted(Path(series).glob("*.bin"))

    def until(self, look: Callable[[], Found | None], what: str, seconds: float = STEP) -> Found:
        """Wait until ``look`` finds something. Raises LeakhuntError with the worker's log."""
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if self.worker.poll() is not None:
                raise LeakhuntError(f"the demo's worker ended before {what}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise LeakhuntError(f"the demo's worker took too long: {what}:\n{self.log()}")
            time.sleep(0.02)

    def log(self) -> str:
        lines = (self.folder / "worker.log").read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-15:])


@contextmanager
def stage() -> Iterator[Stage]:
    """A hooked prefork worker on a filesystem broker; nothing of it is left afterwards."""
    previous = {number: signal.signal(number, _end) for number in ENDING}
    folder = Path(tempfile.mkdtemp(prefix="leakhunt-demo-"))
    worker = None
    try:
        for name in ("queue", "outbox", "results", "control"):
            (folder / name).mkdir()
        shutil.copy(Path(__file__).with_name("shop.py"), folder)
        worker = _start(folder)
        yield Stage(folder, worker)
    finally:
        # A second Ctrl-C must not leave half of it behind.
        for number in (*ENDING, signal.SIGINT):
            previous.setdefault(number, signal.getsignal(number))
            signal.signal(number, signal.SIG_IGN)
        if worker is not None:
            _stop(worker)
        shutil.rmtree(folder, ignore_errors=True)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def command() -> list[str]:
    """How the worker is started: as on anybody's own app."""
    return [
        sys.executable, "-m", "celery", "-A", "shop", "worker",
        "-I", "leakhunt.worker", "--concurrency", "1", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def _start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LEAKHUNT_", "CELERY_"))
    }
    # Where leakhunt runs from its source tree, the worker must find it there too.
    path = [
        str(folder),
        environment.get("PYTHONPATH", ""),
        str(Path(__file__).parent.parent.parent),
    ]
    environment.update(
        SHOP_FOLDER=str(folder),
        LEAKHUNT_DIR=str(folder / "snapshots"),
        PYTHONPATH=os.pathsep.join(filter(None, path)),
        PYTHONWARNINGS="ignore",
    )
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(
            command(),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """End the worker and every process of its session."""
    with suppress(OSError):
        worker.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        worker.wait(5)
    with suppress(OSError):
        os.killpg(worker.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        worker.wait(5)
