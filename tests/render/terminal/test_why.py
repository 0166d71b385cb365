"""What keeps objects, for the eye: ways as a tree, advice where it grows."""

from __future__ import annotations

import pytest

from leakhunt.advice.rule import Advice
from leakhunt.model.query import Query
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.why import why
from leakhunt.report.trend import Judged
from leakhunt.report.why import WhyReport, of_finding, of_place
from leakhunt.sites.place import show
from tests.support.growing import finding
from tests.support.lives import aged, held

LINE = "/srv/shop/tasks.py:40"
SNAPSHOT = aged((LINE, [1000.0] * 12), retention={LINE: held("list", 100, None)})


def place() -> WhyReport:
    return of_place(show(SNAPSHOT, "tasks.py:40", Query(limit=0)), SNAPSHOT, [], 0)


def test_each_step_stands_under_the_one_that_leads_to_it() -> None:
    text = why(place(), Screen(100))
    assert text.startswith("tasks.py:40\n")
    module, kept = (next(n for n, line in enumerate(text.splitlines()) if word in line) for word in
                    ("module shop.tasks", "KEPT: list[100]"))  # fmt: skip
    assert kept == module + 1
    assert "9.8 KiB      200  " in text


def test_ascii_windows_get_ascii_guides() -> None:
    assert why(place(), Screen(100, lines=False)).isascii()


def test_advice_is_drawn_where_there_is_some() -> None:
    advice = Advice(
        "unbounded list", "it is never emptied", "bound it", "https://example.org", "looks like it"
    )
    text = why(of_finding(1, Judged(finding(), advice), SNAPSHOT, [], 0), Screen(100))
    assert "\nLooks like it\nfix  bound it\n" in text
    assert "fix" not in why(place(), Screen(100))


@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_window(width: int) -> None:
    assert max(map(len, why(place(), Screen(width)).splitlines())) <= width


@pytest.mark.parametrize("width", [40, 50])
def test_what_is_too_long_for_a_line_goes_on_under_its_step(width: int) -> None:
    """No line of the tree begins left of where the steps stand."""
    wide, narrow = (why(place(), Screen(size)).splitlines() for size in (200, width))
    head = next(line for line in wide if line.endswith("held by"))
    at, tree = head.index("held by"), narrow[narrow.index(head) + 1 :]
    assert len(tree) > len(wide) - wide.index(head) - 1
    steps = [line for line in tree if line[:at].strip()]
    further = [line for line in tree if not line[:at].strip()]
    assert further
    assert all(line[:at].isspace() and line[at:].strip() for line in further)
    assert len(steps) == len(wide) - wide.index(head) - 1
