"""``.ci/newest``: what it is asked for it does or refuses, and what fails in it is told."""

from __future__ import annotations

import os
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


LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"


@pytest.mark.parametrize(
    ("says", "tries", "status"),
    [(LOCK, 3, 0), ("E: Unable to fetch", 1, 1)],
    ids=["lock", "mirror"],
)
def test_another_steps_lock_on_the_lists_is_waited_for_and_nothing_else(
    tmp_path: Path, says: str, tries: int, status: int
) -> None:
    """apt-get itself ends at once there: the Pythons of the folder were left out where two steps began together."""
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho >>"{tmp_path}/tried"\n'
        f'[ "$(wc -l <"{tmp_path}/tried")" -lt 3 ] || exit 0\necho "{says}" >&2\nexit 100\n'
    )
    program.chmod(0o755)
    done = shell(f'PATH="{program.parent}:$PATH"; sleep() {{ :; }}; refresh', tmp_path)
    assert (done.returncode, len((tmp_path / "tried").read_text().splitlines())) == (status, tries)
    assert (says in done.stdout) is bool(status)


@pytest.mark.parametrize("asked", [[], ["matrices", "/nowhere"]], ids=["nothing", "unknown"])
def test_what_it_does_not_know_it_refuses(asked: list[str]) -> None:
    done = subprocess.run([SCRIPT, *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such command" in done.stderr


def test_its_head_names_what_it_takes() -> None:
    head, _, rest = SCRIPT.read_text().partition("set -euo pipefail")
    taken = re.findall(r"^    (\w+)\) ", rest.rpartition("case ${1-} in")[2], re.MULTILINE)
    assert set(re.findall(r"`newest (\w+)", head)) == set(taken)


def test_a_folder_says_which_pythons_it_is_made_of(tmp_path: Path) -> None:
    own = shell('echo "$LIST $PATIENCE"', tmp_path)
    other = subprocess.run(
        ["bash", "-c", f'source "{SCRIPT}"; echo "$LIST $PATIENCE"'],
        capture_output=True, text=True, check=True,
        env={**os.environ, "LEAKHUNT_ARCH": "arm64", "LEAKHUNT_PYTHONS": "3.14"},
    )  # fmt: skip
    assert own.stdout == "dev venv testsuite of 3.13 3.14 3.15 600\n"
    assert other.stdout == "dev venv testsuite of 3.14 for arm64 6000\n"


def test_another_architectures_programs_are_handed_to_an_emulator_that_other_roots_reach(
    tmp_path: Path,
) -> None:
    (tmp_path / "qemu-aarch64-static").touch(mode=0o755)
    (tmp_path / "qemu-aarch64.conf").write_text(
        ":qemu-aarch64:M::\\x7f\\x45\\x4c\\x46:\\xff\\xff:/usr/libexec/wrapper-P:OPF\n"
    )
    done = shell(
        f"""mount() {{ :; }}; PATH={tmp_path}:$PATH; kinds={tmp_path}/kinds; mkdir $kinds
            emulated arm64 {tmp_path} $kinds""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kinds/register").read_text() == (
        f":qemu-aarch64:M::\\x7f\\x45\\x4c\\x46:\\xff\\xff:{tmp_path}/qemu-aarch64-static:F\n"
    )
