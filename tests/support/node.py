"""What others have written in JavaScript to read the files that leakhunt writes.

The packages and their hashes are in the lock file of ``tests/support/readers``; their own scripts are not run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.places import ROOT

READERS = ROOT / "tests" / "support" / "readers"
#: SARIF's own, of the OASIS standard; and speedscope's.
SARIF_SCHEMA = "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
SPEEDSCOPE = "node_modules/speedscope/dist/release"
SPEEDSCOPE_SCHEMA = f"{SPEEDSCOPE}/file-format-schema.json"

#: Seconds after which a program is taken for hung.
HANGS = 500


def installed(folder: Path) -> Path:
    """A folder with the packages of the lock file; skips the test where there is no npm, or no registry."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed: nothing here reads what others' JavaScript reads")
    made = folder / "readers"
    shutil.copytree(READERS, made)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=made, capture_output=True, text=True, timeout=HANGS, check=False,
    )  # fmt: skip
    if done.returncode and any(sign in done.stderr for sign in ("npm error network", "ENOTFOUND")):
        pytest.skip("the npm registry cannot be reached: the readers cannot be installed")
    assert done.returncode == 0, done.stderr
    return made


def ran(made: Path, *command: str, stdin: str | None = None) -> str:
    """What ``node`` prints there."""
    done = subprocess.run(
        ["node", *command], cwd=made, input=stdin, capture_output=True, text=True, encoding="utf-8",
        timeout=HANGS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def against(made: Path, schema: str, *documents: str) -> list[list[str]]:
    """What that schema has against each of the documents."""
    paths = []
    for number, document in enumerate(documents):
        path = made / f"document-{number}.json"
        path.write_text(document, encoding="utf-8")
        paths.append(str(path))
    found: list[list[str]] = json.loads(ran(made, "validate.cjs", schema, *paths))
    return found


def issued(made: Path, commands: Sequence[tuple[str, dict[str, str], str]]) -> str:
    """Workflow commands as GitHub's toolkit writes them."""
    return ran(made, "commands.mjs", stdin=json.dumps(commands))
