"""Stacks as boxes of text, callers above what they call: as wide as their bytes, as high as the window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import APP, visible
from leakhunt.model.query import GROUPED, PACKAGE
from leakhunt.model.snapshot import Frame
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, heading, make_console, say, say_notes, say_why
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.flame import FlameReport
from leakhunt.report.labels import Labels
from leakhunt.report.tables import DiffReport
from leakhunt.report.words import lines
from leakhunt.report.words.places import taken, who
from leakhunt.sites.flame import NO_WEIGHT, Flame, Weight
from leakhunt.sites.rows import Amount

#: What was cut off stands first among its like.
NOWHERE = Frame("", 0)
#: A box needs that many columns for anything to be read in it.
NARROWEST = 3
#: Lines of the list below the boxes, at most and where it is not left out at least; rows of boxes at least.
LIST, LEAST_LISTED, ROWS = 8, 2, 4
#: Lines that are not printed on: what is said of lines without room, and the prompt.
KEPT_FREE = 2


@dataclass
class _Box:
    """One frame, or a row of frames that only lead to the next."""

    frame: Frame | None
    weight: Weight = NO_WEIGHT
    children: list[_Box] = field(default_factory=list)
    through: int = 0
    """Frames before it that are not drawn: the one way here."""
    together: int = 0
    """Boxes too narrow to be read that are drawn as this one; 0: it stands for itself."""

    def width(self, compared: bool) -> int:
        """Bytes."""
        return self.weight.width(compared)


class _Drawing(NamedTuple):
    """What each box is drawn with."""

    labels: Labels
    compared: bool
    screen: Screen
    group: str
    """What a box stands for: a line, or one of GROUPED."""

    def called(self, file: str) -> str:
        """The file or package that a box stands for."""
        return self.labels.roots.package(file) if self.group == PACKAGE else self.labels.file(file)


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
    drawing = _Drawing(labels, report.compared, screen, table.query.group_by)
    root = _boxes(report.tree)
    if drawing.group in GROUPED:
        root = _grouped(root, drawing)
    _folded(root, labels)
    around = _around(root, report, drawing)
    if not root.width(report.compared):
        said = lines.NOTHING_CHANGED if report.compared else lines.NOTHING_ALIVE
        return f"{around.heading}{around.moment}\n{said}\n"
    return _fitted(around, _laid(root, drawing), screen)


def _around(root: _Box, report: FlameReport, drawing: _Drawing) -> _Around:
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
    boxes = make_console(screen)
    for row in rows[:room]:
        boxes.print(row, soft_wrap=True)
    deeper = max(0, len(rows) - room)
    unsaid = (
        min(LEAST_LISTED, len(around.listed)) * (not choice.listed)
        + around.moment.count("\n") * (not choice.moment)
        + around.notes.count("\n") * (not choice.notes)
    )
    if deeper or unsaid:
        height = _enough(around, len(rows), screen.height)
        said = lines.more_lines if unsaid else lines.deeper
        say(boxes, said(deeper + unsaid, height), QUIET)
    space = "\n" if choice.spaced else ""
    return "".join(
        (
            around.heading,
            around.moment if choice.moment else "",
            space,
            drawn(boxes),
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


def _boxes(tree: Flame) -> _Box:
    """The nodes with all that passes through each."""
    made = [_Box(node.frame) for node in tree.nodes]
    for number in range(len(made) - 1, -1, -1):  # children stand behind their parents
        node, box = tree.nodes[number], made[number]
        for weight in node.ends:
            box.weight = box.weight.plus(weight)
        if node.parent >= 0:
            parent = made[node.parent]
            parent.weight = parent.weight.plus(box.weight)
            parent.children.append(box)
    for box in made:
        box.children.reverse()
    return made[0]


def _folded(root: _Box, labels: Labels) -> None:
    """Library frames that lead to one frame only, and end nothing themselves, are not drawn."""
    todo = [root]
    while todo:
        box = todo.pop()
        for index, child in enumerate(box.children):
            while (
                len(child.children) == 1
                and child.children[0].weight == child.weight
                and child.frame is not None
                and child.children[0].frame is not None
                and labels.roots.kind(child.frame.file) != APP
            ):
                child.children[0].through = child.through + 1
                child = child.children[0]
            box.children[index] = child
        todo += box.children


def _grouped(root: _Box, drawing: _Drawing) -> _Box:
    """The same with frames that follow one another in one file or package as one box."""
    made = _Box(None, root.weight)
    firsts: dict[str, Frame] = {}
    groups: dict[tuple[int, Frame | None], _Box] = {}
    todo = [(root, made)]
    while todo:
        box, into = todo.pop()
        for child in box.children:
            frame = child.frame and firsts.setdefault(drawing.called(child.frame.file), child.frame)
            if frame is not None and frame == into.frame:
                todo.append((child, into))
                continue
            group = groups.get((id(into), frame))
            if group is None:
                group = groups[id(into), frame] = _Box(frame)
                into.children.append(group)
            group.weight = group.weight.plus(child.weight)
            todo.append((child, group))
    return made


def _laid(root: _Box, drawing: _Drawing) -> list[Text]:
    """A line of text per depth."""
    rows: list[Text] = []
    level: list[tuple[int, int, _Box]] = [(0, drawing.screen.width, root)]
    while level:
        text, at = Text(), 0
        below: list[tuple[int, int, _Box]] = []
        for left, right, box in level:
            text.append(" " * (left - at))
            text.append_text(_cell(box, right - left, drawing, box is root))
            at = right
            below += _parted(box, left, right, drawing.compared)
        text.rstrip()
        rows.append(text)
        level = below
    return rows


def _parted(box: _Box, left: int, right: int, compared: bool) -> list[tuple[int, int, _Box]]:
    """Where each of its children is drawn, the widest first; the ones too narrow as one box."""
    told: list[tuple[int, int, _Box]] = []
    start, children = left, 0
    rest, narrow = _Box(None), left
    for child in sorted(
        box.children, key=lambda each: (-each.width(compared), each.frame or NOWHERE)
    ):
        if not child.width(compared):
            continue
        children += child.width(compared)
        end = min(right, left + round(children / box.width(compared) * (right - left)))
        if end - start >= NARROWEST and not rest.together:
            told.append((start, end, child))
            narrow = end
        else:
            rest = _Box(None, rest.weight.plus(child.weight), [], 0, rest.together + 1)
        start = end
    if rest.together and start - narrow >= NARROWEST:
        told.append((narrow, start, rest))
    return told


def _cell(box: _Box, width: int, drawing: _Drawing, top: bool) -> Text:
    """A box: what it is called, and where it has room its place and its bytes."""
    labels, compared = drawing.labels, drawing.compared
    edge = "▏" if drawing.screen.lines else "|"
    mark = _mark(box.weight) if compared and not top else ""
    name, where = _named(box, drawing, top)
    style = STRONG if box.frame is not None and labels.roots.kind(box.frame.file) == APP else ""
    figure = units.signed_size(box.weight.change) if compared else units.size(box.weight.now)
    room = width - 1
    shown = Text(f"{mark}{name}", f"{style} {_colour(mark)}".strip())
    for more in (where, figure):
        if more and cell_len(shown.plain) + len("  ") + cell_len(more) < room:
            shown.append(f"  {more}", QUIET)
    if cell_len(shown.plain) > room:
        shown.truncate(room, overflow="ellipsis")
    shown.append(" " * (room - cell_len(shown.plain)))
    return Text.assemble((edge, QUIET), shown)


def _named(box: _Box, drawing: _Drawing, top: bool) -> tuple[str, str]:
    """What a box is called, and its place where that is another thing."""
    if top:
        return "all", ""
    if box.together:
        return f"{units.count(box.together)} more", ""
    if box.frame is None:
        return "smaller", ""
    if drawing.group in GROUPED:
        return visible(drawing.called(box.frame.file)), ""
    label = drawing.labels.label(box.frame)
    if label.function:
        # Boxes of one function differ by the line, which a narrow box shows too.
        return f"{visible(label.function)}:{box.frame.line}", drawing.labels.file(box.frame.file)
    return label.where.rpartition("/")[2], ""


def _colour(mark: str) -> str:
    return {"+": "red", "-": "green"}.get(mark, "")


def _mark(weight: Weight) -> str:
    """Whether it grew."""
    return "+" if weight.change > 0 else "-" if weight.change < 0 else "="


def _listed(root: _Box, compared: bool) -> list[tuple[Frame, Weight]]:
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


def _line(frame: Frame, weight: Weight, drawing: _Drawing) -> Text:
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
