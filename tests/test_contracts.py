"""The import contracts notice what they are there for: each sabotage of a copy breaks the build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 10),
    reason="the import-linter for this Python knows no protected modules: newer ones check them",
)


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-cache",
        ],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts."""
    pytest.importorskip("importlinter")
    shutil.copytree(
        ROOT / "leakhunt",
        tmp_path / "leakhunt",
        ignore=shutil.ignore_patterns("__pycache__", "*.so"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_package_keeps_its_contracts(copy: Path) -> None:
    done = linted(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("newcomer.py", "", "Every room has its floor"),
        ("judge/newcomer.py", "", "Every part of the judgement has its floor"),
        ("judge/series/newcomer.py", "", "A series is mathematics"),
        ("judge/excuses/newcomer.py", "", "Excuses are tried in one order"),
        ("hook/newcomer.py", "", "The hook: what is asked"),
        ("cli/newcomer.py", "", "A command is a file"),
        ("render/newcomer.py", "", "A format knows no other format"),
        ("report/newcomer.py", "", "A report is made of words"),
        ("judge/series/stats.py", "import leakhunt.judge.history", "Every part of the judgement"),
        (
            "judge/excuses/garbage.py",
            "import leakhunt.judge.excuses.overrated",
            "Excuses are tried",
        ),
        ("hook/making.py", "import leakhunt.hook.captures", "The hook: what is asked"),
        ("judge/verdict.py", "import celery", "The analysis is pure"),
        ("snapshots/load.py", "import psutil", "The analysis is pure"),
        ("hook/__init__.py", "import rich", "The worker is a guest"),
        ("cli/top.py", "import leakhunt.cli.diff", "A command is a file"),
    ],
)
def test_a_sabotage_breaks_the_build(copy: Path, file: str, line: str, contract: str) -> None:
    with (copy / "leakhunt" / file).open("a") as source:
        source.write(f"\n{line}\n")
    done = linted(copy)
    assert done.returncode != 0
    # Behind it may stand how many imports the contract leaves out.
    broken = [said for said in done.stdout.splitlines() if " BROKEN" in said]
    assert [said for said in broken if said.startswith(contract)], done.stdout + done.stderr
