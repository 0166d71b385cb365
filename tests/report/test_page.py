"""What the page has: a story from the verdict, a line through each leak, parts that add up."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

from leakhunt.cli.judging import Asked, look
from leakhunt.judge.births.life import lived
from leakhunt.judge.history import History
from leakhunt.report.page import PageReport, fit, page
from leakhunt.report.tables import DiffReport, TopReport
from leakhunt.report.trend import trend
from tests.support.builders import history
from tests.support.growing import finding, rising
from tests.support.lives import aged
from tests.support.places import SNAPSHOTS

TASKS = "/srv/shop/tasks.py:40"
HIDDEN = "/usr/lib/python3.11/tracemalloc.py:1"
FRAMES = {"/srv/shop/tasks.py": {40: ("take", "ORDERS.append(order)")}}


def made(**facts: Any) -> History:
    return history(
        (TASKS, rising(50_000), rising(100)), (HIDDEN, [700] * 8, [1] * 8), frames=FRAMES, **facts
    )


def report(*histories: History, nodes: int = 100) -> PageReport:
    return page(trend(list(histories) or [made()]), 1_800_000_000.0, "9.9", nodes)


def test_the_story_is_told_from_the_first_leak() -> None:
    story = dict(report().story)
    assert list(story) == ["Where", "Per day", "Why", "What to do"]
    assert story["Where"].startswith("celery@web1, child 4242 (prefork)")
    assert story["Per day"].startswith("412.0 MiB a day")
    assert all(said.endswith(".") for said in story.values())


def test_without_a_leak_there_is_only_where() -> None:
    still = history((TASKS, [50_000] * 8, [100] * 8))
    assert [title for title, _ in report(still).story] == ["Where"]


def test_the_main_process_stands_first_and_each_has_its_looks() -> None:
    slow = history((TASKS, rising(5_000), rising(10)), pid=7)
    told = report(slow, made()).processes
    assert [process.meta.pid for process in told] == [4242, 7]
    assert [len(process.looks) for process in told] == [8, 8]


def test_what_is_hidden_is_in_no_picture_and_told() -> None:
    told = report()
    assert told.processes[0].left_out == 700
    assert any("700 B of tracing" in note for note in told.notes)
    assert told.tree.totals[0].now == 400_000


def test_the_parts_of_the_resident_set_add_up() -> None:
    told = report()
    assert told.account is not None
    assert told.grown is not None
    assert sum(part.size for part in told.account.parts) == told.processes[0].meta.rss
    assert sum(part.size for part in told.grown.parts) == told.grown.rss == 350_000
    assert told.account_said[0].startswith("RSS is ")
    assert report(made(rss=[None] * 8)).account is None


def test_a_line_is_drawn_through_leaks_alone() -> None:
    leak = finding()
    line = fit(leak)
    assert line is not None
    assert (line.start, line.at, line.rate) == (0.0, 1000.0, 10.0)
    assert fit(replace(leak, verdict="noise")) is None
    assert fit(replace(leak, sizes=(1.0, 2.0))) is None


def test_a_table_of_a_series_compares_its_ends() -> None:
    assert report().compared


def test_a_table_of_one_snapshot_is_what_is_alive() -> None:
    snapshot = aged((TASKS, [1000.0] * 12))
    life = lived(snapshot)
    assert life is not None
    told = report(life)
    assert not told.compared
    assert isinstance(told.table, TopReport)
    assert told.table.snapshot.totals == snapshot.totals


def test_no_collection_walks_over_the_stacks_while_they_are_drawn() -> None:
    lines = [
        (f"/srv/shop/m{at}.py:1 < /srv/shop/t{at}.py:{at}", [at, 2 * at], [1, 2])
        for at in range(300)
    ]
    judged = trend([history(*lines)], command="verdict")
    starts: list[str] = []
    threshold = gc.get_threshold()

    def looking(phase: str, told: dict[str, int]) -> None:
        starts.append(phase)

    gc.callbacks.append(looking)
    try:
        gc.enable()
        gc.set_threshold(50, 5, 5)
        page(judged, 1_800_000_900.0, "1.2.3")
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(looking)
    assert len(starts) <= 8, "one may begin before it and one behind it"


def test_recorded_snapshots_are_compared_with_the_first_of_them() -> None:
    """Files that were read have their newest snapshot whole: the graph shows what changed all the same."""
    told = page(
        look([str(SNAPSHOTS.parent / "series")], Asked(), quiet=True, command="verdict"),
        1_800_000_000.0,
        "9.9",
    )
    (weight,) = told.tree.totals
    assert weight.grown > 0
    assert isinstance(told.table, DiffReport)
    comparison = told.table.comparison
    assert weight.change == comparison.totals.diff.size - comparison.dropped.diff.size
    assert weight.now == comparison.totals.after.size - comparison.dropped.after.size
    newest = told.processes[0].history.newest
    assert newest is not None
    assert newest.heap is not None
    rest = newest.heap.types_rest.size
    assert told.types_of == sum(each.size for each in newest.heap.types) + rest
    assert rest > 0
