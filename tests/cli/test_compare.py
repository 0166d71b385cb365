"""``leakhunt compare`` on stored series."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.console import grown, run, store


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    grown(tmp_path / "before", 9, pid=4242)
    for index in range(1, 10):
        store(tmp_path / "after" / f"{index:06d}.bin", 5, tasks_done=100 * index, sequence=index,
              taken_at=1_800_000_000.0 + 10 * index, pid=4243)  # fmt: skip
    return str(tmp_path / "before"), str(tmp_path / "after")


def test_a_fix_is_told_in_a_sentence(sides: tuple[str, str]) -> None:
    done = run("compare", *sides)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Fixed: tasks.py:40 (process) gone: +10.0 KiB → ")
    assert "ORDERS.append(json.loads(text))" in done.stdout


def test_what_is_worse_fails_where_somebody_asks(sides: tuple[str, str]) -> None:
    assert run("compare", *reversed(sides)).returncode == 0
    assert run("compare", *reversed(sides), "--fail-on-worse").returncode == 3
    assert run("compare", *sides, "--fail-on-worse").returncode == 0


def test_the_document(sides: tuple[str, str]) -> None:
    found = json.loads(run("compare", *sides, "--json").stdout)
    assert found["schema"] == "leakhunt/compare@1"
    assert found["change"] == "fixed"
    assert found["before"]["pid"] == 4242
    (place,) = found["places"]
    assert place["place"] == {
        "file": "tasks.py",
        "function": "process",
        "code": "ORDERS.append(json.loads(text))",
    }
    assert place["before"]["bytes_per_unit"] == pytest.approx(10240)
    low, high = place["after"]["ci95"]
    assert low == 0 < high < 1024


def test_every_line_fits_80_columns(sides: tuple[str, str]) -> None:
    done = run("compare", *sides, COLUMNS="80", NO_COLOR="1")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_a_folder_without_snapshots_is_an_error(tmp_path: Path) -> None:
    done = run("compare", str(tmp_path), str(tmp_path))
    assert done.returncode == 2
    assert "no snapshots" in done.stderr
