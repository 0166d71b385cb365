"""Ranking agrees with tracemalloc to the byte, and nothing is ever lost on the way."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakhunt.model.query import GROUPS, Query
from leakhunt.model.snapshot import NOTHING, Facts, Frame, Snapshot, Tally
from leakhunt.sites import rows as grouping
from leakhunt.sites.rows import Amount, Comparison
from leakhunt.snapshots import load
from tests.support.builders import snap, stack

FILES = st.sampled_from(
    [
        "/srv/shop/tasks.py",
        "/srv/shop/api/views.py",
        "/srv/venv/lib/python3.11/site-packages/celery/app/base.py",
        "/usr/lib/python3.11/json/decoder.py",
        "/usr/lib/python3.11/tracemalloc.py",
        "<frozen importlib._bootstrap>",
        "<string>",
    ]
)
STACKS = st.lists(st.tuples(FILES, st.integers(1, 3)), min_size=1, max_size=4).map(tuple)
TRACES = st.lists(
    st.tuples(st.sampled_from([0, 389047]), st.integers(0, 5000), STACKS, st.just(4)), max_size=25
)
QUERIES = st.builds(
    Query,
    group_by=st.sampled_from(GROUPS),
    filters=st.lists(
        st.sampled_from(["shop", "celery", "json.decoder", "*.py", "/srv"]), max_size=2
    ).map(tuple),
    excludes=st.lists(st.sampled_from(["celery", "tasks.py"]), max_size=1).map(tuple),
    innermost=st.booleans(),
    show_all=st.booleans(),
    blame=st.sampled_from(["innermost", "app"]),
    limit=st.sampled_from([0, 1, 3]),
    sort=st.sampled_from(["size", "count"]),
)


def both(traces: list[Any]) -> tuple[tracemalloc.Snapshot, Snapshot]:
    """The standard library's snapshot of the traces and ours, read from its dump."""
    theirs = tracemalloc.Snapshot(traces, 4)
    path = Path(tempfile.gettempdir(), f"leakhunt-test-{os.getpid()}.bin")
    theirs.dump(str(path))
    try:
        return theirs, load.load(path)
    finally:
        path.unlink()


def check(found: Comparison) -> None:
    """The conservation law."""
    parts = [found.remainder, found.dropped]
    parts += [Amount(row.change.before, row.change.after) for row in found.rows]
    total = Amount()
    for part in parts:
        total = total.plus(part)
    assert total == found.totals
    assert [row.rank for row in found.rows] == list(range(1, len(found.rows) + 1))


@settings(max_examples=80, deadline=None)
@given(TRACES, TRACES, QUERIES)
def test_nothing_is_lost(before: list[Any], after: list[Any], query: Query) -> None:
    old, new = (
        snap(
            *(
                f"{' < '.join(f'{f}:{n}' for f, n in frames)} {size} x1"
                for _, size, frames, _ in traces
            )
        )
        for traces in (before, after)
    )
    check(grouping.group(new, query))
    check(grouping.diff(old, new, query))


@settings(max_examples=60, deadline=None)
@given(TRACES, st.sampled_from(["lineno", "filename", "traceback"]))
def test_all_agrees_with_statistics(traces: list[Any], group_by: str) -> None:
    theirs, ours = both(traces)
    found = grouping.group(ours, Query(group_by=group_by, show_all=True, limit=0))
    check(found)
    expected = sorted(
        (
            tuple((f.filename, f.lineno if group_by != "filename" else 0) for f in s.traceback),
            s.size,
            s.count,
        )
        for s in theirs.statistics(group_by)
    )
    assert sorted(rows(found, group_by, "after")) == [
        (key, size, count) for key, size, count in expected
    ]


@settings(max_examples=60, deadline=None)
@given(TRACES, TRACES, st.sampled_from(["lineno", "filename", "traceback"]))
def test_all_agrees_with_compare_to(before: list[Any], after: list[Any], group_by: str) -> None:
    their_old, our_old = both(before)
    their_new, our_new = both(after)
    found = grouping.diff(our_old, our_new, Query(group_by=group_by, show_all=True, limit=0))
    check(found)
    expected = sorted(
        (
            tuple((f.filename, f.lineno if group_by != "filename" else 0) for f in s.traceback),
            s.size_diff,
            s.count_diff,
        )
        for s in their_new.compare_to(their_old, group_by)
    )
    assert sorted(rows(found, group_by, "diff")) == expected


def rows(found: Comparison, group_by: str, which: str) -> Any:
    for row in found.rows:
        tally = row.change.diff if which == "diff" else row.change.after
        site = row.change.site
        if group_by == "traceback":
            key = tuple((frame.file, frame.line) for frame in row.change.stack)
        else:
            key = ((site.file, site.line or 0),)  # type: ignore[assignment]
        yield key, tally.size, tally.count


