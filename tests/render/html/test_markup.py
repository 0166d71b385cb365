"""HTML from values: whatever a text holds, it stays text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakhunt.render.html.markup import Markup, el, embedded, escaped, together


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert el("p", "<b>", el("b", "a & b")) == "<p>&lt;b&gt;<b>a &amp; b</b></p>"
    assert escaped(Markup("<b>")) == "<b>"


def test_attributes_are_named_as_html_names_them() -> None:
    made = el("input", class_="a", aria_label='say "x"', hidden=True, disabled=False, value=None)
    assert made == '<input class="a" aria-label="say &quot;x&quot;" hidden>'


def test_what_is_none_is_left_out() -> None:
    assert el("p", None, "a", None) == "<p>a</p>"
    assert together(None, "a", el("br")) == "a<br>"


def test_control_and_bidi_characters_are_shown() -> None:
    assert "\x1b" not in escaped("a\x1bb")
    assert "\u202e" not in escaped("a\u202eb")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_in_a_value_ends_its_element_and_all_of_it_is_read_again(value: object) -> None:
    text = embedded(value)
    assert not set(text) & set("<>&")
    assert json.loads(text) == value


def test_json_without_numbers_that_are_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        embedded(float("nan"))
