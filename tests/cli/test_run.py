"""``leakhunt run``: what becomes of the command line, and what is refused before the program starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import inside
from tests.support.places import ROOT

#: Tells its arguments and where its hook writes to.
TOLD = """
import json, sys
from leakhunt.hook import current
print(json.dumps([sys.argv, str(current.hook().settings.dir)]))
sys.exit(7)
"""


class StartedError(Exception):
    """Instead of another program in this process's place."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be started."""
    seen: list[Any] = []

    def execute(path: str, words: list[str]) -> None:
        seen[:] = [path, words]
        raise StartedError

    monkeypatch.setattr(os, "execv", execute)
    return seen


def words(started: list[Any], *arguments: str) -> list[str]:
    with pytest.raises(StartedError):
        inside("run", *arguments)
    path, command = started
    assert path == command[0] == sys.executable
    launcher = next(index for index, word in enumerate(command) if word.endswith("launch.py"))
    return list(command[launcher + 1 :])


def test_options_before_the_target_are_leakhunts_and_all_others_the_programs(
    started: list[Any], tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.touch()
    settings, kind, *rest = words(
        started, "--nframe", "7", "--at-exit", str(script), "--nframe", "3", "-m", "--", "x"
    )
    assert json.loads(settings) == {"nframe": "7", "at_exit": True}
    assert (kind, rest) == ("script", [str(script), "--nframe", "3", "-m", "--", "x"])


def test_a_module_is_not_looked_for(started: list[Any]) -> None:
    assert words(started, "-m", "no.such.module", "-x") == ["{}", "module", "no.such.module", "-x"]


def test_flags_of_this_python_go_on(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "_args_from_interpreter_flags", lambda: ["-X", "dev", "-O"])
    words(started, "-m", "x")
    assert started[1][1:4] == ["-X", "dev", "-O"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'TARGET'"),
        (
            ["no-such.py"],
            "leakhunt: can't open file 'no-such.py': no such file (a module needs -m)",
        ),
        (["--nframe", "many", "-m", "x"], "leakhunt: nframe=many: not a whole number"),
        (["--nframe", "0", "-m", "x"], "leakhunt: nframe=0"),
        (["--engine", "magic", "-m", "x"], "leakhunt: engine=magic: must be one of"),
        (["--start", "later", "-m", "x"], "leakhunt: start=later"),
        (["--keep", "1", "-m", "x"], "leakhunt: keep=1: one snapshot cannot be compared"),
        (["--signal", "SIGKILL", "-m", "x"], "leakhunt: signal=SIGKILL"),
    ],
)
def test_what_is_wrong_is_told_before_the_program_starts(
    arguments: list[str], said: str, started: list[Any]
) -> None:
    status, out, err = inside("run", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert started == []


def test_where_no_python_is_known_it_is_said(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", "/nowhere")
    status, _, err = inside("run", "-m", "x")
    assert (status, started) == (2, [])
    assert err == "leakhunt: cannot tell which Python runs this: sys.executable is empty\n"


def test_a_program_with_the_hook_in_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TOLD)
    done = subprocess.run(
        [sys.executable, "-m", "leakhunt", "run", "--dir", str(tmp_path / "s"), str(script), "--dir", "mine"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert json.loads(done.stdout) == [[str(script), "--dir", "mine"], str(tmp_path / "s")]
