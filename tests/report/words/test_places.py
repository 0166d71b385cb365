"""Processes, lines and holders by name."""

from __future__ import annotations

from leakhunt.model.paths import prefixes
from leakhunt.model.snapshot import Frame
from leakhunt.report.labels import Labels
from leakhunt.report.words import places as words
from leakhunt.snapshots.objects import Holder, Kinds
from tests.support.builders import FACTS, snap

ROOTS = prefixes(FACTS)
LINE = "/srv/shop/tasks.py:40"


def test_a_place_is_below_its_root_with_its_function_where_that_is_known() -> None:
    plain = snap(f"{LINE} 1KiB x1")
    assert words.place(Frame("/srv/shop/tasks.py", 40), Labels(plain)) == "tasks.py:40"
    told = snap(f"{LINE} 1KiB x1", frames={"/srv/shop/tasks.py": {40: ("take", None)}})
    assert words.place(Frame("/srv/shop/tasks.py", 40), Labels(told)) == "tasks.py:40 (take)"


def test_who_a_process_is() -> None:
    assert words.who(snap(f"{LINE} 1KiB x1")) == "celery@web1, child 4242 (prefork), Python 3.11.7"
    bare = snap(f"{LINE} 1KiB x1", node=None, role=None, pool=None, python=None)
    assert words.who(bare) == "web1, process 4242"
    assert words.who(snap(f"{LINE} 1KiB x1", pid=None)).startswith("a tracemalloc dump")


def test_when_a_snapshot_was_taken_and_how_large_the_process_was() -> None:
    assert words.taken(snap(f"{LINE} 1KiB x1", path="/snaps/2.bin")) == (
        "2027-01-15 08:10:00Z, 1,000 tasks, 120.0 MiB RSS, 1.0 KiB traced, 2.bin"
    )
    bare = snap(f"{LINE} 1KiB x1", taken_at=None, tasks_done=None, rss=None)
    assert words.taken(bare) == "1.0 KiB traced, a.bin"


def kinds(*holders: Holder, types: tuple[tuple[str, int], ...] = ()) -> Kinds:
    return Kinds(types, 500, 1000, holders)


def test_a_holder_is_named_by_the_line_that_grows_it() -> None:
    grower = Holder("list", Frame("/srv/shop/tasks.py", 40), 600)
    assert words.holder(grower, ROOTS) == "the list that grows at tasks.py:40"
    assert words.holder(Holder("dict", None, 1), ROOTS) == "a dict that was not seen growing"
    made = kinds(grower, Holder("dict", None, 400))
    assert words.holders(made, ROOTS) == (
        "kept: 60 % by the list that grows at tasks.py:40, 40 % by a dict that was not seen growing"
    )
    assert words.recycled(made, ROOTS).startswith(
        "may be recycled from a freelist, kept by the list"
    )
    assert words.recycled(kinds(), ROOTS) == "may be recycled from a freelist"


def test_types_are_parts_of_all_bytes_and_harmless_on_a_screen() -> None:
    assert words.types(kinds(types=(("dict", 600), ("str", 200)))) == "objects: dict 60 %, str 20 %"
    assert "\x1b" not in words.types(kinds(types=(("a\x1bb", 10),)))
