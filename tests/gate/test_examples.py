"""The examples of the gate's README are run as they stand, but for what installs things."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

README = (ROOT / "leakhunt" / "gate" / "README.md").read_text()
EXAMPLES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL))

pytestmark = pytest.mark.live


def commands(file: str) -> list[list[str]]:
    """The commands of an example, in order, without `pip install`."""
    found = re.findall(
        r"^\s+- (?:run: )?((?:leakhunt|pytest|pip) .*)$", EXAMPLES[file], re.MULTILINE
    )
    assert any(command.startswith("pip install") for command in found)
    return [shlex.split(command) for command in found if not command.startswith("pip")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The project that the examples are of, in a folder of its repository; what it keeps is said by a file."""
    (tmp_path / ".git").mkdir()
    project = tmp_path / "backend"
    package = project / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "tasks.py").write_text(
        "import os\nKEPT = []\n\ndef process(order):\n"
        "    if os.path.exists('leaks'):\n        KEPT.append([order] * 100)\n"
    )
    (package / "fixtures.py").write_text(
        "import itertools\n\ndef orders():\n    for number in itertools.count():\n        yield number\n"
    )
    (project / "test_shop.py").write_text(
        "from shop.tasks import process\n\ndef test_process():\n    process(1)\n"
    )
    return project


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder, capture_output=True, text=True, check=False, timeout=500,
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
             "PYTEST_ADDOPTS": "-p no:cacheprovider"},
    )  # fmt: skip


def test_there_is_one_for_each() -> None:
    assert sorted(EXAMPLES) == [".github/workflows/leaks.yml", ".gitlab-ci.yml"]


def test_github_passes_what_is_healthy_and_fails_what_leaks(shop: Path) -> None:
    (command,) = commands(".github/workflows/leaks.yml")
    healthy = run(command, shop)
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert healthy.stdout.startswith("::notice title=leakhunt::No leak")
    (shop / "leaks").touch()
    leaks = run(command, shop)
    assert leaks.returncode == 3
    assert re.match(
        r"::error file=backend/shop/tasks\.py,line=6,title=leakhunt%3A memory leak::", leaks.stdout
    )
    assert "| `shop/tasks.py:6`" in (shop / "summary.md").read_text()


def test_gitlab_passes_what_is_healthy_and_fails_what_leaks(shop: Path) -> None:
    (command,) = commands(".gitlab-ci.yml")
    healthy = run([*command, "--leakhunt-at-most=5min"], shop)
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    (shop / "leaks").touch()
    leaks = run([*command, "--leakhunt-at-most=5min"], shop)
    assert leaks.returncode == 1
    assert '"verdict": "leak"' in (shop / "leaks.json").read_text()
    assert 'name="leakhunt_verdict" value="leak"' in (shop / "junit.xml").read_text()
