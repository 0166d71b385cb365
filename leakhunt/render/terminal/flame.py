"""Stacks as boxes of text, callers above what they call: as wide as their bytes, as high as the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.model.query import GROUPED
from leakhunt.model.snapshot import Frame
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.boxes import Box, Drawing, boxes, laid
from leakhunt.render.terminal.console import drawn, heading, make_console, say, say_notes, say_why
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.flame import FlameReport
from leakhunt.report.labels import Labels
from leakhunt.report.tables import DiffReport
from leakhunt.report.words import lines
from leakhunt.report.words.places import taken, who
from leakhunt.sites.flame import NO_WEIGHT, Weight
from leakhunt.sites.rows import Amount

#: Lines of the list below the boxes, at most and where it is not left out at least; rows of boxes at least.
LIST, LEAST_LISTED, ROWS = 8, 2, 4
#: Lines that are not printed on: what is said of lines without room, and the prompt.
KEPT_FREE = 2


class _Around(NamedTuple):
    """What stands around the boxes, as text of whole lines."""

    heading: str
    moment: str
    """When it was, and why these snapshots."""
    listed: tuple[str, ...]
    """The places in which most ends, a line each."""
    total: str
    notes: str
    """What filters and hiding left out, and what is to be noted."""


class _Choice(NamedTuple):
    """What of it is shown."""

    spaced: bool
    """Empty lines above and below the boxes."""
    listed: int
    moment: bool
    notes: bool


def flame(report: FlameReport, screen: Screen) -> str:
    table = report.table
    labels = (
        Labels(table.after, table.before)
        if isinstance(table, DiffReport)
        else Labels(table.snapshot)
    )
    drawing = Drawing(labels, report.compared, screen, table.query.group_by)
    root = boxes(report.tree, drawing)
    around = _around(root, report, drawing)
    if not root.width(report.compared):
        said = lines.NOTHING_CHANGED if report.compared else lines.NOTHING_ALIVE
        return f"{around.heading}{around.moment}\n{said}\n"
    return _fitted(around, laid(root, drawing), screen)


def _around(root: Box, report: FlameReport, drawing: Drawing) -> _Around:
    table, screen = report.table, drawing.screen
    heading_of, moment, notes = make_console(screen), make_console(screen), make_console(screen)
    if isinstance(table, DiffReport):
        heading(heading_of, "growth in", who(table.after))
        say(moment, f"{taken(table.before)}, to {taken(table.after)}", QUIET)
    else:
        heading(heading_of, "alive in", who(table.snapshot))
        say(moment, taken(table.snapshot), QUIET)
    say_why(moment, table.why)
    listed = []
    for frame, weight in _listed(root, report.compared)[:LIST]:
        console = make_console(screen)
        console.print(_line(frame, weight, drawing), soft_wrap=True)
        listed.append(drawn(console))
    weight, total = root.weight, make_console(screen)
    what = (
        lines.both_ways(weight.change, weight.grown, weight.shrunk)
        if report.compared
        else f"total {units.size(weight.now)}"
    )
    say(total, what, STRONG)
    for line in lines.left_out(
        table.comparison, table.query, lambda amount: _bytes(amount, report.compared)
    ):
        say(notes, line, QUIET)
    say_notes(notes, table.notes)
    return _Around(
        drawn(heading_of), drawn(moment), tuple(listed), drawn(total), _drawn_or_none(notes)
    )


def _drawn_or_none(console: Console) -> str:
    """Its lines; empty where nothing was printed on it."""
    text = drawn(console)
    return text if text.strip() else ""


def _fitted(around: _Around, rows: list[Text], screen: Screen) -> str:
    """As much as the window has room for; what it has none for is told."""
    for choice in _choices(around, screen.height):
        room = _room(around, choice, screen.height)
        if room >= min(ROWS, len(rows)):
            break
    room = max(1, room)
    shown = make_console(screen)
    for row in rows[:room]:
        shown.print(row, soft_wrap=True)
    deeper = max(0, len(rows) - room)
    unsaid = (
        min(LEAST_LISTED, len(around.listed)) * (not choice.listed)
        + around.moment.count("\n") * (not choice.moment)
        + around.notes.count("\n") * (not choice.notes)
    )
    if deeper or unsaid:
        height = _enough(around, len(rows), screen.height)
        said = lines.more_lines if unsaid else lines.deeper
        say(shown, said(deeper + unsaid, height), QUIET)
    space = "\n" if choice.spaced else ""
    return "".join(
        (
            around.heading,
            around.moment if choice.moment else "",
            space,
            drawn(shown),
            space,
            *around.listed[: choice.listed],
            around.total,
            around.notes if choice.notes else "",
        )
    )


def _choices(around: _Around, height: int) -> Iterator[_Choice]:
    """From all that a window of ``height`` lines may show to what the lowest must."""
    whole = _Choice(spaced=True, listed=0, moment=True, notes=True)
    share = min(LIST, max(LEAST_LISTED, _room(around, whole, height) // 3))
    yield whole._replace(listed=share)
    dense = whole._replace(spaced=False, listed=LEAST_LISTED)
    yield dense
    yield dense._replace(listed=0)
    yield dense._replace(listed=0, moment=False)
    yield dense._replace(listed=0, moment=False, notes=False)


def _room(around: _Around, choice: _Choice, height: int) -> int:
    """Lines that are left for the boxes."""
    shown = (
        around.heading
        + around.moment * choice.moment
        + "".join(around.listed[: choice.listed])
        + around.total
        + around.notes * choice.notes
    )
    return height - KEPT_FREE - shown.count("\n") - 2 * choice.spaced


def _enough(around: _Around, rows: int, height: int) -> int:
    """Lines of the lowest window, of this height or more, that has room for so many rows and all around them."""
    while True:
        whole = next(_choices(around, height))
        if _room(around, whole, height) >= rows:
            return height
        height += 1


def _bytes(amount: Amount, compared: bool) -> str:
    """What grew, or what is alive."""
    return units.signed_size(amount.diff.size) if compared else units.size(amount.after.size)


def _listed(root: Box, compared: bool) -> list[tuple[Frame, Weight]]:
    """The frames in which most ends, what says most first: what ends there, and not what passes through."""
    ends: dict[Frame, Weight] = {}
    todo = [root]
    while todo:
        box = todo.pop()
        todo += box.children
        if box.frame is not None:
            own = box.weight
            for child in box.children:
                own = own.minus(child.weight)
            ends[box.frame] = ends.get(box.frame, NO_WEIGHT).plus(own)
    weighty = [(frame, weight) for frame, weight in ends.items() if weight.width(compared)]
    return sorted(
        weighty, key=lambda each: (-abs(each[1].change if compared else each[1].now), each[0])
    )


def _line(frame: Frame, weight: Weight, drawing: Drawing) -> Text:
    label = drawing.labels.label(frame)
    figure = units.signed_size(weight.change) if drawing.compared else units.size(weight.now)
    where = f"{label.where} in {visible(label.function)}" if label.function else label.where
    if drawing.group in GROUPED:
        where = visible(drawing.called(frame.file))
    room = max(8, drawing.screen.width - 13)
    return Text.assemble((f"{figure:>11}  ", STRONG), _ending(where, room))


def _ending(text: str, room: int) -> str:
    """Its last so many columns: of a path the file, the line and the function."""
    if cell_len(text) <= room:
        return text
    while cell_len(text) > room - 1:
        text = text[1:]
    return f"…{text}"
