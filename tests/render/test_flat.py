"""CSV and Markdown."""

from __future__ import annotations

import csv
import io

from leakhunt.model.query import Query
from leakhunt.render import flat
from leakhunt.report import tables as report
from tests.support.builders import snap


def test_csv_is_text_to_a_spreadsheet() -> None:
    text = flat.csv_text(report.top(snap("=cmd().py:1 1KiB x2"), Query()))
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:5] == ["rank", "file", "line", "function", "package"]
    assert rows[1][1] == "'=cmd().py"
    assert [row[0] for row in rows[2:]] == ["remainder", "dropped"]
