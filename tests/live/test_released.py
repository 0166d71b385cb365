"""Leaks in released libraries that a later release has fixed: both are installed, and the gate tells them apart.

Needs the package index; without one the tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live.harness import APPS, HANGS, worker
from tests.support.places import ROOT

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        sys.version_info[:2] not in ((3, 10), (3, 11)) or not sys.platform.startswith("linux"),
        reason="these releases have wheels for some Pythons only",
    ),
]


class Fixed(NamedTuple):
    """A leak and the release that ended it; the distribution has the target's name."""

    target: str
    leaks: str
    fixed: str
    least: float
    """Bytes that a run keeps at least."""
    holder: str | None = None
    """The name of what keeps them; None: a reference that C code has lost, or memory without objects."""


CASES = (
    Fixed("multidict", "6.3.1", "6.3.2", 50),
    Fixed("orjson", "3.9.0", "3.9.1", 300),
    Fixed("ujson", "5.12.0", "5.12.1", 100),
    Fixed("structlog", "25.5.0", "26.1.0", 500, "WRITE_LOCKS"),
    Fixed("beartype", "0.22.9", "0.23.0", 500, "is_object_blacklisted"),
)
#: Those that run in a worker too: what a dict keeps, and what hangs from a traceback. What multidict keeps is
#: dicts that free lists deal out, and may be theirs for two thousand tasks; ujson's hundred bytes a run want for more.
WORKERS = ("structlog", "orjson")
#: Tasks for each snapshot of a worker, and how many of these.
EVERY, LOOKS = 75, 8


def installed(folder: Path, requirement: str) -> Path:
    """The Python of a new environment with that release, and with all that this one has."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--only-binary", ":all:",
         "--disable-pip-version-check", requirement],
        capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{requirement} cannot be installed here: {done.stderr.strip()[-300:]}")
    packages = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # Behind the release's own folder, so that this environment's leakhunt runs with that release.
    behind = [f"import site; site.addsitedir({each!r})" for each in site.getsitepackages()]
    (Path(packages) / "behind.pth").write_text("\n".join(behind) + "\n")
    return python


def leakhunt(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(APPS), str(ROOT)])
    return subprocess.run(
        [str(python), "-m", "leakhunt", *arguments], capture_output=True, text=True,
        timeout=HANGS, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.target)
def test_the_gate_fails_with_the_leak_and_passes_with_the_fix(case: Fixed, tmp_path: Path) -> None:
    found: dict[str, dict[str, Any]] = {}
    for word, version, status in (("leaks", case.leaks, 3), ("fixed", case.fixed, 0)):
        python = installed(tmp_path / word, f"{case.target}=={version}")
        done = leakhunt(
            python, "check", f"released:{case.target}", "--json", "--at-most", "3min",
            "--dir", str(tmp_path / f"{word}-looks"),
        )  # fmt: skip
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        found[word] = json.loads(done.stdout)
    assert found["leaks"]["verdict"] == "leak"
    assert found["leaks"]["bytes_per_run"] >= case.least
    first = found["leaks"]["findings"][0]
    assert first["site"]["file"].endswith("released.py")
    assert first["site"]["function"] == case.target
    if case.holder is not None:
        assert case.holder in json.dumps(first["holder"])
    assert found["fixed"]["ci95"][1] < 12
    told = leakhunt(python, "compare", str(tmp_path / "leaks-looks"), str(tmp_path / "fixed-looks"), "--json")  # fmt: skip
    assert told.returncode == 0, told.stderr
    compared = json.loads(told.stdout)
    assert compared["change"] == "fixed"
    assert {place["change"] for place in compared["places"]} == {"fixed"}


@pytest.mark.parametrize("target", WORKERS)
def test_the_snapshots_of_two_workers_say_that_a_release_has_fixed_it(
    target: str, tmp_path: Path
) -> None:
    """Each worker runs a release for as many tasks; `compare` says fixed, and turned round that the leak is new."""
    case = next(case for case in CASES if case.target == target)
    series = []
    for word, version in (("leaks", case.leaks), ("fixed", case.fixed)):
        python = installed(tmp_path / f"{word}-python", f"{target}=={version}")
        folder = tmp_path / word
        with worker(
            folder, "--concurrency", "1", python=python, program=("-m", "celery", "-A", "upgraded"),
            LEAKHUNT_EVERY=str(EVERY), LEAKHUNT_INTERVAL="512",
        ) as running:  # fmt: skip
            (record,) = running.hooked("child")
            running.feed(record, EVERY, EVERY * LOOKS, "upgraded.use", target)
            series.append(shutil.copytree(running.dir, tmp_path / f"{word}-series"))
    console = Path(sys.executable)
    told = leakhunt(console, "compare", *map(str, series), "--json")
    assert told.returncode == 0, told.stderr
    compared = json.loads(told.stdout)
    assert compared["change"] == "fixed", compared["summary"]
    assert compared["before"]["verdict"] == "leak"
    assert compared["after"]["verdict"] != "leak"
    assert sum(place["before"]["bytes_per_unit"] for place in compared["places"]) >= case.least
    for place in compared["places"]:
        assert place["after"]["ci95"][1] < place["before"]["ci95"][0]
    turned = leakhunt(console, "compare", *map(str, reversed(series)), "--fail-on-worse")
    assert turned.returncode == 3, turned.stderr
    assert turned.stdout.startswith("New leak: ")
    assert "the other way round?" in " ".join(turned.stdout.split())
