"""Tables on a terminal: nothing wraps that is a number."""

from __future__ import annotations

import re

import pytest

from leakhunt.model.query import Query
from leakhunt.report import tables as report
from tests.support.builders import snap
from tests.support.pages import page


@pytest.mark.parametrize("columns", [80, 200])
def test_numbers_never_wrap_and_lines_fit(columns: int) -> None:
    deep = "/srv/shop/" + "a_very_long_folder_name/" * 9 + "tasks.py"
    before = snap(f"{deep}:1 1KiB x1", "<string>:1 1KiB x1")
    after = snap(f"{deep}:1 123456KiB x123456", "<string>:1 1KiB x1")
    text = page(report.diff(before, after, Query()), columns)
    assert max(map(len, text.splitlines())) <= columns
    assert "+120.6 MiB  +123,455" in text
    joined = re.sub(r"\s+", "", text)
    assert deep[len("/srv/shop/") :] + ":1" in joined
