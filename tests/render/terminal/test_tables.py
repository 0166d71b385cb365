"""Tables on a terminal: nothing wraps that is a number."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from leakhunt.judge import account as causes
from leakhunt.model.account import Account, Part
from leakhunt.model.query import Query
from leakhunt.report import tables as report
from leakhunt.report.account import Told
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


@pytest.mark.parametrize(("kind", "next_step"), [(causes.PYTHON, False), (causes.FRAGMENTED, True)])
def test_where_the_growth_went_is_said_once(kind: str, next_step: bool) -> None:
    """By the account where there is one: other figures of the same beside it would contradict the table."""
    before = snap("/srv/shop/a.py:1 1MiB x10", rss=50 << 20, traced=5 << 20)
    after = snap("/srv/shop/a.py:1 4MiB x40", rss=54 << 20, traced=9 << 20)
    made = report.diff(before, after, Query())
    assert made.account is None
    assert "Python objects" in page(made)
    told = Told(
        Account(4 << 20, (Part("python", 4 << 20, "traces"),)), causes.Cause(kind, 4 << 20, 4 << 20),
        "RSS grew by 4.0 MiB.", "do this", True,
    )  # fmt: skip
    text = page(replace(made, account=told))
    assert "RSS grew by 4.0 MiB." in text
    assert "Python objects" not in text
    assert ("do this" in text) is next_step
