"""Starts the demo's worker, feeds it, signals it, and takes everything down again.

What must not be left behind (a process, a file) is made and removed here. A signal that ends
the demo is only noted when it comes and heeded where nothing is half done: an exception out
of a signal handler could strike between making a thing and knowing of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from leakhunt import units
from leakhunt.errors import LeakhuntError
from leakhunt.hook import letterbox
from leakhunt.hook.celery import outbox

Seen = TypeVar("Seen")

#: Seconds until the worker must be ready, and until a step of the demo must be done.
START, STEP = 30.0, 60.0
#: Seconds that the worker has to shut down, and that killed processes have to vanish.
SHUTDOWN, VANISH = 5.0, 3.0
#: Signals that end the demo; it cleans up first.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Variables that would make the worker another one than the demo is about.
UNWANTED = ("LEAKHUNT_", "CELERY_", "PYTHONTRACEMALLOC", "PYTHONMALLOC")

FOLDERS = ("queue", "outbox", "results", "control", "tmp")


class Stage:
    """A worker in a temporary folder."""

    def __init__(
        self, folder: Path, worker: subprocess.Popen[bytes], heed: Callable[[], None]
    ) -> None:
        self.folder = folder
        self.worker = worker
        self._heed = heed
        self._sender: Any = None

    # -- waiting --------------------------------------------------------------------------

    def until(self, look: Callable[[], Seen | None], what: str, seconds: float = STEP) -> Seen:
        """Wait until ``look`` finds something. Raises LeakhuntError with the worker's log."""
        deadline = time.monotonic() + seconds
        while True:
            self._heed()
            seen = look()
            if seen:
                return seen
            if self.worker.poll() is not None:
                raise LeakhuntError(
                    f"the demo's worker ended before {what}; its log:\n{self.log()}"
                )
            if time.monotonic() > deadline:
                raise LeakhuntError(
                    f"gave up after {units.duration(seconds)}, before {what}; "
                    f"the log of the demo's worker:\n{self.log()}"
                )
            time.sleep(0.02)

    def log(self) -> str:
        """The last lines of the worker's log."""
        lines = (self.folder / "worker.log").read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-15:])

    def child(self) -> dict[str, Any]:
        """The hook's record of the pool child, once there is one."""
        return self.until(lambda: self._record("child"), "its pool child was hooked", START)

    def _record(self, role: str) -> dict[str, Any] | None:
        for path in (self.folder / "snapshots" / "processes").glob("*.json"):
            with suppress(OSError), path.open("rb") as file:
                record = letterbox.read(file.fileno())
                if record is not None and record["role"] == role:
                    return record
        return None

    # -- acting ---------------------------------------------------------------------------

    def done(self) -> int:
        """Tasks that have finished."""
        return sum(not path.name.startswith(".") for path in (self.folder / "results").iterdir())

    def send(self, task: str, number: int) -> None:
        """Put a task into the outbox."""
        self._heed()
        if self._sender is None:
            self._sender = _sender(self.folder)
        self._sender.send_task(task, (number,), queue="shop")

    def deliver(self) -> None:
        """Move what was sent to the worker's queue, whole."""
        outbox.deliver(self.folder / "outbox", self.folder / "queue")

    def capture(self, child: dict[str, Any]) -> Path:
        """Signal the pool child, as ``kill -USR1 PID`` does, and wait for the snapshot."""
        before = (self._record("child") or child)["captures"]
        os.kill(child["pid"], signal.SIGUSR1)

        def answer() -> dict[str, Any] | None:
            record = self._record("child")
            return record if record is not None and record["captures"] > before else None

        record = self.until(answer, "it wrote its snapshot")
        if not record["path"]:
            raise LeakhuntError(f"the demo's worker took no snapshot: {record['problem']}")
        return Path(record["path"])


@contextmanager
def stage() -> Iterator[Stage]:
    """A hooked prefork worker on a filesystem broker; nothing of it is left afterwards."""
    if find_spec("celery") is None:
        raise LeakhuntError(f"the demo needs Celery: {sys.executable} -m pip install celery")
    caught: list[int] = []

    def heed() -> None:
        if caught:
            raise KeyboardInterrupt if caught[0] == signal.SIGINT else SystemExit(128 + caught[0])

    try:
        with _noting(caught):
            folder = Path(tempfile.mkdtemp(prefix="leakhunt-demo-")).resolve()
            worker = None
            try:
                worker = _start(folder)
                yield Stage(folder, worker, heed)
            finally:
                if worker is not None:
                    _stop(worker)
                _remove(folder)
    finally:
        heed()  # whatever else went wrong, the interruption is what the caller hears of


@contextmanager
def _noting(caught: list[int]) -> Iterator[None]:
    """Note the signals that would end this process; those that it ignores stay ignored."""

    def note(signum: int, frame: object) -> None:
        caught.append(signum)

    previous = {
        number: signal.signal(number, note)
        for number in ENDING
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _sender(folder: Path) -> Any:
    """A Celery app of its own that sends to the outbox."""
    from celery import Celery

    sender = Celery("demo", broker="filesystem://", set_as_current=False)
    sender.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "outbox"),
        "control_folder": str(folder / "control"),
    }
    return sender


def command() -> list[str]:
    """How the worker is started: as on anybody's own app."""
    return [
        sys.executable, "-m", "celery", "-A", "shop", "worker",
        "-I", "leakhunt.worker", "--concurrency", "1", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def _start(folder: Path) -> subprocess.Popen[bytes]:
    for name in FOLDERS:
        (folder / name).mkdir()
    shutil.copy(Path(__file__).with_name("shop.py"), folder)
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(
            command(),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(UNWANTED)}
    path = [str(folder), kept.get("PYTHONPATH", "")]
    root = str(Path(__file__).parent.parent.parent)
    if root not in sysconfig.get_paths().values():  # not installed: the source tree, or editable
        path.append(root)
    return {
        **kept,
        "SHOP_FOLDER": str(folder),
        "LEAKHUNT_DIR": str(folder / "snapshots"),
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONWARNINGS": "ignore",
        "TMPDIR": str(folder / "tmp"),
    }


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """End the worker and every process of its group, and wait until they are gone."""
    with suppress(OSError):
        worker.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        worker.wait(SHUTDOWN)
    deadline = time.monotonic() + VANISH
    with suppress(OSError):  # no such group: all of them are gone
        while time.monotonic() < deadline:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.poll()
            time.sleep(0.01)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + VANISH
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
