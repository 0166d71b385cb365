"""The collection of leaking and healthy programs: complete, honest in form, and runnable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import COLLECTION

FOLDERS = ("leaks", "healthy", "native", "fresh/leaks", "fresh/healthy", "fresh/native")
NAMES = sorted(path.stem for folder in FOLDERS for path in (COLLECTION / folder).glob("*.py"))

#: Prints for each program what it declares; then runs a few of its tasks in a fork, so that
#: one program's libraries do not meet another's.
SURVEY = """
import dataclasses, json, os, sys
import holders, stage, record
for name, path in stage.programs().items():
    program = stage.declared(path)
    lines = [
        [str(stage.guilty(path, leak)), marker, stage.marked(stage.guilty(path, leak), marker)]
        for leak in program.leaks for marker in (leak.line, *leak.also)
    ]
    kept = {leak.line: holders.of(name, leak.line) for leak in program.leaks}
    said = {**dataclasses.asdict(program), "kept": kept, "lines": lines, "file": str(path)}
    said["missing"] = stage.missing(program)
    said["docstring"] = path.read_text().partition('\"\"\"')[2].partition('\"\"\"')[0]
    print("D", json.dumps([name, said]), flush=True)
for name, path in stage.programs().items():
    program = stage.declared(path)
    if stage.missing(program):
        continue
    if os.fork() == 0:
        try:
            sys.path[:0] = [str(path.parent), str(stage.HERE / "fresh")]
            module = __import__(name)
            assert module.PROGRAM == program
            for n, task in enumerate([*program.mix, *record.schedule(program, 3)]):
                module.app.tasks[task].run(n)
            print("R", json.dumps([name, "ran"]), flush=True)
        except BaseException as error:
            print("R", json.dumps([name, f"{type(error).__name__}: {error}"]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every program declares, and how running it went."""
    done = subprocess.run(
        [sys.executable, "-c", SURVEY],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(COLLECTION), str(COLLECTION.parent.parent)]),
            "PYTHONWARNINGS": "ignore",
            "COLLECTION_FOLDER": str(tmp_path_factory.mktemp("collection")),
        },
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        word, _, text = line.partition(" ")
        if word == "D":
            name, said = json.loads(text)
            found[name] = {**said, "ran": None}
        elif word == "R":
            name, how = json.loads(text)
            found[name]["ran"] = how
    return found


@pytest.mark.parametrize("name", NAMES)
def test_program_says_what_is_true_of_it(survey: dict[str, Any], name: str) -> None:
    said = survey[name]
    folder = Path(said["file"]).parent.name
    kinds = {"leaks": ["leak"], "healthy": ["healthy"], "native": ["native", "fragmentation"]}
    assert said["kind"] in kinds[folder]
    fresh = Path(said["file"]).parent.parent.name == "fresh"
    assert said["half"] in (
        ["fresh", "later", "unseen", "blind", "anew", "afar"] if fresh else ["tune", "held-out"]
    )
    assert said["tasks"] >= 20
    first, _, rest = said["docstring"].partition("\n\n")
    assert first.endswith((".", "?"))
    assert ("Tempting:" if folder == "healthy" else "Nasty:") in rest
    if folder == "leaks":
        assert said["leaks"] or said["process"] == "main"
    if folder == "healthy":
        assert not said["leaks"]
        assert said["suspects"], "say what may be accused"
    for leak in said["leaks"]:
        assert leak["task"] == "*" or leak["task"] in said["mix"]
        assert leak["bytes_per_run"] > 1, "measure it"
        assert leak["pattern"]
        assert not leak["whole"] or leak["whole"] >= leak["bytes_per_run"]
        assert 0 <= leak["table"] < max(leak["whole"], leak["bytes_per_run"])
        assert all(size > 1 for size in leak["also"].values())
    lines = [(file, number) for file, _, number in said["lines"]]
    assert len(set(lines)) == len(lines), "markers on lines of their own"


@pytest.mark.parametrize("name", NAMES)
def test_program_runs(survey: dict[str, Any], name: str) -> None:
    said = survey[name]
    if said["missing"]:
        pytest.skip(f"not installed: {', '.join(said['missing'])}")
    assert said["ran"] == "ran"


def test_marked_lines_allocate_or_call_and_are_whole_statements(survey: dict[str, Any]) -> None:
    for name, said in survey.items():
        for file, marker, number in said["lines"]:
            line = Path(file).read_text().splitlines()[number - 1].partition("#")[0].strip()
            assert line, f"{name}: {marker} marks an empty line"
            assert line[0] not in ")]}", f"{name}: {marker} marks the end of a statement"


def test_every_leak_says_what_keeps_it(survey: dict[str, Any]) -> None:
    """By a name that its source has, or that of the library it calls; and nothing else says so."""
    declared = {
        f"{name} {marker}" if len(said["kept"]) > 1 else name
        for name, said in survey.items()
        for marker in said["kept"]
    }
    found = subprocess.run(
        [sys.executable, "-c", "import holders, json; print(json.dumps(holders.HOLDERS))"],
        capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(COLLECTION)},
    )  # fmt: skip
    assert set(json.loads(found.stdout)) == declared


def test_names_are_unique(survey: dict[str, Any]) -> None:
    """A recording's folder has the program's name, and a worker imports it by that."""
    assert len(NAMES) == len(set(NAMES)) == len(survey)


def test_wide_enough_and_halves_are_balanced(survey: dict[str, Any]) -> None:
    old = [said for said in survey.values() if said["half"] in ("tune", "held-out")]
    kinds = Counter(said["kind"] for said in old)
    assert kinds["leak"] >= 28
    assert kinds["healthy"] >= 24
    assert kinds["native"] >= 3
    assert kinds["fragmentation"] >= 3
    for kind, number in kinds.items():
        tune = sum(said["half"] == "tune" for said in old if said["kind"] == kind)
        assert abs(tune - (number - tune)) <= max(2, number // 10), (kind, tune, number)
    needing = [said for said in old if said["needs"]]
    assert len(needing) >= 12, "real libraries"


def test_fresh_part_is_wide_enough(survey: dict[str, Any]) -> None:
    fresh = [said for said in survey.values() if said["half"] == "fresh"]
    kinds = Counter(said["kind"] for said in fresh)
    assert kinds["leak"] >= 15
    assert kinds["healthy"] >= 12
    assert kinds["native"] + kinds["fragmentation"] >= 3


def test_later_part_is_wide_enough(survey: dict[str, Any]) -> None:
    later = [said for said in survey.values() if said["half"] == "later"]
    kinds = Counter(said["kind"] for said in later)
    assert kinds["leak"] >= 15
    assert kinds["healthy"] >= 11
    assert kinds["native"] + kinds["fragmentation"] >= 2
