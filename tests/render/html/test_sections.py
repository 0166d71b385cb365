"""Sections are named by their titles, and wide tables scroll by themselves."""

from __future__ import annotations

import pytest

from leakhunt.render.html.markup import el
from leakhunt.render.html.sections import SECTIONS, heads, scrolled, section
from tests.support.web import Outline, html, leaking


def test_every_section_is_on_the_page_once_and_linked() -> None:
    attributes = Outline(html(leaking())).attributes
    for name, _ in SECTIONS:
        assert attributes.count(("id", name)) == 1
        assert ("href", f"#{name}") in attributes
        assert ("aria-labelledby", f"{name}-title") in attributes


def test_a_section_is_labelled_by_its_title() -> None:
    said = section("table", el("p", "<rows>"))
    assert said == (
        '<section id="table" aria-labelledby="table-title"><h2 id="table-title">Table</h2>'
        "<p>&lt;rows&gt;</p></section>"
    )
    with pytest.raises(KeyError):
        section("nowhere")


def test_numbers_stand_below_their_heads() -> None:
    first, *others = heads(["part", "now", "grown"])
    assert "number" not in first
    assert all('class="number"' in other for other in others)


def test_a_wide_table_can_be_scrolled_by_keyboard() -> None:
    said = scrolled(el("table"), "Parts & pieces")
    assert 'tabindex="0"' in said
    assert 'aria-label="Parts &amp; pieces"' in said
