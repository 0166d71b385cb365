"""A real worker judged by the real command: a leak, native growth, garbage, and a folder that is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness
from tests.support.places import ROOT

pytestmark = pytest.mark.live


PROGRAM = """
import ctypes, gc, sys
import leakhunt

leakhunt.install(start="boot", keep=0)
LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
KEPT = []

class Node:
    def __init__(self, number):
        self.me = self
        self.text = str(number) * 50

def leak(number):
    KEPT.append(str(number).rjust(2000))

def native(number):
    for _ in range(20):
        LIBC.memset(LIBC.malloc(10_000), 1, 10_000)

def cycles(number):
    [Node(number) for _ in range(20)]

gc.set_threshold(100_000, 50, 50)
for number in range(900):
    globals()[sys.argv[1]](number)
    if number % 100 == 99:
        leakhunt.dump()
"""


def run(folder: Path, what: str) -> dict[str, Any]:
    """The verdict over nine snapshots of a program that does one thing nine hundred times."""
    environment = harness.environment(folder, PYTHONPATH=str(ROOT))
    (folder / "program.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "program.py", what], cwd=folder, env=environment, check=True)
    done = harness.console("trend", "--json", env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_leak_in_a_program(tmp_path: Path) -> None:
    found = run(tmp_path, "leak")
    assert found["verdict"] == "leak"
    first = found["findings"][0]
    assert Path(first["site"]["file"]).name == "program.py"
    assert first["site"]["function"] == "leak"
    assert first["size_last"] == pytest.approx(900 * 2050, rel=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="malloc's own figures are glibc's")
def test_native_growth_in_a_program(tmp_path: Path) -> None:
    found = run(tmp_path, "native")
    assert found["verdict"] == "unexplained"
    assert found["outside"]["kind"] == "native"
    assert found["outside"]["per_unit"] > 0


def test_cycles_that_wait_for_the_collector_are_no_leak(tmp_path: Path) -> None:
    """Nothing is collected while the program runs, and nothing of it is kept."""
    found = run(tmp_path, "cycles")
    assert found["verdict"] == "no-leak"
    assert any("garbage collection frees" in finding["reason"] for finding in found["findings"])


def test_a_worker_is_watched_until_the_verdict_is_there(tmp_path: Path) -> None:
    """Inconclusive at first, a leak with its task and its bytes in the end."""
    with harness.worker(
        tmp_path, "-P", "solo", LEAKHUNT_START="boot", LEAKHUNT_EVERY="3", LEAKHUNT_KEEP="0"
    ) as worker:
        record = worker.hooked("worker")[0]
        folder = Path(record["series"])
        worker.feed(record, 3, 3, "leak", 5000)
        with subprocess.Popen(
            [sys.executable, "-m", "leakhunt", "trend", "--watch", str(folder.parent), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as watching:  # fmt: skip
            try:
                assert watching.stdout is not None
                assert document(watching)["verdict"] == "inconclusive"
                worker.feed(record, 3, 39, "leak", 5000)
                found = document(watching)
                while found["verdict"] != "leak":
                    found = document(watching)
                assert found["unit"] == "task"
                assert found["findings"][0]["site"]["function"] == "leak"
                assert found["findings"][0]["task"] == "leak"
                assert found["findings"][0]["bytes_per_unit"] == pytest.approx(5057, rel=0.35)
            finally:
                watching.terminate()


def document(watching: subprocess.Popen[str]) -> dict[str, Any]:
    """The next JSON document that the command prints."""
    assert watching.stdout is not None
    text = ""
    for line in watching.stdout:  # the test's own time limit ends the wait
        text += line
        if line == "}\n":
            found: dict[str, Any] = json.loads(text)
            return found
    raise AssertionError(f"the command ended: {text!r}")
