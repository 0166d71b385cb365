"""Boxes of text: as wide as their bytes, what only leads on is folded, what is too narrow is drawn together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame, Snapshot, Spot
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.boxes import Box, Drawing, boxes, laid
from leakhunt.report import tables
from leakhunt.report.flame import drawing
from leakhunt.report.labels import Labels
from tests.support.builders import snap

LIBRARY = "/srv/venv/lib/python3.11/site-packages/celery"


def tree(snapshot: Snapshot, width: int, lines: bool, group_by: str) -> tuple[Box, Drawing]:
    report = drawing(tables.top(snapshot, Query(group_by)))
    how = Drawing(Labels(snapshot), report.compared, Screen(width, lines=lines), group_by)
    return boxes(report.tree, how), how


def drawn(
    snapshot: Snapshot, width: int = 100, lines: bool = True, group_by: str = "lineno"
) -> list[str]:
    """The rows, as text."""
    return [row.plain for row in laid(*tree(snapshot, width, lines, group_by))]


def names(rows: list[str], edge: str = "▏") -> list[list[str]]:
    """What the boxes of each row are called."""
    return [[box.strip().split("  ")[0] for box in row.split(edge)[1:]] for row in rows]


def weights(box: Box) -> int:
    """Bytes of a box, each of its frames having what ends there and what it calls."""
    below = sum(weights(child) for child in box.children)
    assert below <= box.weight.now
    return box.weight.now


@pytest.mark.parametrize("group_by", ["lineno", "filename", "package"])
def test_no_byte_is_lost_by_folding_or_grouping(group_by: str) -> None:
    chain = " < ".join(f"{LIBRARY}/app/trace.py:{line}" for line in range(700, 710))
    snapshot = snap(
        f"/srv/shop/a.py:1 < {chain} 3KiB x1",
        f"/srv/shop/b.py:2 < /srv/shop/a.py:1 < {chain} 2KiB x1",
        f"{LIBRARY}/app/trace.py:704 1KiB x1",
    )
    root, _ = tree(snapshot, 100, True, group_by)
    assert weights(root) == snapshot.totals.size


def test_boxes_are_as_wide_as_their_bytes() -> None:
    rows = drawn(
        snap(
            "/srv/shop/a.py:1 < /srv/shop/t.py:9 3KiB x3",
            "/srv/shop/b.py:2 < /srv/shop/t.py:9 1KiB x1",
        )
    )
    assert names(rows) == [["all"], ["t.py:9"], ["a.py:1", "b.py:2"]]
    row = next(line for line in rows if "a.py:1" in line)
    assert row.index("b.py:2") == pytest.approx(75, abs=2)


def test_frames_that_only_lead_on_are_folded() -> None:
    chain = " < ".join(f"{LIBRARY}/app/trace.py:{line}" for line in range(700, 710))
    rows = drawn(snap(f"/srv/shop/a.py:1 < {chain} 1KiB x1", f"/srv/shop/b.py:1 < {chain} 1KiB x1"))
    assert names(rows) == [["all"], ["trace.py:700"], ["a.py:1", "b.py:1"]]


def test_what_is_too_narrow_is_drawn_together() -> None:
    """Of four hundred places with a column of four each there is one box, as wide as they are."""
    many = [f"/srv/shop/m{at}.py:1 < /srv/shop/t.py:9 {at}B x1" for at in range(1000, 1400)]
    rows = drawn(snap("/srv/shop/big.py:1 < /srv/shop/t.py:9 480000B x1", *many), width=100)
    assert names(rows)[2] == ["big.py:1", "400 more"]
    row = next(line for line in rows if "400 more" in line)
    assert row.index("400 more") == pytest.approx(51, abs=1)
    assert "400 more  468.6 KiB" in row


def test_a_box_with_room_says_where_and_how_much() -> None:
    snapshot = snap("/srv/shop/a.py:1 3KiB x1", "/srv/shop/b.py:2 1KiB x1")
    snapshot = replace(
        snapshot,
        spots={
            frame: Spot("take", None)
            for frame in (Frame("/srv/shop/a.py", 1), Frame("/srv/shop/b.py", 2))
        },
    )
    whole = next(line for line in drawn(snapshot, width=100) if "take" in line)
    assert whole.split("▏")[1:] == ["take:1  a.py  3.0 KiB".ljust(74), "take:2  b.py  1.0 KiB"]
    cut = next(line for line in drawn(snapshot, width=40) if "take" in line)
    assert [each.strip() for each in cut.split("▏")[1:]] == ["take:1  a.py  3.0 KiB", "take:2"]


def test_it_can_be_drawn_without_lines() -> None:
    assert names(drawn(snap("/srv/shop/a.py:1 1KiB x1"), lines=False), "|") == [["all"], ["a.py:1"]]
