"""Tables on a terminal: nothing wraps that is a number."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from leakhunt.judge import account as causes
from leakhunt.model.account import Account, Part
from leakhunt.model.query import Query
from leakhunt.render.screen import Screen
from leakhunt.render.terminal import tables
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


def many(of: int) -> report.TopReport:
    text = " ".join(f"/srv/shop/{'deep/' * 9}m{n}.py:1 {n}KiB x{n}," for n in range(1, of + 1))
    return report.top(snap(*text.rstrip(",").replace(", ", ",").split(",")), Query())


@pytest.mark.parametrize("height", [24, 40, 12])
def test_a_table_that_nobody_has_sized_ends_where_the_window_does(height: int) -> None:
    made = many(30)
    text = tables.top(made, Screen(80, height=height, fits=True))
    shown = len(re.findall(r"^ *[0-9]+ .*KiB", text, re.MULTILINE))
    assert text.count("\n") < height or shown == 1
    assert 1 <= shown < 20
    assert f"{30 - shown} lines more (-n 0 shows all)" in text
    whole = tables.top(made, Screen(80, height=height))
    assert len(re.findall(r"^ *[0-9]+ .*KiB", whole, re.MULTILINE)) == 20
    assert "1 line more" in tables.top(many(2), Screen(80, height=5, fits=True))


def test_a_diff_ends_there_too() -> None:
    before = snap("/srv/shop/a.py:1 1KiB x1")
    after = snap(*(f"/srv/shop/m{n}.py:1 {n}KiB x{n}" for n in range(1, 31)))
    made = report.diff(before, after, Query())
    assert tables.diff(made, Screen(80, height=24, fits=True)).count("\n") < 24
    assert tables.diff(made, Screen(80, height=24)).count("\n") >= 24
