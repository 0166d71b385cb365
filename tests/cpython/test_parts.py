"""A compiled part that is missing or does not belong here is told of in one line, and never used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from leakhunt import __version__
from leakhunt.cpython import parts
from tests.support.places import ROOT

EXTENSIONS = [f"leakhunt.{name}" for name in (
    "hook.capture._fork", "hook.capture._garbage", "hook.capture._holders", "hook._takeover",
    "hook.capture.walk._walk", "engine._sampler", "snapfile._scan",
)]  # fmt: skip


def installing(root: Path, before: str = "", **variables: str) -> str:
    """What a program says that installs leakhunt from there."""
    program = (
        f"{before}\nimport leakhunt, os\nleakhunt.install(dir=os.environ['HOME'])\nprint('runs on')"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEAKHUNT_")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=400,
        cwd=root, env={**environment, "PYTHONPATH": str(root), "HOME": str(root), **variables},
    )  # fmt: skip
    assert done.stdout == "runs on\n", done.stderr
    return done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package with its compiled parts, in a folder of its own."""
    shutil.copytree(
        ROOT / "leakhunt", tmp_path / "leakhunt", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def compiled(name: str) -> None:
    if parts.load(name) is None:
        pytest.skip(f"{name}: {parts.missing[name]}")


def test_all_of_them_load_where_the_interpreter_is_a_known_one() -> None:
    """Each is optional, so nothing else would tell that one has not been built."""
    if parts.refused() or not parts.FITTING[0] <= sys.version_info[:2] <= parts.FITTING[1]:
        pytest.skip("not for this interpreter")
    if shutil.which("cc") is None and all(parts.load(name) is None for name in EXTENSIONS):
        pytest.skip("installed without a compiler")
    assert {name: parts.load(name) and None for name in EXTENSIONS} == dict.fromkeys(EXTENSIONS)
    assert {name: parts.missing.get(name) for name in EXTENSIONS} == dict.fromkeys(EXTENSIONS)


def test_with_all_of_them_nothing_is_said(copy: Path) -> None:
    for name in EXTENSIONS:
        compiled(name)
    assert installing(copy) == ""


@pytest.mark.parametrize("name", sorted(parts.LOSSES))
def test_one_that_is_missing_is_told_with_what_goes_without_it(copy: Path, name: str) -> None:
    for other in EXTENSIONS:
        compiled(other)
    for path in copy.joinpath(*name.split(".")[:-1]).glob(f"{name.rpartition('.')[2]}.*.so"):
        path.unlink()
    (line,) = installing(copy).splitlines()
    assert f"({name.rpartition('.')[2]}: it was not compiled): {parts.LOSSES[name]}." in line
    assert "install leakhunt anew" in line


def test_all_that_are_missing_are_one_line_beside_the_engines(copy: Path) -> None:
    for path in copy.rglob("*.so"):
        path.unlink()
    engine, lost = installing(copy).splitlines()
    why = parts.refused() or "it was not compiled"
    assert f"using the exact engine: the sampled engine does not work here: {why}" in engine
    assert f"_fork, _garbage, _holders, _walk, _takeover: {why}" in lost


def test_one_that_was_built_from_other_sources_is_told_and_not_used(copy: Path) -> None:
    for name in EXTENSIONS:
        compiled(name)
    with (copy / "leakhunt/hook/capture/walk/graph.inc").open("a") as file:
        file.write("/* changed since */\n")
    (line,) = installing(copy).splitlines()
    assert "_walk: it was built from other sources than those beside it" in line
    told = subprocess.run(
        [sys.executable, "-c", "from leakhunt.hook.capture import walk; print(walk._walk)"],
        cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "None\n"


def test_one_of_another_release_of_leakhunt_is_not_used() -> None:
    part = types.ModuleType("part")
    assert parts.outdated(part) == "it was built for an older leakhunt"
    part.BUILT = ""  # type: ignore[attr-defined]
    assert parts.outdated(part) is None
    part.BUILT = f"{__version__} 00000000 leakhunt/not_there.c"  # type: ignore[attr-defined]
    assert parts.outdated(part) is None
    part.BUILT = "0.0.1 00000000 leakhunt/not_there.c"  # type: ignore[attr-defined]
    assert parts.outdated(part) == f"it was built for leakhunt 0.0.1, and this is {__version__}"


def test_free_threaded_and_other_interpreters_load_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "missing", {})
    monkeypatch.setattr(sys, "abiflags", "t", raising=False)
    assert parts.load("leakhunt.hook.capture._fork") is None
    lost = parts.lost()
    assert lost is not None
    assert "they do not support free-threaded builds of Python" in lost
    assert "CPython 3.9 to 3.15 with the GIL" in lost


def test_what_an_extension_is_made_of_is_listed() -> None:
    """Else a change of it would leave the part as it was, and nobody would see that."""
    tomllib = pytest.importorskip("tomllib")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extensions = known["tool"]["setuptools"]["ext-modules"]
    assert sorted(each["name"] for each in extensions) == sorted(EXTENSIONS)
    for each in extensions:
        listed, todo, seen = {*each["sources"], *each["depends"]}, list(each["sources"]), set()
        while todo:
            path = (ROOT / todo.pop()).resolve()
            for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
                found = (path.parent / name).resolve()
                if name.startswith("internal/") or str(found) in seen:
                    continue
                seen.add(str(found))
                todo.append(str(found.relative_to(ROOT)))
        needed = {str(Path(found).relative_to(ROOT)) for found in seen}
        assert needed <= listed, each["name"]
        assert listed <= needed | set(each["sources"]), each["name"]
