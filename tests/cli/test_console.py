"""What every command does: exit statuses, colours, pipes, bad files, hostile names."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leakhunt import cli
from leakhunt.snapfile.write import Run, write
from tests.support.builders import FACTS
from tests.support.console import inside, run
from tests.support.places import ROOT


def test_a_hostile_name_reaches_the_screen_as_text(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    frames = (("/srv/\x1b[31m[bold]/\u202etasks\n.py", 3),)
    write(path, [((0, 8, frames, 1), 2)], 1, {**FACTS, "node": "a\x1b]0;b\x07[red]", "frames": {}})
    for form in ("table", "csv", "markdown"):
        done = run("top", str(path), "--format", form)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "\\x1b[31m[bold]" in done.stdout
    assert (
        json.loads(run("top", str(path), "--json").stdout)["rows"][0]["site"]["file"]
        == frames[0][0]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "one.bin"], "a diff compares two"),
        (["top", "nosuch.bin"], "nosuch.bin: cannot be read: No such file"),
        (["top", "*.nothing"], "no file matches"),
        (["top", "-g", "color"], "Invalid value"),
        (["diff", "--fail-above", "lots"], "not a size"),
        (["nosuch"], "No such command"),
    ],
)
def test_a_mistake_is_one_message_and_exit_2(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    done = run("diff", LEAKHUNT_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "kill -USR1" in done.stderr
    assert "no snapshots yet" in run("ls", LEAKHUNT_DIR=str(tmp_path)).stdout
    none = str(tmp_path / "none")
    for absent in (run("ls", LEAKHUNT_DIR=none), run("ls", "--dir", none)):
        assert (absent.returncode, absent.stdout) == (2, "")
        assert "there is no such folder" in absent.stderr


def test_one_bad_file_among_many_is_told(pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "snapshots" / "celery@web1-4242" / "000003-x.bin").write_bytes(b"torn")
    done = run("ls", LEAKHUNT_DIR=str(tmp_path / "snapshots"))
    assert done.returncode == 0
    assert "000003-x.bin" in done.stdout + done.stderr
    series = str(tmp_path / "snapshots" / "celery@web1-4242")
    done = run("diff", series)
    assert done.returncode == 0
    assert "warning: not read: " in done.stderr
    assert "note: not read:" in " ".join(done.stdout.split())
    done = run("diff", series, "--strict")
    assert (done.returncode, done.stdout) == (2, "")


def test_no_colour_where_nobody_sees_it(pair: tuple[str, str]) -> None:
    assert "\x1b" not in run("diff", *pair).stdout
    assert "\x1b[" in run("diff", *pair, CLICOLOR_FORCE="1").stdout
    assert "\x1b" not in run("diff", *pair, CLICOLOR_FORCE="1", NO_COLOR="1").stdout


def test_a_broken_pipe_ends_quietly(tmp_path: Path) -> None:
    path = tmp_path / "big.bin"
    runs: list[Run] = [((0, 8, ((f"/srv/shop/m{n}.py", 1),), 1), 2) for n in range(10_000)]
    write(path, runs, 1, FACTS)
    done = subprocess.run(
        f"{sys.executable} -m leakhunt top {path} -n 0 | head -n 3",
        shell=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=400,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(("status", "told"), [(0, 2), (3, 3)])
def test_what_is_lost_at_the_very_end_is_no_success(
    status: int, told: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is still buffered when a command has ended may not be written either."""

    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cli, "execute", lambda arguments: status)
    monkeypatch.setattr(signal, "signal", lambda *of: None)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == told
    assert "could not be written: No space left on device" in capsys.readouterr().err


def test_the_console_imports_what_it_needs() -> None:
    program = (
        "import sys; from leakhunt.cli import execute; status = execute(['--help']); "
        "heavy = {'rich', 'celery', 'psutil', 'kombu', 'tracemalloc'} & set(sys.modules); "
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=400
    )
    assert done.returncode == 0, done.stderr


def test_ctrl_c_is_the_exit_status_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """128 and the number of SIGINT: a loop in a shell ends with it."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("leakhunt.cli.reading.one", interrupted)
    assert inside("top", "a.bin")[0] == 130
