"""The table of Pythons, engines and pools says what was run, and its cells see what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness, matrix
from tests.support.console import store


def test_a_table_says_what_is_whole_what_lacks_and_what_is_refused() -> None:
    whole: dict[str, list[str] | None] = {
        f"{pool} {engine}": [] for pool in matrix.POOLS for engine in matrix.ENGINES
    }
    rows: list[dict[str, Any]] = [
        {"python": "PyPy 3.11.9", "refused": "leakhunt needs tracemalloc"},
        {"python": "3.14.1t", "cells": {**whole, **{f"{p} sampled": ["another engine: exact"] for p in matrix.POOLS}}},
        {"python": "3.9.18", "cells": {**whole, "solo exact": ["in place"]}},
        {"python": "3.14.1", "cells": {**whole, "gevent sampled": None, "gevent exact": None}},
    ]  # fmt: skip
    lines = matrix.table(rows).splitlines()
    assert lines[2:6] == [
        "| 3.9.18 | both | both | sampled [1] | both | both | both |",
        "| 3.14.1 | both | both | both | both | absent | both |",
        "| 3.14.1t |" + " exact [2] |" * 6,
        "| PyPy 3.11.9 |" + " no [3] |" * 6,
    ]
    assert [line for line in lines if line.startswith("[")] == [
        "[1] exact: in place", "[2] sampled: another engine: exact", "[3] refused: leakhunt needs tracemalloc",
    ]  # fmt: skip


def test_a_snapshot_that_lacks_everything_is_told_so(tmp_path: Path) -> None:
    found = matrix.lacks(
        store(tmp_path / "x.bin", 3, forked=False, exact=False, heap=None), "sampled"
    )
    assert [re.sub(":.*", "", each) for each in found] == [
        "another engine", "tasks wait for a snapshot", "no word of who keeps what",
        "the leak's line is not first", "its bytes are wrong",
    ]  # fmt: skip


@pytest.mark.live
def test_a_cell(tmp_path: Path) -> None:
    assert matrix.cell("solo", harness.engine(), tmp_path) == []
