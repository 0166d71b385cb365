"""A real program's leak, from its snapshots: ``leakhunt why`` names what keeps it, and how it grew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness

pytest.importorskip("leakhunt.hook.capture.walk._walk")
pytestmark = pytest.mark.live

SECRET = "jane.doe@example.org"
PROGRAM = f"""
import sys, leakhunt
leakhunt.install(engine=sys.argv[1], dir=sys.argv[2], start="boot")
class Shop:
    def __init__(self):
        self.orders = []
SHOP = Shop()
def leak(number):
    SHOP.orders.append({{"{SECRET}": f"{SECRET} {{number}}"}})
leakhunt.dump()
for number in range(6000):
    leak(number)
    if number == 999:
        leakhunt.dump()
leakhunt.dump()
"""


@pytest.mark.parametrize("engine", ["exact", "sampled"])
def test_the_holder_is_named_with_its_growth(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    folder = tmp_path / "snapshots"
    subprocess.run([sys.executable, program, engine, folder], check=True, timeout=harness.HANGS)
    newest = max(folder.rglob("*.bin"))
    line = 1 + PROGRAM.splitlines().index(next(x for x in PROGRAM.splitlines() if ".append" in x))
    done = harness.console(
        "why", str(newest), f"program.py:{line}", "--json", env=harness.environment(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    first = told["paths"][0]
    names = [(step["kind"], step["name"]) for step in first["path"]]
    assert names[:3] == [("module", "__main__"), ("attribute", "SHOP"), ("attribute", "orders")]
    assert first["path"][2]["length"] == 6000
    assert first["grew"] == 5000
    assert told["whole"]
    assert told["tied"] > 0.9 * told["size"]
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in folder.rglob("*.bin")
    ).replace(PROGRAM.splitlines()[line - 1].strip().encode(), b"")


#: Its own snapshots walk over nothing; it waits to be asked.
WAITS = """
import sys, leakhunt
leakhunt.install(engine=sys.argv[1], dir=sys.argv[2], start="boot", walk="off")
KEPT = {}
def leak(number):
    KEPT[number] = [str(number)]
for number in range(6000):
    leak(number)
    if number % 600 == 599:
        leakhunt.dump()
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("engine", ["exact", "sampled"])
def test_a_process_is_asked_for_its_whole_heap(engine: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(WAITS)
    folder = tmp_path / "snapshots"
    line = 1 + next(at for at, text in enumerate(WAITS.splitlines()) if "[str(" in text)

    def why(*words: str) -> Any:
        done = harness.leakhunt(tmp_path, "why", *words, "--dir", str(folder), "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with subprocess.Popen(
        [sys.executable, program, engine, folder],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=harness.environment(tmp_path),
    ) as running:  # fmt: skip
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            asked = [why(str(running.pid), f"program.py:{line}"), why(str(running.pid))]
        finally:
            running.communicate("\n", timeout=harness.HANGS)
    of_finding = why()
    assert why("1") == of_finding
    for told in (*asked, of_finding):
        assert told["snapshot"]["trigger"] == "dump"
        assert told["site"]["line"] == line
        assert told["whole"]
        names = [(step["kind"], step["name"]) for step in told["paths"][0]["path"]]
        assert names[:2] == [("module", "__main__"), ("attribute", "KEPT")]
    before = sorted(folder.rglob("*.bin"))[0]
    assert why(str(before), f"program.py:{line}")["whole"] is None
