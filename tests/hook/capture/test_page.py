"""The page that a capture's child and its parent share."""

from __future__ import annotations

import os

from leakhunt.hook.capture import page as pages


def test_the_pause_of_zero_is_none_and_any_other_is_read_as_it_was_left() -> None:
    page = pages.shared_page()
    assert pages.pause_told(page) is None
    assert pages.pause_told(page, 0.0125) == 0.0125
    assert pages.pause_told(page) == 0.0125
    page.close()


def test_notes_pause_length_and_words_do_not_overlap() -> None:
    page = pages.shared_page()
    page[: pages.NOTES.size] = pages.NOTES.pack(7, 9, 1)
    pages.pause_told(page, 1.5)
    pages.LENGTH.pack_into(page, pages.LENGTH_AT, 3)
    page[pages.SAID_AT : pages.SAID_AT + 3] = b"yes"
    assert pages.NOTES.unpack_from(page, 0) == (7, 9, 1)
    assert pages.pause_told(page) == 1.5
    assert pages.LENGTH.unpack_from(page, pages.LENGTH_AT) == (3,)
    assert page[pages.SAID_AT : pages.SAID_AT + 3] == b"yes"
    page.close()


def test_what_a_forked_child_leaves_there_the_parent_sees() -> None:
    page = pages.shared_page()
    child = os.fork()
    if child == 0:
        pages.pause_told(page, 2.5)
        os._exit(0)
    os.waitpid(child, 0)
    assert pages.pause_told(page) == 2.5
    page.close()
