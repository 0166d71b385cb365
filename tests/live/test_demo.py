"""``leakhunt demo``, as a user types it: the guilty line first, in time, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from leakhunt.demo import shop
from tests.live import harness
from tests.support.places import ROOT

#: Seconds for a demo that takes ten on a quiet machine.
PATIENCE = 400.0

pytestmark = pytest.mark.live

#: What the demo says at the moments when a test interrupts it.
WORKER, BASELINE, AGAIN, DIFF = "$ celery", "$ kill -USR1", "  ... ", "$ leakhunt diff"


def hear_all() -> None:
    """Undo what the tests were started with: under nohup SIGHUP is ignored, in a job SIGINT."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Demo:
    """A demo with a temporary folder of its own, so that what it leaves is seen."""

    def __init__(self, folder: Path) -> None:
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        # Without the apps of the live tests, and so with all of Celery: see apps/click_repl.py.
        place = harness.environment(folder, PYTHONPATH=str(ROOT))
        self.environment = {**place, "TMPDIR": str(self.tmp)}
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *options: str, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *options, "-m", "leakhunt", "demo"],
            **{
                "env": self.environment, "cwd": self.tmp, "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                "preexec_fn": hear_all, **more,
            },
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, **variables: str) -> tuple[int, str, str]:
        self.environment.update(variables)
        process = self.start()
        told, said = process.communicate(timeout=PATIENCE)
        return process.returncode, told, said

    def processes(self) -> dict[psutil.Process, str]:
        """Living processes that have the demo's temporary folder in their environment."""
        found = {}
        for process in psutil.process_iter():
            try:
                if str(self.tmp) in " ".join(process.environ().values()):
                    found[process] = f"{process.pid} {process.cmdline()}"
            except psutil.Error:  # gone, a zombie, or somebody else's
                continue
        return found

    def end(self) -> None:
        """Whatever still runs, where a test has failed: the demo, its worker, its children."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        for started in self.started:
            started.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    found = Demo(tmp_path)
    try:
        yield found
        assert list(found.processes().values()) == []
        assert list(found.tmp.iterdir()) == []
    finally:
        found.end()


def test_the_guilty_line_comes_first_with_the_bytes_that_the_app_says(demo: Demo) -> None:
    status, told, said = demo.run()
    assert (status, said) == (0, "")
    rows = [line for line in told.splitlines() if re.match(r"\d +[+-]", line)]
    assert 2 <= len(rows) <= 5  # what else grows is for the interpreter to say
    leak, cache = rows[:2]
    source = Path(shop.__file__).read_text().splitlines()
    line = 1 + next(n for n, text in enumerate(source) if "RECEIPTS.append" in text)
    assert f"shop.py:{line} in place_order" in leak
    blocks = int(re.split(r" {2,}", leak)[2])
    # One an order, and the list that keeps them; an estimate where the machine is busy.
    assert blocks == pytest.approx(301, rel=0.1)
    each = re.search(r"300 orders kept ([0-9.]+) KiB each", told)
    assert each is not None
    assert float(each[1]) * 1024 == pytest.approx(shop.RECEIPT, rel=0.1)
    # The cache has taken 300 prices and kept the last 200: bytes, key and node of each are two or three blocks.
    assert "shop.py" in cache
    assert "in quote" in cache
    assert int(re.split(r" {2,}", cache)[2]) <= 3 * shop.PRICES_KEPT
    assert "Line 1 is the leak" in told
    assert "Line 2 is a cache, and no leak" in told
    assert "celery -A proj worker -I leakhunt.worker" in told.partition(rows[-1])[2]


@pytest.mark.once
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, None),
        (signal.SIGTERM, WORKER),
        (signal.SIGHUP, WORKER),
        (signal.SIGINT, BASELINE),
        (signal.SIGTERM, BASELINE),
        (signal.SIGQUIT, AGAIN),
        (signal.SIGINT, DIFF),
    ],
)
def test_an_interrupted_demo_leaves_nothing(number: int, moment: str | None, demo: Demo) -> None:
    process = demo.start()
    assert process.stdout is not None
    if moment is None:  # its folder is made, its worker perhaps not yet
        harness.until(lambda: list(demo.tmp.iterdir()), "the folder is made")
    else:
        while not process.stdout.readline().startswith(moment):
            assert process.poll() is None
    process.send_signal(number)
    process.send_signal(number)  # people press Ctrl-C twice
    _, said = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in said
    if moment == DIFF:  # all was taken down already: it may even have ended well
        assert process.returncode in (0, -number, 130)
    else:
        assert process.returncode == (130 if number == signal.SIGINT else 128 + number)


@pytest.mark.once
def test_ctrl_c_in_a_terminal_reaches_the_whole_group(demo: Demo) -> None:
    said = on_a_terminal(demo, lambda text: b"\x03" if BASELINE in text else None)
    assert "interrupted" in said
    assert "Traceback" not in said


@pytest.mark.once
def test_a_terminal_sees_a_progress_bar(demo: Demo) -> None:
    said = on_a_terminal(demo, lambda text: None)
    assert "300 orders" in said
    assert "━" in said
    assert "Line 1 is the leak" in said


#: Makes standard input the terminal whose Ctrl-C reaches this session, and becomes the demo.
TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "leakhunt", "demo"])
"""


