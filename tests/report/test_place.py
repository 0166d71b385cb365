"""What a renderer of a place gets."""

from __future__ import annotations

from leakhunt.model.query import Query
from leakhunt.model.snapshot import Frame
from leakhunt.report.place import place
from leakhunt.sites.place import show
from tests.support.builders import snap

TWO = snap("/srv/shop/a/tasks.py:1 1KiB x1", "/srv/shop/b/tasks.py:1 1KiB x1")


def test_the_values_are_those_that_were_given() -> None:
    shown = show(TWO, "a/tasks.py", Query())
    report = place(shown, TWO, None, "the newest")
    assert (report.shown, report.snapshot, report.source, report.why) == (
        shown,
        TWO,
        None,
        "the newest",
    )
    assert report.notes == ()


def test_labels_are_the_snapshots_own() -> None:
    report = place(show(TWO, "a/tasks.py", Query()), TWO, None)
    assert report.labels.file("/srv/shop/a/tasks.py") == "a/tasks.py"
    assert report.labels.label(Frame("/srv/shop/a/tasks.py", 1)).where == "a/tasks.py:1"


def test_several_files_of_that_name_are_noted() -> None:
    (note,) = place(show(TWO, "tasks.py", Query()), TWO, None).notes
    assert note.startswith("tasks.py is in 2 files")
