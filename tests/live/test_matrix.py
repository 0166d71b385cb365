"""The table of Pythons, engines and pools says what was run, and its cells see what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live import harness, matrix
from tests.support.console import store

WHOLE: dict[str, matrix.Cell] = {
    f"{pool} {engine}": [] for pool in matrix.POOLS for engine in matrix.ENGINES
}
#: What each row says besides its cells.
RAN = {"system": "Linux x86_64", "day": "2026-11-29", "celery": "5.7.0"}


#: In place, and no worse.
WAITS = ["tasks wait for a snapshot"]


def test_a_table_says_what_is_whole_what_lacks_and_what_is_refused() -> None:
    lacking: dict[str, matrix.Cell] = {
        f"{p} sampled": ["another engine: exact"] for p in matrix.POOLS
    }
    absent: dict[str, matrix.Cell] = {"gevent sampled": None, "gevent exact": None}
    rows: list[dict[str, Any]] = [
        {"python": "PyPy 3.11.9", "refused": "leakhunt needs tracemalloc", "system": "Linux x86_64", "day": "2026-12-01"},
        {**RAN, "python": "3.14.1t", "cells": {**WHOLE, **lacking}},
        {**RAN, "python": "3.9.18", "celery": "5.5.3", "cells": {**WHOLE, "solo exact": ["in place"]}},
        {**RAN, "python": "3.14.1", "cells": {**WHOLE, **absent}},
        {**RAN, "python": "3.13.18", "cells": WHOLE},
        {**RAN, "python": "3.13.2", "cells": {**WHOLE, "solo exact": ["slow"], "solo sampled": ["slow"]}},
        {**RAN, "python": "3.14.4t", "cells": {**WHOLE, "solo exact": WAITS, "solo sampled": ["another engine: exact", *WAITS]}},
    ]  # fmt: skip
    lines = matrix.table(rows).splitlines()
    assert lines[2:9] == [
        "| 3.9.18 | 5.5.3 | both | both | sampled [1] | both | both | both |",
        "| 3.13.2 | 5.7.0 | both | both | no [2] [3] | both | both | both |",
        "| 3.13.18 | 5.7.0 |" + " both |" * 6,
        "| 3.14.1 | 5.7.0 | both | both | both | both | absent | both |",
        "| 3.14.1t | 5.7.0 |" + " exact [4] |" * 6,
        "| 3.14.4t | 5.7.0 | both | both | in part [5] [6] | both | both | both |",
        "| PyPy 3.11.9 | - |" + " no [7] |" * 6,
    ]
    assert [line for line in lines if line.startswith("[")] == [
        "[1] exact: in place", "[2] sampled: slow", "[3] exact: slow", "[4] sampled: another engine: exact",
        "[5] sampled: another engine: exact; tasks wait for a snapshot", "[6] exact: tasks wait for a snapshot",
        "[7] refused: leakhunt needs tracemalloc",
    ]  # fmt: skip
    assert lines[-1] == "Run from 2026-11-29 to 2026-12-01 on Linux x86_64."


PLACE = f"# A page\n\n{matrix.BEGIN}an old table\n{matrix.END}\nmore\n"


def test_a_table_goes_to_its_place_and_is_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "kept", lambda: [{**RAN, "python": "3.9.18", "cells": WHOLE}])
    page = tmp_path / "page.md"
    page.write_text(PLACE)
    assert matrix.main(["table", str(page)]) == 0
    before, inside, behind = matrix.within(page.read_text())
    assert (before, behind) == ("# A page\n\n", "\nmore\n")
    assert inside == "\n" + matrix.table(matrix.kept(), matrix.promised()) + "\n"
    once = page.read_text()
    assert matrix.main(["table", str(page)]) == 0
    assert page.read_text() == once


@pytest.mark.parametrize(
    "text",
    ["# A page\n", matrix.BEGIN, matrix.END, matrix.END + matrix.BEGIN, PLACE + PLACE, PLACE + matrix.END],
    ids=["none", "no end", "no begin", "turned round", "two", "two ends"],
)  # fmt: skip
def test_a_page_without_one_place_for_it_stays_as_it_is(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert matrix.main(["table", str(page)]) == 2
    assert page.read_text() == text
    assert str(page) in capsys.readouterr().err


def test_a_table_of_nothing_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "KEPT", tmp_path / "matrix")
    page = tmp_path / "page.md"
    page.write_text(PLACE)
    assert matrix.main(["table", str(page)]) == 2
    assert page.read_text() == PLACE
    assert "nothing was run" in capsys.readouterr().err


def test_the_page_has_the_table_of_what_was_run() -> None:
    _, inside, _ = matrix.within(matrix.PAGE.read_text(encoding="utf-8"))
    assert inside == f"\n{matrix.table(matrix.kept(), matrix.promised())}\n", (
        "python -m tests.live.matrix table"
    )


def test_a_row_has_every_pool_with_every_engine() -> None:
    rows = matrix.kept()
    assert rows
    assert all(list(row["cells"]) == list(WHOLE) for row in rows if "refused" not in row)


def test_a_promised_python_that_was_not_run_is_named() -> None:
    assert len(matrix.promised()) >= 7
    rows = [
        {**RAN, "python": each, "cells": WHOLE} for each in ("3.9.18", "3.14.2t", "PyPy 3.10.2")
    ]
    last = matrix.table(rows, ["3.9", "3.10", "3.14"]).splitlines()[-1]
    assert last == "Run on 2026-11-29 on Linux x86_64. Not run: 3.10, 3.14."


def test_a_cell_that_raises_is_told_and_the_others_are_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken: dict[str, Callable[[Path], BaseException]] = {
        "prefork exact": lambda folder: OSError(28, "No space left", f"{folder}/queue"),
        "spawn sampled": lambda _: AssertionError("the worker ended:\nits log\nError: why\n"),
        "solo exact": lambda _: AssertionError(),
        "threads sampled": lambda _: TimeoutError("The operation timed out."),
        "gevent exact": lambda _: pytest.skip.Exception("could not import 'gevent'"),
    }

    def ask(pool: str, engine: str, folder: Path) -> matrix.Cell:
        if f"{pool} {engine}" in broken:
            raise broken[f"{pool} {engine}"](folder)
        return []

    row = matrix.run(ask)
    assert list(row["cells"]) == list(WHOLE)
    assert {name: found for name, found in row["cells"].items() if found != []} == {
        "prefork exact": ["fails: OSError: [Errno 28] No space left: 'FOLDER/queue'"],
        "spawn sampled": ["fails: the worker ended: Error: why"],
        "solo exact": ["fails: AssertionError"],
        "threads sampled": ["fails: TimeoutError: The operation timed out."],
        "gevent exact": ["fails: Skipped: could not import 'gevent'"],
    }
    said = capsys.readouterr()
    assert "its log" in said.err
    assert said.out.count("\n") == len(WHOLE)


def test_a_run_is_kept_and_its_exit_status_says_whether_all_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "KEPT", tmp_path / "matrix")
    for cells, status in (
        (WHOLE, 0),
        ({**WHOLE, "gevent exact": None}, 0),
        ({**WHOLE, "solo exact": ["x"]}, 1),
    ):
        row = {**RAN, "python": "PyPy 3.11.9", "cells": cells}
        monkeypatch.setattr(matrix, "run", lambda row=row: row)
        assert matrix.main(["run"]) == status
        assert matrix.kept() == [row]
    assert [path.name for path in matrix.KEPT.iterdir()] == ["pypy-3.11.9.json"]


def test_a_snapshot_that_lacks_everything_is_told_so(tmp_path: Path) -> None:
    found = matrix.lacks(
        store(tmp_path / "x.bin", 3, forked=False, exact=False, heap=None), "sampled"
    )
    assert [re.sub(":.*", "", each) for each in found] == [
        "another engine", "tasks wait for a snapshot", "no word of who keeps what",
        "another line than the leak's is first", "its bytes are wrong",
    ]  # fmt: skip


@pytest.mark.live
def test_a_cell(tmp_path: Path) -> None:
    assert matrix.cell("solo", harness.engine(), tmp_path) == []
