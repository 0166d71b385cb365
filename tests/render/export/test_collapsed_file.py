"""Collapsed stacks: one line a stack, frames parted by semicolons, the outermost first."""

from __future__ import annotations

from tests.support.builders import snap
from tests.support.exporting import exported, exported_diff, odd

MADE = snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 3000B x3", "/srv/shop/c.py:2 0B x1",
            frames={"/srv/shop/tasks.py": {40: ("take", None)}})  # fmt: skip


def test_a_line_has_frames_from_the_outermost_and_bytes() -> None:
    assert exported("collapsed", MADE).decode() == "take (tasks.py:40);b.py:1 (b.py:1) 3000\n"


def test_no_name_breaks_a_line_or_parts_a_frame() -> None:
    lines = exported("collapsed", odd()).decode().splitlines()
    assert len(lines) == len(odd().tallies)
    for line in lines:
        frames, _, size = line.rpartition(" ")
        assert int(size) > 0
        assert len(frames.split(";")) <= 2


def test_both_sides_of_each_stack_are_told_and_none_twice() -> None:
    before = snap("/srv/shop/a.py:1 100B x1", "/srv/shop/gone.py:2 70B x1")
    after = snap("/srv/shop/a.py:1 300B x3", "/srv/shop/new.py:3 50B x1")
    assert sorted(exported_diff("collapsed", before, after).decode().splitlines()) == [
        "a.py:1 (a.py:1) 100 300",
        "gone.py:2 (gone.py:2) 70 0",
        "new.py:3 (new.py:3) 0 50",
    ]
