"""Names in files for other tools: never two lines, never a broken one."""

from __future__ import annotations

from leakhunt.model.snapshot import Frame
from leakhunt.render.export.names import NOWHERE, Names, frames
from leakhunt.report.labels import Labels
from tests.support.builders import snap
from tests.support.exporting import ODD, odd

TASKS = Frame("/srv/shop/tasks.py", 40)


def test_a_function_is_named_or_stands_for_its_line() -> None:
    told = snap(
        "/srv/shop/tasks.py:40 1KiB x1", frames={"/srv/shop/tasks.py": {40: ("Shop.take", None)}}
    )
    assert Names(Labels(told)).function(TASKS) == "Shop.take"
    assert Names(Labels(snap("/srv/shop/tasks.py:40 1KiB x1"))).function(TASKS) == "tasks.py:40"


def test_whatever_a_file_is_called_its_name_is_one_line_of_text() -> None:
    names = Names(Labels(odd()))
    for file in ODD:
        said = names.file(file)
        assert len(said.splitlines()) == 1
        said.encode()
    assert len({names.file(file) for file in ODD}) == len(ODD)


def test_a_stack_without_frames_has_a_place_too() -> None:
    assert frames(()) == (NOWHERE,)
    assert frames((TASKS,)) == (TASKS,)
