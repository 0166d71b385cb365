"""What is said of one place."""

from __future__ import annotations

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.report.words import taken_apart as words
from leakhunt.sites.place import Shown, show
from leakhunt.snapshots.births import born
from tests.support.builders import snap
from tests.support.lives import aged

LINE = "/srv/shop/tasks.py:40"


def shown(*lines: str, query: Query | None = None) -> Shown:
    return show(snap(*lines), "tasks.py:40", query or Query())


def test_where_it_is_allocated() -> None:
    here = shown(f"{LINE} 1KiB x4", "/srv/shop/b.py:1 3KiB x4")
    assert words.summary(here) == (
        "1.0 KiB in 4 blocks, 25 % of what is alive, by 1 stack; all of it is allocated right here"
    )
    below = shown(f"/srv/shop/b.py:1 < {LINE} 1KiB x1")
    assert words.summary(below).endswith("by 1 stack; all of it is allocated below")
    both = shown(f"/srv/shop/b.py:1 < {LINE} 1KiB x1", f"{LINE} 3KiB x2")
    assert words.summary(both).endswith("by 2 stacks; 3.0 KiB of it is allocated right here")


def test_what_is_hidden_is_counted() -> None:
    some = shown(
        f"{LINE} 1KiB x1", f"/srv/shop/b.py:1 < {LINE} 3KiB x1", query=Query(excludes=("b.py",))
    )
    assert words.hidden(some) == "dropped by filters or hidden (--all): 3.0 KiB in 1 more stack"


def aged_snapshot() -> Snapshot:
    return aged(
        (LINE, [1000.0] * 12), ("/srv/shop/b.py:1", [500.0] * 12), tasks={"/srv/shop/b.py:1": None}
    )


def test_when_and_for_whom_objects_were_born() -> None:
    snapshot = aged_snapshot()
    told = born(snapshot, snapshot.tallies)
    assert told is not None
    assert words.born(told) == "born from task 0 to 1,200, evenly"
    assert words.tasks(told) == "asked for by shop.take 67 %, no task 33 %"


def test_every_shape_of_births_has_words() -> None:
    from leakhunt.snapshots import births

    assert set(words.SHAPES) == {
        births.EVEN, births.EARLY, births.RECENT, births.AT_ONCE, births.INHERITED,
    }  # fmt: skip


def test_what_a_page_leaves_out() -> None:
    assert words.cut(1) == "(nothing further is recorded, at most 1 frame)"
    assert words.more(3, "caller") == "3 callers more (-n 0 shows all)"
    assert words.again(1200) == "… 1,200 frames of the same recursion (-v shows them)"
    assert (
        words.framework(2, ["celery", "kombu"]) == "… 2 frames of celery and kombu (-v shows them)"
    )
    assert words.framework(1, []) == "… 1 frame of the interpreter (-v shows them)"
    assert words.cut_off(1) == "… 1 line more (-v shows all)"
