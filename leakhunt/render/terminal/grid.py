"""Tables whose last column folds: laid out here, because rich takes a millisecond and more for each row.

Looks as :class:`rich.table.Table` without a box: two blanks between columns, the head in bold, what
does not fit the last column folded below itself, between words where it can be. Where that column is
narrower than a line of code, what does not fit it stands below the row, as wide as the screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple, Union

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

from leakhunt.render.terminal.sheet import breaks
from leakhunt.render.terminal.styles import STRONG

#: A cell: a text, or one with styles; each may have several lines.
Cell = Union[str, Text]
GAP = 2
#: The last column is never narrower: a very narrow screen is overrun instead.
LEAST = 12
#: A narrower column folds nothing: below the row there is more room, from so many blanks on.
NARROW, INDENT = 48, 4


class Column(NamedTuple):
    """One column but the last."""

    name: str
    right: bool = True
    """Whether its cells stand at the right: numbers do."""


class Line(NamedTuple):
    """One row: a cell per column, and the last one, which folds."""

    cells: Sequence[Cell]
    last: Cell
    style: str = ""


def grid(
    console: Console,
    columns: Sequence[Column],
    last: str,
    rows: Sequence[Line],
    narrow: int = NARROW,
) -> None:
    """Print the head, unless no column has a name, and the rows, as wide as the console is.

    ``narrow``: a last column that is narrower folds nothing.
    """
    if console.color_system is None:  # the same, several times as fast
        rows = [Line([_plain(cell) for cell in row.cells], _plain(row.last)) for row in rows]
        head = Line([column.name for column in columns], last)
    else:
        head = Line([Text(column.name, STRONG) for column in columns], Text(last, STRONG))
    wide = [
        max(_width(cell) for cell in (column.name, *(row.cells[at] for row in rows)))
        for at, column in enumerate(columns)
    ]
    room = max(LEAST, console.width - sum(wide) - GAP * len(wide))
    for row in (head, *rows) if last else rows:
        beside, below = _placed(row, room, console.width, narrow)
        for parts in zip_longest(*map(_lines, row.cells), beside):
            console.file.write(_line(console, _laid(parts, columns, wide), row.style))
        for text in below:
            console.file.write(_line(console, (" " * INDENT, text), row.style))


def _plain(cell: Cell) -> str:
    return cell.plain if isinstance(cell, Text) else cell


def _width(cell: Cell) -> int:
    plain = _plain(cell)
    return max(map(cell_len, plain.split("\n"))) if "\n" in plain else cell_len(plain)


def _lines(cell: Cell) -> Sequence[Cell]:
    return list(cell.split("\n")) if "\n" in _plain(cell) else (cell,)


def _placed(row: Line, room: int, width: int, narrow: int) -> tuple[Sequence[Cell], Sequence[Cell]]:
    """The lines of the last cell that stand in its column, and those below the row."""
    lines = _lines(row.last)
    if room >= narrow or all(_width(line) <= room for line in lines):
        return list(_folded(row.last, room)), ()
    fits = _width(lines[0]) <= room
    under = [part for line in lines[fits:] for part in _folded(line, max(LEAST, width - INDENT))]
    return lines[:fits], under


def _folded(cell: Cell, room: int) -> Iterator[Cell]:
    """The lines of a cell, each no wider than there is room; what is folded stands where its line began."""
    for line in _lines(cell):
        plain = _plain(line)
        if cell_len(plain) <= room:
            yield line
            continue
        lead = len(plain) - len(plain.lstrip(" "))
        lead = lead if 2 * lead <= room else 0
        ends = list(breaks(plain[lead:], room - lead))
        cuts = [lead + end for end in ends]
        if isinstance(line, Text):
            for number, part in enumerate(line.divide(cuts)):
                part.rstrip()
                yield Text(" " * lead).append_text(part) if number and lead else part
        else:
            for start, end in zip((0, *cuts), (*cuts, len(line))):
                yield " " * (lead if start else 0) + line[start:end].rstrip()


def _laid(
    parts: Sequence[Cell | None], columns: Sequence[Column], wide: Sequence[int]
) -> Iterator[Cell]:
    """One line of the screen, from left to right."""
    for part, column, size in zip(parts, columns, wide):
        cell = part if part is not None else ""
        blank = " " * (size - _width(cell))
        yield from (blank, cell, " " * GAP) if column.right else (cell, blank, " " * GAP)
    yield parts[-1] if parts[-1] is not None else ""


def _line(console: Console, cells: Iterable[Cell], style: str) -> str:
    return "".join(_painted(console, cell, style) for cell in cells) + "\n"


def _painted(console: Console, cell: Cell, style: str) -> str:
    """A cell's text with its colours, if the console has any; ``style``: of its row."""
    if console.color_system is None or not cell:
        return _plain(cell)
    if isinstance(cell, str):
        return _styled(console, cell, style)
    if not cell.spans:
        return _styled(console, cell.plain, cell.style or style)
    return "".join(
        segment.style.render(segment.text, color_system=ColorSystem.STANDARD)
        if segment.style
        else segment.text
        for segment in cell.render(console)
    )


def _styled(console: Console, text: str, style: str | Style) -> str:
    if not style or text.isspace():
        return text
    return console.get_style(style).render(text, color_system=ColorSystem.STANDARD)
