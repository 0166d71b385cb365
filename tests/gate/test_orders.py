"""Orders and answers over a pipe: one line each, and a newer one's further words are no error."""

from __future__ import annotations

import json

from leakhunt.gate.orders import RAN, RUN, Answer, Order, answer, line, order


def test_what_is_sent_is_what_arrives() -> None:
    sent = Order(RUN, 500, True, True)
    assert order(line(sent)) == sent
    told = Answer(RAN, 500, 1.5, "/snaps/1.bin", message="with\na line end")
    assert answer(line(told)) == told


def test_one_is_one_line_whatever_it_holds() -> None:
    text = line(Answer(RAN, message="a\nb\r\nc\u2028d"))
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert text.isascii()


def test_words_of_a_newer_version_are_left_out() -> None:
    newer = json.dumps({"do": RUN, "runs": 3, "in_the_dark": True}).encode()
    assert order(newer) == Order(RUN, 3)
