"""A program runs under the hook as without it: arguments, path, name, status, traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from leakhunt.hook import launch
from tests.support.unbuilt import said

TELLS = """
import json, sys
print(json.dumps({
    "argv": sys.argv, "path": sys.path, "name": __name__, "file": __file__, "spec": bool(__spec__),
    "main": sys.modules["__main__"].__dict__ is globals(), "builtins": type(__builtins__).__name__,
}))
"""


def run(kind: str, target: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    settings = json.dumps({"dir": str(folder / "snapshots"), "engine": "off"})
    return subprocess.run(
        [sys.executable, launch.__file__, settings, kind, target, *words],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def alone(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The interpreter by itself."""
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(TELLS)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(TELLS)
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        archive.writestr("__main__.py", TELLS)
    return tmp_path


@pytest.mark.parametrize("target", ["script.py", "package", "archive"])
def test_a_script_a_folder_and_an_archive_see_what_they_see_alone(
    target: str, folder: Path
) -> None:
    hooked, plain = (
        run("script", target, "a", "-b", folder=folder),
        alone(target, "a", "-b", folder=folder),
    )
    assert said(hooked.stderr) == ""
    assert json.loads(hooked.stdout) == json.loads(plain.stdout)


@pytest.mark.parametrize("target", ["script", "package"])
def test_a_module_sees_what_it_sees_alone(target: str, folder: Path) -> None:
    hooked, plain = (
        run("module", target, "a", "-b", folder=folder),
        alone("-m", target, "a", "-b", folder=folder),
    )
    assert said(hooked.stderr) == ""
    assert json.loads(hooked.stdout) == json.loads(plain.stdout)


@pytest.mark.parametrize(
    ("source", "status"),
    [("raise SystemExit(7)", 7), ("raise SystemExit('why')", 1), ("raise KeyError('k')", 1)],
)
def test_it_ends_as_alone_with_the_same_status_and_the_same_words(
    source: str, status: int, folder: Path
) -> None:
    (folder / "ends.py").write_text(
        textwrap.dedent(f"""
        def inner():
            {source}
        inner()
    """)
    )
    hooked, plain = run("script", "ends.py", folder=folder), alone("ends.py", folder=folder)
    assert (hooked.returncode, said(hooked.stderr)) == (
        status,
        plain.stderr.replace('"ends.py"', f'"{folder / "ends.py"}"'),
    )
    assert plain.returncode == status


def test_a_file_that_is_not_there_is_said_so(folder: Path) -> None:
    done = run("script", "nowhere.py", folder=folder)
    assert done.returncode == 1
    assert (
        said(done.stderr) == "leakhunt: can't open file 'nowhere.py': No such file or directory\n"
    )


def test_the_program_is_hooked(folder: Path) -> None:
    (folder / "dumps.py").write_text("import leakhunt, os; print(os.path.exists(leakhunt.dump()))")
    environment = {**os.environ, "PYTHONPATH": str(Path(launch.__file__).parents[2])}
    settings = json.dumps({"dir": str(folder / "snapshots"), "engine": "off"})
    done = subprocess.run(
        [sys.executable, launch.__file__, settings, "script", "dumps.py"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert done.stdout == "True\n"


def test_a_setting_that_is_wrong_is_one_line(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, launch.__file__, json.dumps({"every": "often"}), "script", "script.py"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("leakhunt: ")
    assert done.stderr.count("\n") == 1
