"""The runner's settings go over a command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from leakhunt.gate import runner


def test_settings_are_what_was_said() -> None:
    said = runner.settings_of(target="shop:take", args=None, orders=3, eager=True)
    assert json.loads(said) == {"target": "shop:take", "args": None, "orders": 3, "eager": True}


def test_it_imports_nothing_of_leakhunt_before_it_knows_its_settings() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print([name for name in sys.modules if name.startswith('leakhunt')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(runner.__file__))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
