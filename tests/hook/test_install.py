"""Who may hook a process, what a bad setting does, and what happens to those that it forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from leakhunt.errors import CaptureError, SettingError
from leakhunt.hook import current, install
from tests.support.places import ROOT


@pytest.fixture(autouse=True)
def _none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current, "_hook", None)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(install, "say", lambda level, text: lines.append(text))
    return lines


def run(program: str, folder: Path) -> list[Any]:
    """What a program of its own prints, a JSON text a line."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_without_a_hook_there_is_no_snapshot() -> None:
    with pytest.raises(CaptureError, match=r"call leakhunt\.install\(\) first"):
        install.dump()


def test_in_another_thread_no_handler_can_be_set(tmp_path: Path) -> None:
    raised: list[str] = []

    def hooks() -> None:
        with pytest.raises(SettingError) as error:
            install.program({"dir": str(tmp_path)})
        raised.append(str(error.value))

    thread = threading.Thread(target=hooks)
    thread.start()
    thread.join()
    assert raised == ["leakhunt.install() must be called in the main thread"]
    assert current.hook() is None


def test_a_bad_setting_is_raised_in_a_program_and_said_in_a_worker(said: list[str]) -> None:
    with pytest.raises(SettingError, match="every"):
        install.program({"every": "often"})
    install.connect_or_say({"every": "often"}, None)
    assert said[0].startswith("the worker runs without the hook: ")
    assert current.hook() is None


def test_whatever_else_goes_wrong_a_worker_starts(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(install, "connect", fail)
    install.connect_or_say({}, None)
    assert said == ["the worker runs without the hook: ZeroDivisionError: a fault of ours"]


def test_a_program_and_what_it_forks_are_hooked_and_each_leaves_no_record(tmp_path: Path) -> None:
    told = run(
        """
        import json, os, sys
        import leakhunt
        from leakhunt.hook import current
        def records():
            return len([name for name in os.listdir(sys.argv[1] + "/processes") if name.endswith(".json")])
        leakhunt.install(dir=sys.argv[1], engine="off")
        leakhunt.install(dir=sys.argv[1], engine="off")
        pid = os.fork()
        if not pid:
            hook = current.hook()
            path = leakhunt.dump()
            print(json.dumps([hook.process.role, hook.process.main == os.getppid(), records(),
                              os.path.dirname(path) == str(hook.state.series)]), flush=True)
            sys.exit(0)
        os.waitpid(pid, 0)
        print(json.dumps([current.hook().process.role, records(), current.hook().answers.captures]))
        """,
        tmp_path,
    )
    assert told == [["fork", True, 2, True], ["program", 1, 0]]
    assert [path for path in (tmp_path / "processes").iterdir() if path.suffix == ".json"] == []


def test_a_fork_in_the_middle_of_a_capture_is_not_hooked(tmp_path: Path) -> None:
    """A capture's own child is one, where it is made by os.fork()."""
    told = run(
        """
        import json, os, sys
        import leakhunt
        from leakhunt.hook import current
        leakhunt.install(dir=sys.argv[1], engine="off")
        hook = current.hook()
        with hook.captures._lock:
            pid = os.fork()
        if not pid:
            print(json.dumps([hook.process.role, hook.pid == os.getpid()]), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        """,
        tmp_path,
    )
    assert told == [["program", False]]


def test_a_forked_process_that_cannot_be_hooked_runs_on(tmp_path: Path) -> None:
    told = run(
        """
        import json, os, sys
        import leakhunt
        from leakhunt.hook import current, install
        leakhunt.install(dir=sys.argv[1], engine="off")
        lines = []
        install.say = lambda level, text: lines.append(text)
        def fail(*_, **__):
            raise ZeroDivisionError("a fault of ours")
        current.hook().adopt = fail
        pid = os.fork()
        if not pid:
            print(json.dumps(lines), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        """,
        tmp_path,
    )
    assert told == [["a forked child runs without the hook: a fault of ours"]]
