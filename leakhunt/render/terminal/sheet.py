"""The lines of a page that is asked for again and again: laid out here, because to import rich takes a fifth
of the time in which ``ps`` looks at sixty processes.

Folds and colours as :meth:`rich.console.Console.print` does with a :class:`rich.text.Text`: every letter stands where rich
has it, in its style.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len, chop_cells, set_cell_size  # the one module of rich that is cheap

from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.styles import (
    BOUND,
    GROWN,
    NOTE,
    QUIET,
    SHRUNK,
    STRONG,
    unbroken,
)

#: A piece of a line: its text, and its style or "".
Part = tuple[str, str]

_WORD = re.compile(r"\s*\S+\s*")
#: What the terminal is told for each style (ECMA-48, SGR).
_CODES = {STRONG: "1", QUIET: "2", GROWN: "1;31", SHRUNK: "32", NOTE: "33"}


class Sheet:
    """A page for one screen, from its first line to its last."""

    def __init__(self, screen: Screen) -> None:
        self._width, self._color = screen.width, screen.color
        self._lines: list[str] = []

    def line(self, *parts: Part) -> None:
        """One line, however long."""
        self._lines.append("".join(self._painted(*part) for part in parts))

    def fold(self, *parts: Part) -> None:
        """A text, folded between words where it can be."""
        for line in _lines(parts):
            plain = _plain(line)
            ends = [*breaks(plain, self._width), len(plain)]
            for start, end in zip((0, *ends), ends):
                self.line(*_cut(line, start, start + _kept(plain[start:end], self._width)))

    def crop(self, *parts: Part) -> None:
        """One line, with an ellipsis for what the screen has no room for."""
        plain = _plain(parts)
        if cell_len(plain) > self._width:
            text = set_cell_size(plain, self._width - 1) + "…"
            styles = [style for part, style in parts for _ in part]
            runs = groupby(range(len(text)), key=styles.__getitem__)
            parts = tuple(("".join(text[at] for at in run), style) for style, run in runs)
        self.line(*parts)

    def say(self, text: str, style: str = "") -> None:
        """A text, folded, no number parted from its unit."""
        self.fold((unbroken(text), style))

    def notes(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.fold(("note: ", NOTE), (unbroken(visible(note)), ""))

    def drawn(self) -> str:
        text = "".join(f"{line}\n" for line in self._lines).replace(BOUND, " ")
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"

    def _painted(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._color and style and text else text


def _plain(parts: Sequence[Part]) -> str:
    return "".join(text for text, _ in parts)


def _lines(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """The lines of a text, which may be broken within a part."""
    line: list[Part] = []
    for text, style in parts:
        first, *more = text.split("\n")
        line.append((first, style))
        for each in more:
            yield line
            line = [(each, style)]
    yield line


def _cut(parts: Sequence[Part], start: int, end: int) -> Iterator[Part]:
    """What stands between two places of a line."""
    at = 0
    for text, style in parts:
        yield text[max(0, start - at) : max(0, end - at)], style
        at += len(text)


def _kept(line: str, width: int) -> int:
    """The characters of a folded line but for the blanks that it has no room for."""
    blanks = len(line) - len(line.rstrip())
    return len(line) - min(blanks, max(0, len(line) - width))


def breaks(text: str, room: int) -> Iterator[int]:
    """Where a line is broken so that no part is wider than there is room: between words, or within one
    that is wider itself.
    """
    used = 0
    for match in _WORD.finditer(text):
        word = match[0]
        if used and used + cell_len(word.rstrip()) > room:
            yield match.start()
            used = 0
        if cell_len(word.rstrip()) > room:
            *parts, rest = chop_cells(word, room)
            at = match.start()
            for part in parts:
                at += len(part)
                yield at
            used = cell_len(rest)
        else:
            used += cell_len(word)
