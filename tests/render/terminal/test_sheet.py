"""Pages that are laid out without rich: every letter where rich draws it, and in its style."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, make_console, say, say_notes
from leakhunt.render.terminal.sheet import Part, Sheet
from leakhunt.render.terminal.styles import GROWN, NOTE, QUIET, SHRUNK, STRONG

STYLES = ("", GROWN, SHRUNK, QUIET, STRONG, NOTE)
WORDS = st.lists(st.text("abé漢 \n", max_size=12), max_size=8).map(" ".join)
PARTS = st.lists(st.tuples(WORDS, st.sampled_from(STYLES)), min_size=1, max_size=4)
SCREENS = st.builds(Screen, st.integers(4, 40), st.booleans())
QUANTITIES = st.lists(
    st.sampled_from(["12 MiB", "3 tasks", "± 4 %", "and", "a", "\n"]), max_size=9
).map(" ".join)


def cells(page: str) -> list[list[tuple[str, str]]]:
    """What a page shows, line by line: letters with their styles. Blanks have none that one sees, at the end of a line
    nobody sees them, and two pieces of one style are one.
    """
    lines = []
    style = ""
    for line in page.split("\n"):
        shown: list[tuple[str, str]] = []
        for code, letter in re.findall(r"\x1b\[([\d;]*)m|(.)", line, re.DOTALL):
            if letter:
                shown.append((letter, "" if letter.isspace() else style))
            else:
                style = "" if code == "0" else code
        while shown and shown[-1][0].isspace():
            shown.pop()
        lines.append(shown)
    return lines


def test_what_a_page_shows_is_told_apart() -> None:
    assert cells("\x1b[31ma\x1b[0m \n") == cells("\x1b[31ma \x1b[0m\n") == [[("a", "31")], []]
    assert cells("\x1b[31mab\x1b[0m") == cells("\x1b[31ma\x1b[0m\x1b[31mb\x1b[0m")
    for other in ("b", " a", "a\n", "\x1b[31ma\x1b[0m"):
        assert cells("a") != cells(other)


@given(PARTS, SCREENS)
def test_texts_fold_as_rich_folds_them(parts: list[Part], screen: Screen) -> None:
    sheet, console = Sheet(screen), make_console(screen)
    sheet.fold(*parts)
    console.print(Text.assemble(*parts))
    assert cells(sheet.drawn()) == cells(drawn(console))


@given(PARTS, SCREENS)
def test_lines_are_as_long_as_they_are(parts: list[Part], screen: Screen) -> None:
    parts = [(text.replace("\n", ""), style) for text, style in parts]
    sheet, console = Sheet(screen), make_console(screen)
    sheet.line(*parts)
    console.print(Text.assemble(*parts), soft_wrap=True)
    assert cells(sheet.drawn()) == cells(drawn(console))


@given(PARTS, SCREENS)
def test_what_the_screen_has_no_room_for_is_an_ellipsis(parts: list[Part], screen: Screen) -> None:
    parts = [(text.replace("\n", ""), style) for text, style in parts]
    sheet, console = Sheet(screen), make_console(screen)
    sheet.crop(*parts)
    text = Text.assemble(*parts)
    text.truncate(screen.width, overflow="ellipsis")
    console.print(text, soft_wrap=True)
    assert cells(sheet.drawn()) == cells(drawn(console))


@given(QUANTITIES, st.sampled_from(STYLES), SCREENS)
def test_numbers_stay_with_their_units(text: str, style: str, screen: Screen) -> None:
    sheet, console = Sheet(screen), make_console(screen)
    sheet.say(text, style)
    sheet.notes([text, "\x1b[31mred"])
    say(console, text, style)
    say_notes(console, [text, "\x1b[31mred"])
    assert cells(sheet.drawn()) == cells(drawn(console))


@pytest.mark.parametrize("page", ["ps", "watch", "fleet"])
def test_what_is_looked_at_often_does_without_rich(page: str) -> None:
    """Its console alone takes 50 ms to import."""
    told = subprocess.run(
        [sys.executable, "-c",
         f"import leakhunt.cli.{page if page != 'fleet' else 'ps'}, leakhunt.render.terminal.{page}, sys;"
         "print([name for name in sys.modules if name in ('rich.console', 'rich.text')])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "[]\n"
