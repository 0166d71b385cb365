"""The one line that a worker says of itself."""

from __future__ import annotations

from leakhunt.model.snapshot import Frame
from leakhunt.report.labels import Labels
from leakhunt.report.words.summary import GROWING, sentence
from tests.support.builders import snap
from tests.support.growing import finding

LABELS = Labels(snap("/srv/shop/tasks.py:40 1KiB x1"))


def test_it_is_one_line_whatever_the_verdict_has() -> None:
    assert sentence("No leak:\n nothing  grows.", [], LABELS, "task") == "No leak: nothing grows."


def test_lines_that_grow_are_named_with_their_rates() -> None:
    assert sentence("Leak.", [finding(rate=2048.0)], LABELS, "task") == (
        "Leak. 1 line that grows, per task: tasks.py:40 +2.0 KiB"
    )


def test_no_more_than_a_few_are_named_and_none_that_shrinks() -> None:
    many = [finding(site=Frame("/srv/shop/tasks.py", line), rate=10.0) for line in range(1, 9)]
    said = sentence("Leak.", [finding(rate=-5.0), *many], LABELS, "task")
    assert said.count(" +") == GROWING
    assert f"{GROWING} lines that grow" in said
