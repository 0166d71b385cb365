"""Names in Markdown, as a reader of Markdown shows them: to the letter, and nothing else."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from leakhunt.model.paths import visible
from leakhunt.render.quoting import code, escape, span
from tests.support.web import HOSTILE

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NAMES = (
    *HOSTILE, "`", "``", "` `", "`a", "a`", "`rm -rf`|pipe|.py", "a``b`c", " a ", "a\\|b", "a\\`b", "**bold**", "shop/__init__.py",
    "[x](http://x)", "![x](y)", "&amp;&lt;", "<b>", "~~gone~~", "$x$", "{{7*7}}", "|", "\\",
)  # fmt: skip
ANY = st.text(st.sampled_from("`|\\*_~<>&[]!() ab.$"), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


def shown(markdown: str) -> str:
    """What a reader sees of a line; fails where anything but a code span is made of it."""
    drawn = READER.render(markdown).strip()
    assert drawn.startswith("<p>"), drawn
    inner = drawn.removeprefix("<p>").removesuffix("</p>")
    assert not re.search(r"<(?!/?code>)", inner), inner
    return html.unescape(re.sub("</?code>", "", inner))


def cell_shown(markdown: str) -> str:
    """The same of a table's only cell; fails where the row has another."""
    drawn = READER.render(f"| x |\n| --- |\n| {markdown} |\n")
    (inner,) = re.findall("<td>(.*?)</td>", drawn, re.DOTALL)
    return html.unescape(re.sub("</?code>", "", inner))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_in_a_span_is_read_to_the_letter(name: str) -> None:
    assert shown(f"x{span(name)}x") == f"x{visible(name)}x"
    assert cell_shown(f"x{code(name)}x") == f"x{visible(name)}x"


@given(ANY)
def test_so_is_any_text(text: str) -> None:
    assert shown(f"x {span(text)} x") == f"x {text} x"
    assert cell_shown(f"x {code(text)} x") == f"x {text} x"


@pytest.mark.parametrize("name", [name for name in NAMES if "://" not in name], ids=ascii)
def test_a_name_in_a_sentence_is_no_markdown(name: str) -> None:
    assert shown(f"x{escape(name)}x") == f"x{visible(name)}x"
    assert cell_shown(f"x{escape(name)}x") == f"x{visible(name)}x"


def test_nobody_is_mentioned_and_nothing_is_a_link() -> None:
    assert escape("@web1 user@web1") == "@\u200bweb1 user@web1"
    assert "://" not in escape("http://x.example")
    assert "www." not in escape("www.x.example")
