"""Types that grow, for the eye."""

from __future__ import annotations

from tests.support.heaps import FILLS, FLAT, UP, census, types_report
from tests.support.pages import as_markdown, page


def test_a_line_per_type_under_the_sentence() -> None:
    text = page(types_report(census(**{"shop.Order": UP, "Page": FILLS, "str": FLAT})))
    first, *rows = text.splitlines()
    assert first.startswith("shop.Order grows by")
    (order,) = (row for row in rows if row.endswith("shop.Order"))
    assert " leak " in order
    assert not [row for row in rows if row.endswith(" str")]
    assert "of the objects themselves, not of what they keep" in text


def test_what_is_left_out_is_counted() -> None:
    assert "1 more type" in page(types_report(census(Order=UP, Page=FILLS), limit=1))


def test_a_strange_name_stays_in_its_cell() -> None:
    told = as_markdown(types_report(census(**{"a|b`c": UP})))
    (row,) = (line for line in told.splitlines() if "leak |" in line)
    assert row.replace("\\|", "").count("|") == 7
