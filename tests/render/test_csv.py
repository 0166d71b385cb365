"""CSV: the right number in the right column, and nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from leakhunt.model.query import Query
from leakhunt.report import tables
from leakhunt.report.trend import trend
from tests.support.builders import history, snap
from tests.support.pages import as_csv, document


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_text_is_text_to_a_spreadsheet() -> None:
    lines = read(as_csv(tables.top(snap("=cmd().py:1 1KiB x2"), Query())))
    assert lines[0]["file"] == "'=cmd().py"
    assert [line["rank"] for line in lines] == ["1", "remainder", "dropped"]


def test_what_is_alive_is_in_its_columns() -> None:
    made = snap("a.py:1 3KiB x3", "b.py:2 2KiB x1", "<frozen importlib._bootstrap>:7 5B x4")
    lines = read(as_csv(tables.top(made, Query(limit=1))))
    assert [(line["rank"], line["size"], line["count"]) for line in lines] == [
        ("1", "3072", "3"), ("remainder", "2048", "1"), ("dropped", "5", "4"),
    ]  # fmt: skip
    assert lines[0]["stack"] == "a.py:1"


def test_what_grew_is_in_its_columns() -> None:
    before, after = snap("a.py:1 1KiB x3"), snap("a.py:1 5KiB x10")
    (row, *_) = read(as_csv(tables.diff(before, after, Query())))
    names = ("size_before", "size_after", "size_diff", "count_before", "count_after", "count_diff")
    assert [int(row[name]) for name in names] == [1024, 5120, 4096, 3, 10, 7]


@pytest.mark.parametrize("group", ["lineno", "type", "task"])
def test_what_splits_a_line_has_a_column_that_bears_its_name(group: str) -> None:
    """Of rows that are parts of a line, the part; of others no column more."""
    made = snap("a.py:1 3KiB x3")
    (header, row, *below) = list(
        csv.reader(io.StringIO(as_csv(tables.top(made, Query(group_by=group)))))
    )
    assert header[:7] == ["rank", "file", "line", "function", "package", "size", "count"]
    assert header[7:] == (["stack"] if group == "lineno" else ["stack", group])
    assert all(len(line) == len(header) for line in (row, *below))


def test_a_finding_is_in_its_columns_as_json_has_it() -> None:
    n = 10
    sizes = [500 * 100 * (i + 1) + 977 * (i % 3) for i in range(n)]
    report = trend([history(("/srv/shop/tasks.py:40", sizes, [100 * (i + 1) for i in range(n)]))])
    (line,) = read(as_csv(report))
    (finding,) = document(report)["findings"]
    low, high = finding["ci95"]
    assert low < finding["bytes_per_unit"] < high
    for name, value in {
        "bytes_per_unit": finding["bytes_per_unit"], "low": low, "high": high,
        "blocks_per_unit": finding["blocks_per_unit"], "size_first": sizes[0], "size_last": sizes[-1],
        "share": finding["share"],
    }.items():  # fmt: skip
        assert float(line[name]) == pytest.approx(value), name
    told: dict[str, Any] = {"verdict": "leak", "line": "40", "unit": "task", "rank": "1"}
    assert {name: line[name] for name in told} == told
    assert line["reason"] == finding["reason"]
