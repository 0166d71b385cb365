"""What the page's script draws: plain values that refer to each other by number."""

from __future__ import annotations

import json
from typing import Any

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame
from leakhunt.render.html.values import Frames, _table, drawn, spread
from leakhunt.report.labels import Labels
from leakhunt.report.page import page
from leakhunt.report.tables import diff
from leakhunt.report.trend import trend
from tests.support.builders import history, snap
from tests.support.growing import rising

TASKS = "/srv/shop/tasks.py:40"
FRAMES = {"/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")}}


def made() -> dict[str, Any]:
    told = history((f"{TASKS} < /srv/shop/app.py:1", rising(50_000), rising(100)), frames=FRAMES)
    return drawn(page(trend([told]), 1_800_000_000.0, "9.9", 100))


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(made(), allow_nan=False)) == made()


def test_every_number_leads_to_a_frame_and_every_frame_to_a_file() -> None:
    told = made()
    numbers = {number for number in told["tree"]["frames"] if number >= 0}
    assert numbers <= set(range(len(told["frames"])))
    assert all(0 <= file < len(told["files"]) for file, *_ in told["frames"])
    assert ["/srv/shop/tasks.py", "tasks.py", "tasks", "app"] in told["files"]


def test_the_tree_holds_what_is_alive() -> None:
    told = made()["tree"]
    assert sum(now for ends in told["ends"] for _, now, *_ in ends) == 400_000
    assert all(parent < at for at, parent in enumerate(told["parents"]))


def test_a_frame_is_numbered_once_and_none_is_minus_one() -> None:
    frames = Frames(Labels(snap(f"{TASKS} 1KiB x1", frames=FRAMES)))
    frame = Frame("/srv/shop/tasks.py", 40)
    assert (frames.number(None), frames.number(frame), frames.number(frame)) == (-1, 0, 0)
    assert frames.frames == [[0, 40, "take", "ORDERS.append(order)"]]
    assert frames.stack((frame, Frame("/srv/shop/\x1b.py", 1))) == [0, 1]
    assert "\x1b" not in frames.files[1][0]


def test_a_row_has_bytes_before_and_after_then_blocks() -> None:
    """The script takes them by their places."""
    before = snap(f"{TASKS} 1000B x3", frames=FRAMES)
    after = snap(f"{TASKS} 5000B x7", frames=FRAMES)
    table = _table(diff(before, after, Query()), Frames(Labels(after)))
    assert [row["sizes"] for row in table["rows"]] == [[1000, 5000, 3, 7]]
    assert table["totals"] == [1000, 5000, 3, 7]


def test_of_many_a_few_are_taken_evenly_with_both_ends() -> None:
    assert spread(list(range(101)), 5) == [0, 25, 50, 75, 100]
    assert spread(range(4), 3) == [0, 2, 3]
    assert spread([1, 2], 2) == [1, 2]
