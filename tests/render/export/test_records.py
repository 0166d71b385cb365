"""One record a stack: sizes that add up, and a name that is the same in every file."""

from __future__ import annotations

from leakhunt.model.snapshot import Frame
from leakhunt.render.export.records import Record, records, roots_of, stack_id
from tests.support.builders import snap, stack
from tests.support.exporting import odd

MADE = snap(
    "/srv/shop/b.py:1 < /srv/shop/tasks.py:40 3000B x3",
    "/srv/venv/lib/python3.11/site-packages/redis/x.py:1 7B x1",
)


def test_sizes_add_up_and_the_line_is_the_one_that_allocated() -> None:
    made = dict(records(MADE))
    assert sum(record.size for record in made.values()) == MADE.totals.size
    record = made[stack("/srv/shop/b.py:1 < /srv/shop/tasks.py:40")]
    assert (record.file, record.line, record.count, record.pid) == ("/srv/shop/b.py", 1, 3, 4242)
    assert {each.package for each in made.values()} >= {"redis"}


def test_the_same_frames_have_the_same_name_and_others_another() -> None:
    names = [record.stack_id for _, record in records(odd())]
    assert len(set(names)) == len(names)
    assert stack_id((Frame("a", 1), Frame("b", 2))) == stack_id((Frame("a", 1), Frame("b", 2)))
    assert stack_id((Frame("a", 1), Frame("b", 2))) != stack_id((Frame("b", 2), Frame("a", 1)))
    assert stack_id((Frame("a", 1), Frame("b", 2))) != stack_id((Frame("c", 1), Frame("b", 2)))
    assert stack_id((Frame("a", 1), Frame("b", 2))) != stack_id((Frame("b", 2),)), (
        "not the innermost alone"
    )
    assert len(stack_id(())) == 16


def test_folders_are_guessed_where_none_are_recorded() -> None:
    plain = snap("/srv/shop/a.py:1 1KiB x1", "/srv/shop/b.py:1 1KiB x1", prefixes=None)
    assert roots_of(plain).kind("/srv/shop/a.py") == "app"


def test_fields_are_columns() -> None:
    assert Record._fields[-1] == "stack_id"
