"""What every report for the eye is drawn with: the console, the styles, the lines that all have."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.styles import BOUND, NOTE, QUIET, STRONG, unbroken


def make_console(screen: Screen) -> Console:
    return Console(
        file=io.StringIO(),
        width=screen.width,
        force_terminal=screen.color,
        color_system="standard" if screen.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue().replace(BOUND, " ")
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(unbroken(text), style), soft_wrap=False)


def heading(console: Console, what: str, whom: str) -> None:
    console.print(Text.assemble((f"{what} ", QUIET), (visible(whom), STRONG)))


def say_why(console: Console, why: str | None) -> None:
    if why:
        say(console, f"chosen  {visible(why)}", QUIET)


def say_notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        console.print(Text.assemble(("note: ", NOTE), unbroken(visible(note))))


def hanging(text: Text, head: Text, on: str | Text, width: int) -> Iterator[Text]:
    """The text behind ``head``, folded behind ``on``."""
    room = max(width - max(head.cell_len, len(on)), 6)
    for number, row in enumerate(text.wrap(make_console(Screen(room)), room, overflow="fold")):
        row.rstrip()
        yield Text.assemble(on if number else head, row)
