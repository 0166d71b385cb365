"""What the tests' process and the judge say: a line each."""

from __future__ import annotations

import json

from leakhunt.plugin import words


def test_one_is_one_line_whatever_it_holds() -> None:
    text = words.line({"do": words.RESULT, "failure": "a\nb\u2028"})
    assert (text.count(b"\n"), text[-1:]) == (1, b"\n")
    assert json.loads(text) == {"do": "result", "failure": "a\nb\u2028"}


def test_words_are_told_apart() -> None:
    assert len({words.BEGIN, words.BLOCK, words.RESULT, words.PROBLEM}) == 4
