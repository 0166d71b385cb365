"""A prefork worker with a leak for each kind of holder: ``leakhunt why`` names all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live import harness

pytest.importorskip("leakhunt.hook.capture.walk._walk")
pytestmark = pytest.mark.live

#: What the app's kinds are, read in a process of its own: it connects to a broker when imported.
READ = "import json, kept; print(json.dumps({n: [f.__name__, kept.PATHS[n]] for n, f in kept.FILLS.items()}))"


class Kept(NamedTuple):
    """What a worker's snapshot says of each kind, and what dropping it freed (known where tracemalloc traces)."""

    kinds: dict[str, Any]
    told: dict[str, Any]
    freed: dict[str, int]
    content: bytes


#: By kind, from the worker with the exact engine, which comes first.
FREED: dict[str, int] = {}


def kinds(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", READ], check=True, capture_output=True, timeout=harness.HANGS,
        env=harness.environment(folder),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module", params=["exact", "sampled"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp(request.param)
    every = kinds(folder)
    with harness.worker(
        folder, "-c", "1", program=("-m", "celery", "-A", "kept"), LEAKHUNT_ENGINE=request.param,
        LEAKHUNT_START="boot", LEAKHUNT_NFRAME="8", LEAKHUNT_WALK="full", LEAKHUNT_INTERVAL="2048",
    ) as worker:  # fmt: skip
        (record,) = worker.hooked("child", 1)
        worker.do("fill")
        path, _ = worker.dump(record)
        content = path.read_bytes()
        told = whys(path, {name: function for name, (function, _) in every.items()}, folder)
        freed = (
            {name: worker.do("drop", name) for name in every} if request.param == "exact" else {}
        )
    return Kept(every, told, freed, content)


def whys(path: Path, locations: dict[str, str], folder: Path) -> dict[str, Any]:
    """What ``why`` says of each location, by the names that are given for them."""
    place = harness.environment(folder, COLUMNS="200", LEAKHUNT_DIR=os.devnull)
    done = [
        harness.console("why", str(path), location, "--json", env=place)
        for location in locations.values()
    ]
    assert [each.stderr for each in done if each.returncode] == []
    return {name: json.loads(each.stdout) for name, each in zip(locations, done)}


def test_every_holder_is_named(kept: Kept) -> None:
    assert len(kept.kinds) >= 20
    wrong = {}
    for name, (_, path) in kept.kinds.items():
        ways = [
            [[step["kind"], step["name"]] for step in way["path"]]
            for way in kept.told[name]["paths"]
        ]
        if not any(is_within(path, way) for way in ways[:2]):
            wrong[name] = ways[:2]
    assert wrong == {}


def is_within(path: list[Any], way: list[Any]) -> bool:
    """Whether the steps are a part of the way, one after the other."""
    length = len(path)
    return any(way[at : at + length] == path for at in range(len(way) - length + 1))


def test_what_would_be_freed_is_what_is_freed(kept: Kept) -> None:
    """Within 5 % of what tracemalloc sees, with either engine: the objects are the same."""
    FREED.update(kept.freed)
    if not FREED:
        pytest.skip("what is freed is measured with the exact engine, which was not asked for")
    wrong = {}
    for name, freed in FREED.items():
        retained = [way["retained"] for way in kept.told[name]["paths"] if way["retained"]]
        if not any(abs(each - freed) <= 0.05 * freed for each in retained):
            wrong[name] = (freed, retained)
    assert wrong == {}


def test_no_content_is_told(kept: Kept) -> None:
    assert b"jane.doe@example.org" not in kept.content
