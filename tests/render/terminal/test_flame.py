"""Stacks as boxes of text: they fit, they add up, they say what grew."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.render import formats
from leakhunt.render.screen import TABLE, Screen
from leakhunt.report import tables
from leakhunt.report.flame import drawing
from leakhunt.snapshots.load import load
from tests.support.builders import snap
from tests.support.exporting import odd
from tests.support.places import ROOT

SERIES = ROOT / "fixtures/series"


def drawn(
    *snapshots: Snapshot,
    width: int = 100,
    height: int = 40,
    filters: tuple[str, ...] = (),
    group_by: str = "lineno",
) -> str:
    query = Query(group_by, filters)
    newest = snapshots[-1]
    table: tables.TopReport | tables.DiffReport = tables.top(newest, query)
    if len(snapshots) == 2:
        table = tables.diff(snapshots[0], newest, query)
    return formats.text(drawing(table), TABLE, Screen(width, height=height))


def boxes(text: str) -> list[list[str]]:
    """What the boxes of each row are called."""
    return [
        [box.strip().split("  ")[0] for box in line.split("▏")[1:]]
        for line in text.splitlines()
        if line.startswith("▏")
    ]


def test_a_difference_is_signed_and_nothing_cancels_out() -> None:
    text = drawn(
        snap("/srv/shop/a.py:1 1KiB x1", "/srv/shop/b.py:2 4KiB x1"),
        snap("/srv/shop/a.py:1 4KiB x1", "/srv/shop/b.py:2 3KiB x1"),
    )
    assert boxes(text) == [["all"], ["+a.py:1", "-b.py:2"]]
    assert "total +2.0 KiB: grown +3.0 KiB, shrunk -1.0 KiB" in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("height", [12, 24, 60])
def test_it_fits_the_window(width: int, height: int) -> None:
    deep = snap(
        *(
            f"{' < '.join(f'/srv/shop/m{depth}.py:{at}' for depth in range(40))} {at}KiB x1"
            for at in range(1, 9)
        )
    )
    for snapshot in (deep, odd()):
        text = drawn(snapshot, width=width, height=height)
        for line in text.splitlines():
            if line.startswith("▏") or re.match(r" +[\d.,]+ [KMG]?i?B  ", line):
                assert cell_len(line) <= width
        assert len(text.splitlines()) < height


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_difference_fits_any_window_and_says_what_has_no_room(width: int) -> None:
    """Of a recorded series, with two lines of when it was, of what is hidden and a note."""
    before, after = map(load, (SERIES / "000001.bin", SERIES / "000006.bin"))
    report = drawing(tables.diff(before, after, Query(), "first and newest of 6 in series"))
    parts = ("\nchosen  ", "\nhidden ", "\nnote: ", "\n +858.8 KiB  ")

    def of(height: int) -> str:
        return formats.text(report, TABLE, Screen(width, height=height))

    whole = of(1000)
    assert all(part in whole for part in parts)
    low = True
    for height in range(8, 40):
        text = of(height)
        lines = text.splitlines()
        assert len(lines) < height
        assert lines[0].startswith("growth in")
        assert "total +836.4 KiB" in text
        assert boxes(text)[0] == ["all"]
        told = re.search(r"^\d+ (?:rows? deeper|lines? more): LINES=(\d+) ", text, re.MULTILINE)
        if told is None:
            low = False
            assert boxes(text) == boxes(whole)
        else:
            assert low, "what fits a window fits a higher one"
            enough = int(told[1])
            assert enough > height
            assert "LINES=" not in of(enough)
            assert "LINES=" in of(enough - 1)
        assert "lines more" in text or all(part in text for part in parts)
    assert not low


def test_boxes_can_stand_for_files_and_packages() -> None:
    """Frames that follow one another in one of them are one box, and so are its boxes side by side."""
    json = "/usr/lib/python3.11/json/decoder.py"
    snapshot = snap(
        f"{json}:353 < {json}:337 < /srv/shop/tasks.py:14 < /srv/shop/tasks.py:9 3KiB x3",
        f"{json}:353 < {json}:300 < /srv/shop/tasks.py:20 < /srv/shop/tasks.py:9 2KiB x2",
        "/srv/shop/cache.py:7 < /srv/shop/tasks.py:14 1KiB x1",
    )
    by_file = drawn(snapshot, group_by="filename")
    assert boxes(by_file) == [["all"], ["tasks.py"], ["json/decoder.py", "cache.py"]]
    assert re.findall(r"^ +(\S+ KiB  .+)$", by_file, re.M) == [
        "5.0 KiB  json/decoder.py", "1.0 KiB  cache.py",
    ]  # fmt: skip
    by_package = drawn(snapshot, group_by="package")
    table = tables.top(snapshot, Query("package"))
    names = {row.change.site.package for row in table.comparison.rows}
    listed = re.findall(r"^ +\S+ KiB  (.+)$", by_package, re.M)
    assert set(listed) == names
    assert boxes(by_package)[-1][0] == "json"
    assert "total 6.0 KiB" in by_package
    before = snap(f"{json}:353 < {json}:337 < /srv/shop/tasks.py:14 < /srv/shop/tasks.py:9 4KiB x4")
    changed = drawn(before, snapshot, group_by="filename")
    assert boxes(changed)[1:] == [["+tasks.py"], ["+json/decoder.py", "+cache.py"]]
    assert "grown +3.0 KiB, shrunk -1.0 KiB" in changed


def test_what_did_not_change_is_not_listed_among_what_did() -> None:
    before = snap("/srv/shop/a.py:1 1KiB x1", "/srv/shop/same.py:2 4KiB x1")
    after = snap("/srv/shop/a.py:1 4KiB x1", "/srv/shop/same.py:2 4KiB x1")
    assert "same.py" not in drawn(before, after)


def test_a_window_is_filled_and_a_line_is_left_for_the_prompt() -> None:
    """However many lines stand above and below: the rows of boxes take what is left."""
    deep = snap(f"{' < '.join(f'/srv/shop/m{depth}.py:1' for depth in range(90))} 1KiB x1")
    narrow, wide = (drawn(deep, width=width, height=30) for width in (40, 200))
    assert [len(each.splitlines()) for each in (narrow, wide)] == [29, 29]
    assert len(boxes(narrow)) < len(boxes(wide))
    for each in (narrow, wide):
        deeper = 91 - len(boxes(each))
        assert f"{deeper} rows deeper: LINES={30 + deeper} shows them" in each
    exact = drawn(deep, width=200, height=30 + 91 - len(boxes(wide)))
    assert (len(boxes(exact)), "deeper" in exact) == (91, False)


def test_the_list_gives_way_to_the_boxes_and_is_in_the_order_of_its_figures() -> None:
    """Of what a small window has, a third is the list's."""
    chain = " < ".join(f"/srv/shop/m{depth}.py:1" for depth in range(40))
    lines = [f"/srv/shop/end{at}.py:1 < {chain} {at}KiB x1" for at in range(1, 12)]
    for height, listed in ((18, 3), (24, 5), (60, 8)):
        text = drawn(snap(*lines), height=height)
        assert len(text.splitlines()) < height
        figures = re.findall(r"^ +([\d.]+) KiB  ", text, re.MULTILINE)
        assert [float(each) for each in figures] == list(range(11, 11 - listed, -1))
    before = snap("/srv/shop/a.py:1 < /srv/shop/x.py:1 9KiB x9", "/srv/shop/b.py:1 1KiB x1")
    after = snap("/srv/shop/a.py:1 < /srv/shop/y.py:1 8KiB x8", "/srv/shop/b.py:1 3KiB x1")
    assert re.findall(r"^ +([-+][\d.]+) KiB  ", drawn(before, after), re.MULTILINE) == [
        "+2.0",
        "-1.0",
    ]


