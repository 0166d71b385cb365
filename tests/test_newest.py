"""``.ci/newest``: what it is asked for it does or refuses, and what fails in it is told."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT

SCRIPT = ROOT / ".ci" / "newest"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command where the script's functions are known."""
    return subprocess.run(
        ["bash", "-c", f'source "{SCRIPT}"; cd "{folder}"; {command}'],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_step_that_passes_is_quiet(tmp_path: Path) -> None:
    done = shell('quietly log bash -c "echo said; echo complained >&2"; echo after', tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "after\n", "")
    assert (tmp_path / "log").read_text() == "said\ncomplained\n"


def test_a_step_that_fails_ends_the_script_with_its_status_and_its_last_words(
    tmp_path: Path,
) -> None:
    (tmp_path / "log").write_text("of a step before\n")
    done = shell('quietly log bash -c "seq 99; echo why >&2; exit 7"; echo after', tmp_path)
    assert done.returncode == 7
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("FAILED with 7: bash -c seq 99;")
    assert rest == [*map(str, range(71, 100)), "why"]


@pytest.mark.parametrize("asked", [[], ["matrices", "/nowhere"]], ids=["nothing", "unknown"])
def test_what_it_does_not_know_it_refuses(asked: list[str]) -> None:
    done = subprocess.run([SCRIPT, *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such command" in done.stderr


def test_its_head_names_what_it_takes() -> None:
    head, _, rest = SCRIPT.read_text().partition("set -euo pipefail")
    taken = re.findall(r"^    (\w+)\) ", rest.rpartition("case ${1-} in")[2], re.MULTILINE)
    assert set(re.findall(r"`newest (\w+)", head)) == set(taken)
