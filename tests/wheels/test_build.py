"""Wheels are built from the sources alone, and tried where nothing can be compiled; the release says the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT
from tests.wheels import build, installed

PYPROJECT = (ROOT / "pyproject.toml").read_text()
RELEASE = ROOT / ".github/workflows/release.yml"


def test_what_developing_leaves_is_in_no_release(tmp_path: Path) -> None:
    made = build.tree(tmp_path)
    here = [
        path
        for path in (ROOT / "leakhunt").rglob("*")
        if path.suffix in (".py", ".c", ".h", ".inc")
    ]
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert {path.relative_to(ROOT).as_posix() for path in here} <= found
    assert not [
        name
        for name in found
        if re.search(r"\.(so|pyc|o)$|(^|/)(build|\.venv|\.git)/|egg-info", name)
    ]
    assert "pyproject.toml" in found


def test_nothing_can_be_compiled_where_a_wheel_is_tried(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    variables = build.bare(tmp_path)
    for name in ("cc", "gcc", "g++", "clang", "c99", "tcc", "make", "ld", "as"):
        assert shutil.which(name, path=variables["PATH"]) is None
    done = subprocess.run(
        ["sh", "-c", "$CC --version"],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 127


def test_every_part_is_asked_for() -> None:
    assert sorted(installed.PARTS) == sorted(
        re.findall(r'^name = "(leakhunt\.[\w.]+)"$', PYPROJECT, re.MULTILINE)
    )


def test_a_wheel_is_built_for_each_python_that_is_told() -> None:
    told = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', PYPROJECT)
    (built,) = re.findall(r'^build = "(.*)"$', PYPROJECT, re.MULTILINE)
    assert built.split() == [f"cp3{minor}-*" for minor in told]


@pytest.fixture
def release() -> Any:
    yaml: Any = pytest.importorskip("yaml")
    return yaml.safe_load(RELEASE.read_text())


def test_a_tag_publishes_what_was_checked(release: Any) -> None:
    jobs = release["jobs"]
    assert (
        sorted(jobs["publish"]["needs"]) == ["sdist", "wheels"] == sorted(set(jobs) - {"publish"})
    )
    assert "refs/tags/v" in jobs["publish"]["if"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert release["permissions"] == {"contents": "read"}
    for name in ("sdist", "wheels"):
        steps = [step.get("run", "") + step.get("uses", "") for step in jobs[name]["steps"]]
        assert any("twine check --strict" in step for step in steps)
        assert "upload-artifact" in steps[-1]
    built = {
        (each["os"].split("-")[0], each["arch"])
        for each in jobs["wheels"]["strategy"]["matrix"]["include"]
    }
    assert built == {
        ("ubuntu", "x86_64"),
        ("ubuntu", "aarch64"),
        ("macos", "x86_64"),
        ("macos", "arm64"),
    }


def test_the_version_that_a_tag_must_have_is_read_from_its_one_place(
    release: Any, tmp_path: Path
) -> None:
    (script,) = [
        step["run"]
        for step in release["jobs"]["publish"]["steps"]
        if "GITHUB_REF_NAME" in step.get("run", "")
    ]
    (version,) = re.findall(
        r'^__version__ = "(.*)"$', (ROOT / "leakhunt/__init__.py").read_text(), re.MULTILINE
    )
    (tmp_path / "leakhunt").mkdir()
    shutil.copy(ROOT / "leakhunt/__init__.py", tmp_path / "leakhunt")
    (tmp_path / "dist").mkdir()
    (tmp_path / f"dist/leakhunt-{version}.tar.gz").touch()

    def passes(tag: str) -> bool:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "GITHUB_REF_NAME": tag},
            check=False,
        )
        return done.returncode == 0

    assert passes(f"v{version}")
    assert not passes(f"v{version}1")
    assert not passes(version)
