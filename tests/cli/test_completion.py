"""Completion on Tab, in real shells where there are any."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leakhunt.cli import completion
from leakhunt.hook.process import alive
from tests.support.console import store
from tests.support.letters import record
from tests.support.places import ROOT

SERIES = "celery@web1-4242-20270115T080000Z"
FIRST = "000001-20270115T080000Z-signal.bin"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a program called leakhunt and snapshots."""
    store(tmp_path / "snapshots" / SERIES / FIRST, 1)
    store(tmp_path / "my folder [x]" / "after.bin", 1)
    (tmp_path / "notes.txt").touch()
    program = tmp_path / "bin" / "leakhunt"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m leakhunt "$@"\n')
    program.chmod(0o755)
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMP")}
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    return {
        **kept,
        "PATH": path,
        "TERM": "dumb",
        "PS1": "ready> ",
        "LEAKHUNT_DIR": str(place / "home"),
    }


def said(place: Path, line: str) -> list[str]:
    """What bash's script is given for a line that is being typed."""
    done = subprocess.run(
        ["leakhunt"], cwd=place, capture_output=True, text=True, check=True, timeout=400,
        env={**environment(place), "COMP_LINE": line, "COMP_WORDBREAKS": " \t\n\"'@><=;|&(:",
             "_LEAKHUNT_COMPLETE": "bash_complete"},
    )  # fmt: skip
    return done.stdout.split("\n")[:-1]


def test_snapshots_and_folders_are_completed_and_no_other_file(place: Path) -> None:
    assert said(place, "leakhunt top ") == [
        "plain,bin/",
        "plain,my\\ folder\\ \\[x\\]/",
        "plain,snapshots/",
    ]
    assert said(place, "leakhunt top snap") == ["plain,snapshots/"]
    assert said(place, "leakhunt top snapshots/") == [f"plain,snapshots/{SERIES}/"]
    part = f"snapshots/{SERIES}"
    assert said(place, f"leakhunt show {part}/") == [f"plain,@web1-4242-20270115T080000Z/{FIRST}"]
    assert said(place, f"leakhunt diff {part}/{FIRST} {part}/0") == [
        f"plain,@web1-4242-20270115T080000Z/{FIRST}"
    ]
    assert said(place, "leakhunt top my\\ folder\\ \\[x\\]/") == [
        "plain,my\\ folder\\ \\[x\\]/after.bin"
    ]
    assert said(place, "leakhunt top nothing/at/all") == [""]


def test_series_of_the_users_folder_are_offered_where_none_are_here(place: Path) -> None:
    (place / "home" / "celery@web2-7-20270115T080000Z").mkdir(parents=True)
    (place / "home" / "processes").mkdir()
    assert said(place, "leakhunt top cel") == [
        f"plain,{place}/home/celery@web2-7-20270115T080000Z/"
    ]


def test_hooked_processes_and_series_are_offered_where_a_process_is_meant(place: Path) -> None:
    home = place / "home"
    (home / "processes").mkdir(parents=True)
    (home / "celery@web2-7-20270115T080000Z").mkdir()
    began = alive.start_ticks(os.getpid())
    every: dict[str, dict[str, Any]] = {
        "mine.json": {"pid": os.getpid(), "ticks": began, "node": "celery@web2", "role": "child"},
        "gone.json": {"pid": 2**22 - 1, "node": "celery@gone"},
        "before.json": {"pid": os.getpid(), "ticks": 1, "node": "celery@another"},  # of its pid
    }
    for name, facts in every.items():
        (home / "processes" / name).write_bytes(record(**facts) + b"\nabc dump\n")
    (home / "processes" / "odd.json").write_text('["x"]')
    (home / "processes" / "torn.json").write_text("{")
    for command in ("dump", "arm"):
        assert said(place, f"leakhunt {command} cel") == [
            "plain,celery@web2", "plain,celery@web2-7-20270115T080000Z",
        ]  # fmt: skip
        assert said(place, f"leakhunt {command} {os.getpid()}") == [f"plain,{os.getpid()}"]


