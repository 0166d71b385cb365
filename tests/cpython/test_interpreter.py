"""Where there can be no hook, one sentence says so and the program goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from leakhunt.cpython import interpreter
from tests.support.places import ROOT

#: Runs code in a subinterpreter that shares the GIL, and in one with a GIL of its own (PEP 684).
IN_ANOTHER = """
import sys
try:
    import _interpreters as others
except ImportError:
    import _xxsubinterpreters as others
code = CODE
for config in (("legacy", "isolated") if sys.version_info >= (3, 13) else (None,)):
    identity = others.create(config) if config else others.create()
    try:
        others.run_string(identity, code)
    finally:
        others.destroy(identity)
print("runs on")
"""


def run(code: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    program = IN_ANOTHER.replace("CODE", repr(textwrap.dedent(code)))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEAKHUNT_")}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=400,
        env={**environment, "PYTHONPATH": str(ROOT), "LEAKHUNT_DIR": str(tmp_path)},
    )  # fmt: skip


def test_in_a_subinterpreter_a_program_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = run(
        """
        import os, leakhunt
        from leakhunt.errors import SettingError
        try:
            leakhunt.install()
        except SettingError as error:
            os.write(1, str(error).encode() + b"\\n")
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert last == "runs on"
    assert told
    assert all(
        "in a subinterpreter" in line and "leakhunt.install() there" in line for line in told
    )


def test_in_a_subinterpreter_a_worker_goes_on_without_the_hook(tmp_path: Path) -> None:
    done = run("import leakhunt.worker, leakhunt; leakhunt.install(object())", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs on\n"
    assert (
        done.stderr.count("the worker runs without the hook: leakhunt was asked for in a sub") >= 2
    )
    assert "Traceback" not in done.stderr


def test_the_main_interpreter_is_fit() -> None:
    assert interpreter.unfit() is None


def test_without_tracemalloc_it_says_who_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_tracemalloc", None)
    said = interpreter.unfit()
    assert said is not None
    assert said.startswith(f"leakhunt needs tracemalloc, which {sys.implementation.name} 3.")


@pytest.mark.skipif(shutil.which("pypy3") is None, reason="PyPy is not installed")
def test_pypy_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        ["pypy3", "-c", "import leakhunt; leakhunt.install()"],
        capture_output=True, text=True, check=False, timeout=400,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LEAKHUNT_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "SettingError: leakhunt needs tracemalloc, which pypy" in done.stderr.splitlines()[-1]
