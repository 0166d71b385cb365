"""``leakhunt watch`` in a real terminal: tmux draws it at 80 and at 160 columns, and changes its size meanwhile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import harness

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, folder: Path, columns: int, lines: int) -> None:
        self._tmux = ("tmux", "-u", "-S", str(folder / "tmux"), "-f", "/dev/null")
        # What a test's own environment says of columns would count more than the terminal.
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")},
            "LC_ALL": "C.UTF-8",
        }
        self._run("new-session", "-d", "-x", str(columns), "-y", str(lines), "sh")
        self._run("set-option", "-g", "window-size", "manual")

    def _run(self, *words: str) -> str:
        return subprocess.run(
            [*self._tmux, *words], env=self._environment,
            check=True, capture_output=True, text=True, timeout=400,
        ).stdout  # fmt: skip

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)
        self.press("Enter")

    def press(self, key: str) -> None:
        self._run("send-keys", key)

    def resize(self, columns: int, lines: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(lines))

    def shown(self) -> list[str]:
        """The lines on the screen."""
        return self._run("capture-pane", "-p").splitlines()

    def scrolled(self) -> int:
        """Lines that have left the screen at its top."""
        return int(self._run("display-message", "-p", "#{history_size}"))

    def until(self, look: Callable[[list[str]], bool], what: str) -> list[str]:
        seen: list[str] = []

        def found() -> bool:
            seen[:] = self.shown()
            return look(seen)

        try:
            harness.until(found, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(seen)) from None
        return seen

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True, timeout=400)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Worker]:
    with harness.worker(tmp_path_factory.mktemp("watched"), "-c", "2", "-n", "w@h") as found:
        found.hooked("child", 2)
        yield found


def watching(terminal: Terminal, worker: harness.Worker) -> str:
    command = (
        f"{shlex.quote(sys.executable)} -m leakhunt watch {worker.process.pid} --interval 0.2s"
    )
    terminal.type(f"LEAKHUNT_DIR={shlex.quote(str(worker.dir))} {command}; echo status $?")
    return f"main {worker.process.pid}"


def looked(terminal: Terminal, times: int) -> None:
    """Wait until the screen tells so many different lengths of time."""
    told: set[str] = set()

    def enough(lines: list[str]) -> bool:
        told.update(line for line in lines if line.startswith("watching for "))
        return len(told) >= times

    terminal.until(enough, f"{times} looks")


@pytest.mark.parametrize("columns", [80, 160])
def test_every_process_has_its_line_and_the_screen_stays(
    columns: int, worker: harness.Worker, tmp_path: Path
) -> None:
    children = [record["pid"] for record in worker.hooked("child", 2)]
    terminal = Terminal(tmp_path, columns, 30)
    try:
        main = watching(terminal, worker)

        def all_there(lines: list[str]) -> bool:
            text = "\n".join(lines)
            return main in text and all(f"child {pid}" in text for pid in children)

        lines = terminal.until(all_there, "the processes are on the screen")
        # A line that wrapped would be two, of which the second has no process.
        assert len([line for line in lines if line.startswith(("main ", "child "))]) == 3, lines
        assert any("PSS" in line for line in lines if line.startswith("process"))
        worker.do("leak", 3 << 20)
        assert any("RSS so far" in line for line in terminal.shown())
        drawn = terminal.until(
            lambda lines: any(set("▁▂▃▄▅▆▇█") & set(line) for line in lines), "the curves"
        )
        assert any(line.startswith("process") and line.endswith("RSS so far") for line in drawn)
        before = terminal.scrolled()
        looked(terminal, 10)
        assert terminal.scrolled() == before  # drawn in place
        terminal.press("C-c")
        ended = terminal.until(
            lambda lines: any(line.startswith("status") for line in lines), "it has ended"
        )
        assert "status 0" in ended
        assert not any("Traceback" in line for line in ended)
    finally:
        terminal.close()


def test_a_terminal_that_becomes_narrow_is_drawn_anew(
    worker: harness.Worker, tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path, 160, 30)
    try:
        main = watching(terminal, worker)
        terminal.until(lambda lines: any(main in line for line in lines), "the first look")
        terminal.resize(80, 12)

        def rows(lines: list[str]) -> list[str]:
            return [line for line in lines if main in line]

        terminal.until(lambda lines: len(rows(lines)) == 1, "one line for the main process")
        looked(terminal, 10)
        lines = terminal.until(lambda lines: len(rows(lines)) == 1, "one line, still")
        assert len(lines) <= 12
    finally:
        terminal.close()
