"""The console as a process: how fast it starts, what it says while it reads, how it ends."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from leakhunt import __version__
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS
from tests.support.console import run
from tests.support.places import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def big(tmp_path: Path) -> str:
    """A snapshot with 10,000 stacks."""
    path = tmp_path / "big.bin"
    runs: list[Run] = [((0, 8, ((f"/srv/shop/m{n}.py", 1),), 1), 2) for n in range(10_000)]
    write(path, runs, 1, FACTS)
    return str(path)


def closed_early(arguments: list[str]) -> tuple[int, str]:
    """Status and stderr of a program whose reader goes away after a few bytes."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        os.read(program.stdout.fileno(), 10)
        program.stdout.close()
        said = program.stderr.read().decode()
        return program.wait(timeout=400), said


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_reader_that_goes_away_ends_it_quietly(big: str, form: str) -> None:
    assert closed_early(["-m", "leakhunt", "top", big, "-n", "0", "--format", form]) == (0, "")


def test_so_does_one_that_goes_away_between_two_lines() -> None:
    program = (
        "import click; from leakhunt.cli import ls, main; "
        "ls.command.callback = lambda **_: [click.echo('x' * 70_000) for _ in range(99)]; "
        "main(['ls'])"
    )
    assert closed_early(["-c", program]) == (0, "")
    program = (
        "import click; from leakhunt import cli; click.Context.get_help = lambda _: 'x' * 10**7; "
        "real = click.echo; click.echo = lambda *a, **k: [real(*a, **k) for _ in range(3)]; "
        "cli.main(['--help'])"
    )
    assert closed_early(["-c", program]) == (0, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("redirected", [">&-", ">/dev/full"])
@pytest.mark.parametrize("command", ["top {}", "--version", "top --help", "top {} --json -n 0"])
def test_a_closed_or_full_output_is_one_message(
    big: str, command: str, redirected: str, unbuffered: str
) -> None:
    done = subprocess.run(
        f"{sys.executable} -m leakhunt {command.format(big)} {redirected}", shell=True,
        capture_output=True, text=True, env={**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered}, timeout=400,
    )  # fmt: skip
    full = "leakhunt: the report could not be written: No space left on device\n"
    wanted = (2, full) if redirected == ">/dev/full" else (0, "")
    assert (done.returncode, done.stderr) == wanted


def test_the_version_needs_click_and_nothing_else() -> None:
    assert run("--version").stdout == f"leakhunt {__version__}\n"
    program = (
        "import click, sys; before = set(sys.modules); from leakhunt.cli import execute; "
        "execute(['--version']); print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    added = set(done.stdout.splitlines()[-1].split())
    assert {name for name in added if name.startswith("leakhunt")} == {
        "leakhunt", "leakhunt.cli", "leakhunt.errors"
    }  # fmt: skip
    # What Click itself needs for its messages may come along.
    assert len(added) < 12, added


def on_a_terminal(program: str) -> str:
    """What a program writes to a terminal on stderr."""
    main, side = pty.openpty()
    said = b""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=side,
        env={**ENVIRONMENT, "TERM": "xterm"},
    ) as child:  # fmt: skip
        os.close(side)
        with suppress(OSError):  # EIO: the other side is closed
            while part := os.read(main, 4096):
                said += part
        os.close(main)
        assert child.wait(timeout=400) == 0
    return said.decode()


def test_a_bar_is_shown_where_reading_takes_long(big: str) -> None:
    program = (
        "import time; from leakhunt.cli import main, reading; real = reading.load_all; "
        "reading.load_all = lambda *a, **k: (time.sleep({}), real(*a, **k))[1]; "
        f"main(['top', {big!r}])"
    )
    said = on_a_terminal(program.format(1.5))
    assert re.search(r"reading 1 snapshot, \d+\.\d KiB", said)
    assert said.endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))  # and is gone in the end
    assert on_a_terminal(program.format(0)) == ""


def test_an_error_ends_the_bar(tmp_path: Path) -> None:
    program = (
        "import time, sys; from leakhunt.cli import execute, reading; real = reading.load_all; "
        "reading.load_all = lambda *a, **k: (time.sleep(1.5), real(*a, **k))[1]; "
        f"sys.exit(execute(['top', '{tmp_path}/none.bin']) - 2)"
    )
    said = on_a_terminal(program)
    assert "none.bin: cannot be read" in said
    assert "\x1b[?25h" in said


def test_a_sentence_folds_at_the_window() -> None:
    console = make_console(Screen(40))
    say(console, "RSS grew by 3.3 MiB in all, " * 6)
    told = drawn(console).splitlines()
    assert max(map(len, told)) <= 40
    assert not any(line.endswith("3.3") for line in told)  # a number stays with its unit