def test_growth_comes_first_then_shrinkage_then_the_rest() -> None:
    before = snap("a.py:1 5KiB x1", "b.py:1 1KiB x1", "c.py:1 9KiB x9", "same.py:1 1MiB x1")
    after = snap("a.py:1 6KiB x2", "b.py:1 4KiB x1", "c.py:1 1KiB x1", "same.py:1 1MiB x1")
    found = grouping.diff(before, after, Query())
    assert [row.change.site.file for row in found.rows] == ["b.py", "a.py", "c.py"]
    assert found.remainder_sites == 1  # what did not change is counted, not listed
    everything = grouping.diff(before, after, Query(limit=0))
    assert [row.change.site.file for row in everything.rows] == ["b.py", "a.py", "c.py", "same.py"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_of_more_rows_that_grew_as_many_are_listed_as_are_wanted(limit: int) -> None:
    names = ("a.py:1", "b.py:1", "c.py:1")
    before = snap(*(f"{name} 1KiB x1" for name in names))
    after = snap(*(f"{name} {number}KiB x1" for name, number in zip(names, (2, 4, 3))))
    found = grouping.diff(before, after, Query(limit=limit))
    assert [row.change.site.file for row in found.rows] == ["b.py", "c.py", "a.py"][:limit]
    assert found.remainder_sites == 3 - limit


def test_ties_are_broken_by_place_whatever_the_order() -> None:
    lines = ["a.py:2 1KiB x1", "a.py:1 1KiB x1", "b.py:1 1KiB x1"]
    found = [grouping.group(snap(*order), Query()) for order in (lines, lines[::-1])]
    assert found[0] == found[1]
    assert [row.change.site for row in found[0].rows] == [
        ("a.py", 1, None, None),
        ("a.py", 2, None, None),
        ("b.py", 1, None, None),
    ]


def test_the_remainder_and_what_is_hidden_are_counted() -> None:
    snapshot = snap(
        "/srv/shop/a.py:1 3KiB x3",
        "/srv/shop/a.py:2 2KiB x2",
        "/srv/shop/a.py:3 1KiB x1",
        "<frozen importlib._bootstrap>:241 7KiB x7",
        "/srv/venv/lib/python3.11/site-packages/leakhunt/hook/hook.py:9 5KiB x5",
    )
    found = grouping.group(snapshot, Query(limit=1))
    assert found.remainder.after == Tally(3072, 3)
    assert found.remainder_sites == 2
    assert found.dropped.after == Tally(12 * 1024, 12)
    assert found.dropped_sites == 2
    assert grouping.group(snapshot, Query(show_all=True)).dropped.after == NOTHING


def test_a_filter_blames_the_innermost_frame_of_the_application() -> None:
    snapshot = snap(
        "/usr/lib/python3.11/json/decoder.py:353 < /srv/shop/tasks.py:40 < /srv/shop/app.py:3 9KiB x9",
        "/usr/lib/python3.11/json/decoder.py:353 < /srv/venv/lib/python3.11/site-packages/celery/a.py:1 1KiB x1",
    )
    found = grouping.group(snapshot, Query(filters=("shop",)))
    assert [row.change.site for row in found.rows] == [("/srv/shop/tasks.py", 40, None, None)]
    assert found.rows[0].depth == 1
    assert found.dropped.after == Tally(1024, 1)
    inner = grouping.group(snapshot, Query(filters=("shop",), innermost=True))
    assert inner.rows == ()
    blamed = grouping.group(snapshot, Query(blame="app"))
    assert [row.change.site.file for row in blamed.rows] == [
        "/srv/shop/tasks.py",
        "/usr/lib/python3.11/json/decoder.py",
    ]


def test_packages() -> None:
    snapshot = snap(
        "/srv/venv/lib/python3.11/site-packages/celery/app/base.py:1 4KiB x4",
        "/srv/venv/lib/python3.11/site-packages/six.py:1 3KiB x3",
        "/usr/lib/python3.11/json/decoder.py:1 2KiB x2",
        "/srv/shop/orders/tasks.py:1 1KiB x1",
    )
    found = grouping.group(snapshot, Query(group_by="package"))
    assert [row.change.site.package for row in found.rows] == ["celery", "six", "json", "orders"]


def test_frames_are_one_object_per_place() -> None:
    snapshot = snap("a.py:1 < b.py:2 1KiB x1")
    assert next(iter(snapshot.tallies)) == (Frame("b.py", 2), Frame("a.py", 1))


@pytest.mark.parametrize("limit", [1, 5])
def test_zero_rows(limit: int) -> None:
    check(grouping.group(snap(), Query(limit=limit)))
    check(grouping.diff(snap(), snap(), Query(limit=limit)))


@pytest.mark.parametrize("group_by", ["lineno", "filename", "traceback", "package"])
def test_a_row_of_estimates_has_the_error_of_its_stacks(group_by: str) -> None:
    """Variances add up; what is dropped does not count, what is exact has none."""
    exact = snap("/srv/shop/a.py:3 4KiB x10", "/srv/shop/a.py:3 < /srv/shop/b.py:9 1KiB x1")
    sampled = replace(
        exact,
        facts={
            stack("/srv/shop/a.py:3"): Facts(300.0, 9),
            stack("/srv/shop/a.py:3 < /srv/shop/b.py:9"): Facts(400.0, 9),
        },
    )
    query = Query(group_by=group_by)
    assert {row.stderr for row in grouping.group(exact, query).rows} == {None}
    errors = sorted(row.stderr or 0 for row in grouping.group(sampled, query).rows)
    assert errors == ([300.0, 400.0] if group_by == "traceback" else [500.0])
    both = grouping.diff(sampled, sampled, replace(query, limit=0))
    assert sorted(row.stderr or 0 for row in both.rows)[-1] == pytest.approx(2**0.5 * max(errors))


def test_of_equal_growth_in_bytes_more_blocks_come_first() -> None:
    before = snap("/srv/shop/a.py:1 500B x9", "/srv/shop/z.py:1 500B x5")
    after = snap("/srv/shop/a.py:1 1500B x10", "/srv/shop/z.py:1 1500B x10")
    assert [row.change.site.file for row in grouping.diff(before, after, Query()).rows] == [
        "/srv/shop/z.py", "/srv/shop/a.py",
    ]  # fmt: skip
    by_count = grouping.diff(
        snap("/srv/shop/a.py:1 500B x1", "/srv/shop/z.py:1 100B x1"),
        snap("/srv/shop/a.py:1 900B x3", "/srv/shop/z.py:1 900B x3"), Query(sort="count"),
    )  # fmt: skip
    assert [row.change.site.file for row in by_count.rows] == ["/srv/shop/z.py", "/srv/shop/a.py"]
