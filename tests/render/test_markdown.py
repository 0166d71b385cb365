"""Markdown for tickets: what the table says, in the words of the page."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Facts
from leakhunt.report import tables
from leakhunt.report.compared import compare
from leakhunt.report.trend import trend
from tests.support.builders import history, snap, stack
from tests.support.growing import rising
from tests.support.pages import as_markdown


def cells(text: str, rank: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {rank} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_growth_per_task_is_divided_by_the_tasks() -> None:
    before = snap("a.py:1 1KiB x1", tasks_done=0, sequence=1)
    after = snap("a.py:1 1001KiB x1001", tasks_done=1000)
    text = as_markdown(tables.diff(before, after, Query()))
    assert cells(text, "1")[:4] == ["1", "+1,000.0 KiB", "+1,000", "1.0 KiB"]
    assert cells(text, "#") == ["#", "growth", "blocks", "per task", "where"]


def test_what_is_left_out_is_told_by_its_reason() -> None:
    made = snap("a.py:1 1KiB x1", "b.py:1 2KiB x1", "<frozen importlib._bootstrap>:7 5B x4")
    text = as_markdown(tables.top(made, Query(excludes=("b",))))
    assert "dropped by filters: 2.0 KiB at 1 line" in text
    assert "hidden (tracing and import machinery; --all shows it): 5 B at 1 line" in text
    assert "total: 3.0 KiB" in text


def test_freelist_rows_are_marked() -> None:
    made = snap("a.py:1 1KiB x2")
    known = {stack("a.py:1"): Facts(types=MappingProxyType({"dict": 1024}), recycled=1024)}
    text = as_markdown(tables.top(replace(made, facts=MappingProxyType(known)), Query()))
    assert "may be recycled from a freelist" in cells(text, "1")[-1]
    assert "note: of what is recycled" in text


def test_a_trend_has_its_sentence_and_a_row_per_finding() -> None:
    n = 10
    sizes, counts = [50_000 * (i + 1) for i in range(n)], [100 * (i + 1) for i in range(n)]
    report = trend([history(("/srv/shop/tasks.py:40", sizes, counts))])
    text = as_markdown(report)
    assert text.startswith(f"**{report.summary}**\n")
    assert cells(text, "1") == [
        "1", "leak", "+500 B", "+439.5 KiB", "tasks.py:40", "since the first snapshot"
    ]  # fmt: skip


def test_a_place_is_told_as_its_grouping_has_it() -> None:
    """A line with its function and code, a file or package without; and a line of which no stack is told."""
    made = snap("/srv/shop/tasks.py:40 < /srv/shop/run.py:7 3KiB x3")
    where = {
        by: cells(as_markdown(tables.top(made, Query(group_by=by))), "1")[-1]
        for by in ("lineno", "traceback", "filename", "package")
    }
    assert where == {
        "lineno": "`tasks.py:40`", "traceback": "`tasks.py:40`", "filename": "`tasks.py`", "package": "`tasks`",
    }  # fmt: skip
    report = tables.top(made, Query())
    (row,) = report.comparison.rows
    rows = (replace(row, change=replace(row.change, stack=())),)
    bare = replace(report, comparison=replace(report.comparison, rows=rows))
    assert cells(as_markdown(bare), "1")[-1] == "`tasks.py`"


def test_two_series_have_their_sentence_a_row_per_place_and_what_they_rest_on() -> None:
    leaking = history(("/srv/shop/tasks.py:40", rising(50_000, 12), rising(100, 12)))
    flat = history(("/srv/shop/tasks.py:40", [50_000] * 12, [100] * 12))
    report = compare(leaking, flat, ("a | b",))
    text = as_markdown(report)
    assert text.startswith(f"**{report.summary}**\n")
    (row,) = (line for line in text.splitlines() if line.startswith("| `"))
    assert [cell.strip() for cell in row.split("|")[1:4]] == [
        "`tasks.py:40`", "fixed", "+500 B per task (500 B to 500 B)"
    ]  # fmt: skip
    assert "\n- before: 12 snapshots over 1,100 tasks of process 4242; " in text
    assert text.endswith("\n- note: a \\| b\n")
    same = as_markdown(compare(flat, flat))
    assert "| place |" not in same
