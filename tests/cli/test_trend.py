"""``leakhunt trend``: the verdict and its picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.console import grown, run


def test_trend_says_the_verdict_first_and_fails_above_a_rate(tmp_path: Path) -> None:
    grown(tmp_path, 8)
    done = run("trend", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith("Leak: +10.0 KiB per task at ")
    assert "tasks.py:40" in done.stdout.splitlines()[0]
    assert run("trend", str(tmp_path), "--fail-above", "20KiB").returncode == 0
    failed = run("trend", str(tmp_path), "--fail-above", "9KiB")
    assert failed.returncode == 3
    assert "a leak of 10.0 KiB per task" in failed.stderr


def test_trend_without_arguments_takes_the_process_that_grew_most(tmp_path: Path) -> None:
    (tmp_path / "a-1-x").mkdir()
    grown(tmp_path / "a-1-x", 4)
    found = json.loads(run("trend", "--json", "--dir", str(tmp_path)).stdout)
    assert found["verdict"] == "leak"
    assert len(found["series"]) == 4
    assert [snapshot["tasks_done"] for snapshot in found["series"]] == [100, 200, 300, 400]
    assert found["findings"][0]["series"] == [1024 * 1000 * index for index in range(1, 5)]


@pytest.mark.parametrize("form", ["csv", "markdown", "json", "table"])
def test_trend_filters_and_formats(tmp_path: Path, form: str) -> None:
    grown(tmp_path, 5)
    kept = run("trend", str(tmp_path), "-f", "shop", "--format", form)
    assert kept.returncode == 0
    assert "tasks.py" in kept.stdout
    dropped = run("trend", str(tmp_path), "-f", "webshop", "--format", "csv")
    assert len(dropped.stdout.splitlines()) == 1


def test_trend_with_too_little_or_nothing(tmp_path: Path) -> None:
    empty = run("trend", "--dir", str(tmp_path))
    assert empty.returncode == 2
    assert "no snapshots" in empty.stderr
    grown(tmp_path, 2)
    few = run("trend", str(tmp_path))
    assert few.returncode == 0
    assert few.stdout.startswith("Inconclusive: 2 snapshots")
    (tmp_path / "000009.bin").write_bytes(b"nonsense")
    some = run("trend", str(tmp_path))
    assert some.returncode == 0
    assert "not read" in some.stderr
    assert run("trend", str(tmp_path), "--strict").returncode == 2
    assert run("trend", "--watch", str(tmp_path / "000001.bin")).returncode == 2
