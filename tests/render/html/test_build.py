"""The shipped files are what the lock file builds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT

HTML = ROOT / "leakhunt" / "render" / "html"
SHIPPED = ("LICENSES.txt", "page.css", "page.js")


def test_every_library_is_pinned_and_hashed() -> None:
    asked = json.loads((HTML / "app/package.json").read_text())
    locked = json.loads((HTML / "app/package-lock.json").read_text())["packages"]
    for name, version in {**asked["dependencies"], **asked["devDependencies"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    for name, package in locked.items():
        if name:
            assert package["integrity"].startswith("sha512-")
            assert "resolved" not in package, "says where it was fetched from"


def test_every_library_in_the_page_has_its_licence_there() -> None:
    text = (HTML / "shipped/LICENSES.txt").read_text()
    for name in ("d3-flame-graph", "uplot", "@tanstack/table-core", "d3-selection"):
        assert f"\n{name} " in f"\n{text}"
    for part in text.split("-" * 80):
        head, _, body = part.strip().partition("\n")
        assert len(body) > 500, f"no licence text for {head}"
        assert head.endswith(("(MIT)", "(ISC)", "(Apache-2.0)", "(BSD-3-Clause)"))


def test_the_shipped_files_are_what_the_lock_builds(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the shipped files cannot be built again here")
    done = subprocess.run(
        ["sh", str(HTML / "app/build.sh"), str(tmp_path)],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    if done.returncode and ("npm error network" in done.stderr or "ENOTFOUND" in done.stderr):
        pytest.skip("the npm registry cannot be reached: the shipped files cannot be built again")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SHIPPED)
    for name in SHIPPED:
        assert (tmp_path / name).read_bytes() == (HTML / "shipped" / name).read_bytes(), (
            f"{name} is not what the lock builds: run leakhunt/render/html/app/build.sh"
        )
