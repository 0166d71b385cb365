"""Compiles a test's own C: extensions for this interpreter, and libraries to preload."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def compiled(name: str, folder: Path, source: Path | None = None, *options: str) -> Path:
    """``FOLDER/NAME.so`` of ``NAME.c`` in this folder, or of another ``source``; skips the test without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    include = sysconfig.get_paths()["include"]
    if compiler is None or not (Path(include) / "Python.h").exists():
        pytest.skip("no C compiler, or no headers of this Python")
    target = folder / f"{name}.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-pthread", f"-I{include}", *options,
         str(source or HERE / f"{name}.c"), "-o", str(target)],
        check=True,
    )  # fmt: skip
    return target