def test_wide_characters_fit_too() -> None:
    text = drawn(
        snap(f"/srv/shop/{'雪' * 90}/紙.py:1 1KiB x1", f"/srv/shop/{'雪' * 90}.py:1 1KiB x1"),
        width=60,
    )
    assert max(map(cell_len, text.splitlines())) <= 60
    assert "/紙.py:1" in text


def test_grown_and_shrunk_differ_in_colour_and_by_sign() -> None:
    table = tables.diff(snap("/srv/shop/a.py:1 4KiB x1"), snap("/srv/shop/b.py:2 4KiB x1"), Query())
    text = formats.text(drawing(table), TABLE, Screen(80, color=True))
    assert re.search(r"\x1b\[1;31m\+b", text)
    assert re.search(r"\x1b\[1;32m-a", text)


def test_filters_hold_and_nothing_is_said_of_nothing() -> None:
    snapshot = snap("/srv/shop/a.py:1 1KiB x1", "/srv/other/b.py:2 4KiB x1")
    assert boxes(drawn(snapshot, filters=("shop",))) == [["all"], ["a.py:1"]]
    assert "nothing is alive here" in drawn(snapshot, filters=("elsewhere",))


def test_what_is_hidden_is_told_below_the_total() -> None:
    """The head says what is traced: without a word the boxes would seem to have lost the rest."""
    hidden = "/usr/lib/python3.11/tracemalloc.py:1"
    before = snap("/srv/shop/a.py:1 3KiB x3", f"{hidden} 1KiB x1")
    after = snap("/srv/shop/a.py:1 5KiB x3", f"{hidden} 4KiB x2")
    assert "hidden (tracing and import machinery; --all shows it): 4.0 KiB at 1 line" in drawn(
        after
    )
    assert "shows it): +3.0 KiB at 1 line" in drawn(before, after)
    assert "hidden" not in drawn(snap("/srv/shop/a.py:1 3KiB x3"))
    filtered = drawn(
        snap("/srv/shop/a.py:1 5KiB x3", "/opt/x/b.py:1 2KiB x1"), filters=("/srv/shop",)
    )
    assert "dropped by filters: 2.0 KiB at 1 line" in filtered