def on_a_terminal(demo: Demo, keys_for: Callable[[str], bytes | None]) -> str:
    """Run the demo on a terminal of its own; everything that was to be seen there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_THE_TERMINAL],
        env={**demo.environment, "TERM": "xterm", "COLUMNS": "100"}, cwd=demo.tmp,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen, typed = b"", False
    try:
        while more := read(ours):
            seen += more
            keys = None if typed else keys_for(seen.decode(errors="replace"))
            if keys:
                os.write(ours, keys)
                typed = True
    finally:
        os.close(ours)
        process.wait(PATIENCE)
    return seen.decode(errors="replace")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""


@pytest.mark.once
def test_a_closed_pipe_ends_it_quietly(demo: Demo) -> None:
    process = demo.start()
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.wait(PATIENCE)
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.once
def test_what_the_user_has_set_does_not_disturb_it(demo: Demo) -> None:
    status, told, _ = demo.run(LEAKHUNT_ENGINE="off", LEAKHUNT_EVERY="1", PYTHONTRACEMALLOC="1")
    assert status == 0
    assert "Line 1 is the leak" in told


def test_a_worker_that_does_not_start_is_shown_with_its_log(demo: Demo, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os\n"
        "if 'leakhunt-demo-' in os.environ.get('SHOP_FOLDER', ''):\n"
        "    os.write(2, b'no worker today\\n')\n"
        "    os._exit(1)\n"
    )
    path = demo.environment["PYTHONPATH"]
    status, told, said = demo.run(PYTHONPATH=os.pathsep.join([str(broken), path]))
    assert status == 2
    assert told == "$ celery -A shop worker -I leakhunt.worker --concurrency 1\n"
    assert "the demo's worker ended before its pool child was hooked" in said
    assert "no worker today" in said
    assert "Traceback" not in said


def test_a_python_without_celery_is_told(demo: Demo) -> None:
    hide = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'celery' else find(name, *a)\n"
        "from leakhunt.cli import main\n"
        "main(['demo'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], env=demo.environment, capture_output=True, text=True, timeout=harness.HANGS
    )  # fmt: skip
    assert done.returncode == 2
    assert "the demo needs Celery" in done.stderr


def test_no_room_for_the_folder(demo: Demo) -> None:
    """A temporary folder that cannot be made is one clear line."""
    done = subprocess.run(
        [sys.executable, "-c",
         "import tempfile; tempfile.mkdtemp = lambda **k: (_ for _ in ()).throw("
         "PermissionError(13, 'Permission denied', '/nowhere'));"
         "from leakhunt.cli import main; main(['demo'])"],
        env=demo.environment, capture_output=True, text=True, timeout=harness.HANGS,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "leakhunt: /nowhere: Permission denied\n")