def test_no_record_of_a_strangers_keeps_a_shell_waiting_or_writes_to_it(place: Path) -> None:
    inside = place / "home" / "processes"
    inside.mkdir(parents=True)
    os.mkfifo(inside / "pipe.json")
    (inside / "device.json").symlink_to("/dev/zero")
    (inside / "deep.json").write_text("[" * 16000)
    forged = {"pid": os.getpid(), "node": "celery@\x1b]0;x\x07", "role": "r\x9b31m"}
    (inside / "escapes.json").write_bytes(record(**forged))
    assert said(place, "leakhunt dump cel") == [""]
    assert said(place, f"leakhunt dump {os.getpid()}") == [f"plain,{os.getpid()}"]
    items = completion.processes(SimpleNamespace(params={"folder": str(place / "home")}), None, "")
    assert [(item.value, item.help) for item in items] == [(str(os.getpid()), "process")]


def test_commands_options_and_choices(place: Path) -> None:
    assert said(place, "leakhunt d") == ["plain,demo", "plain,doctor", "plain,dump", "plain,diff"]
    assert said(place, "leakhunt top --group-by t") == [
        "plain,traceback",
        "plain,type",
        "plain,task",
    ]
    assert said(place, "leakhunt show --js") == ["plain,--json"]
    assert said(place, "leakhunt run scr") == ["file,scr"]
    assert said(place, "leakhunt ls --dir x") == ["dir,x"]


def test_it_is_quick(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "leakhunt"], cwd=place, capture_output=True,
        text=True, timeout=400,
        env={**environment(place), "PYTHONPATH": str(ROOT), "COMP_LINE": "leakhunt top sn",
             "_LEAKHUNT_COMPLETE": "bash_complete"},
    )  # fmt: skip
    assert done.stdout == "plain,snapshots/\n"
    imported = set(re.findall(r"\| +([a-z_A-Z0-9]+)$", done.stderr, re.MULTILINE))
    assert not {"rich", "celery", "psutil", "kombu"} & imported


def pressed(place: Path, shell: list[str], line: str, tabs: int) -> str:
    """What a real shell shows after a line and some Tabs."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(place)
        os.execvpe(shell[0], shell, environment(place))
    try:
        source = f'eval "$(_LEAKHUNT_COMPLETE={shell[0]}_source leakhunt)"; echo set-"up"\n'
        os.write(terminal, source.encode())
        _until(terminal, "set-up")
        os.write(terminal, line.encode())
        shown = ""
        for _ in range(tabs):
            os.write(terminal, b"\t")
            shown += _until(terminal, None)
        return shown
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _until(terminal: int, word: str | None) -> str:
    """Output up to a word, or until it pauses for a second and a half."""
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1.5 if word is None else 0.2)
        if ready:
            shown += os.read(terminal, 4096)
        if word is not None and re.search(rf"\r\n.*{word}\r?\n", shown.decode(errors="replace")):
            break
        if word is None and not ready and shown:
            break
    return shown.decode(errors="replace")


SHELLS = [["bash", "--norc", "--noprofile", "-i"], ["zsh", "-f", "-i"]]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: str(shell[0]))
def test_a_real_shell_completes_a_path(place: Path, shell: list[str]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"no {shell[0]} here")
    shown = pressed(place, shell, "leakhunt top snapshots/celery@web1", 2)
    assert "@web1-4242-20270115T080000Z/" in shown or shell[0] == "zsh"
    assert FIRST in shown
    assert "after.bin" in pressed(place, shell, "leakhunt top my", 2)


def test_fish_completes_a_path(place: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    program = (
        "eval (_LEAKHUNT_COMPLETE=fish_source leakhunt | string collect); "
        f'complete -C "leakhunt top snapshots/{SERIES}/"'
    )
    done = subprocess.run(
        ["fish", "--no-config", "-c", program], cwd=place, env=environment(place),
        capture_output=True, text=True, check=True, timeout=400,
    )  # fmt: skip
    assert done.stdout.split() == [f"snapshots/{SERIES}/{FIRST}"]
