"""Boxes of text: a frame each, callers above what they call, as wide as their bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import APP, visible
from leakhunt.model.query import GROUPED, PACKAGE
from leakhunt.model.snapshot import Frame
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.labels import Labels
from leakhunt.sites.flame import NO_WEIGHT, Flame, Weight

#: What was cut off stands first among its like.
NOWHERE = Frame("", 0)
#: A box needs that many columns for anything to be read in it.
NARROWEST = 3


@dataclass
class Box:
    """One frame, or a row of frames that only lead to the next."""

    frame: Frame | None
    weight: Weight = NO_WEIGHT
    children: list[Box] = field(default_factory=list)
    through: int = 0
    """Frames before it that are not drawn: the one way here."""
    together: int = 0
    """Boxes too narrow to be read that are drawn as this one; 0: it stands for itself."""

    def width(self, compared: bool) -> int:
        """Bytes."""
        return self.weight.width(compared)


class Drawing(NamedTuple):
    """What each box is drawn with."""

    labels: Labels
    compared: bool
    screen: Screen
    group: str
    """What a box stands for: a line, or one of GROUPED."""

    def called(self, file: str) -> str:
        """The file or package that a box stands for."""
        return self.labels.roots.package(file) if self.group == PACKAGE else self.labels.file(file)


def boxes(tree: Flame, drawing: Drawing) -> Box:
    """The box of all, with those of all that is called."""
    root = _nested(tree)
    if drawing.group in GROUPED:
        root = _grouped(root, drawing)
    _folded(root, drawing.labels)
    return root


def _nested(tree: Flame) -> Box:
    """The nodes with all that passes through each."""
    made = [Box(node.frame) for node in tree.nodes]
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


def _folded(root: Box, labels: Labels) -> None:
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


def _grouped(root: Box, drawing: Drawing) -> Box:
    """The same with frames that follow one another in one file or package as one box."""
    made = Box(None, root.weight)
    firsts: dict[str, Frame] = {}
    groups: dict[tuple[int, Frame | None], Box] = {}
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
                group = groups[id(into), frame] = Box(frame)
                into.children.append(group)
            group.weight = group.weight.plus(child.weight)
            todo.append((child, group))
    return made


def laid(root: Box, drawing: Drawing) -> list[Text]:
    """A line of text per depth."""
    rows: list[Text] = []
    level: list[tuple[int, int, Box]] = [(0, drawing.screen.width, root)]
    while level:
        text, at = Text(), 0
        below: list[tuple[int, int, Box]] = []
        for left, right, box in level:
            text.append(" " * (left - at))
            text.append_text(_cell(box, right - left, drawing, box is root))
            at = right
            below += _parted(box, left, right, drawing.compared)
        text.rstrip()
        rows.append(text)
        level = below
    return rows


def _parted(box: Box, left: int, right: int, compared: bool) -> list[tuple[int, int, Box]]:
    """Where each of its children is drawn, the widest first; the ones too narrow as one box."""
    told: list[tuple[int, int, Box]] = []
    start, children = left, 0
    rest, narrow = Box(None), left
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
            rest = Box(None, rest.weight.plus(child.weight), [], 0, rest.together + 1)
        start = end
    if rest.together and start - narrow >= NARROWEST:
        told.append((narrow, start, rest))
    return told


def _cell(box: Box, width: int, drawing: Drawing, top: bool) -> Text:
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


def _named(box: Box, drawing: Drawing, top: bool) -> tuple[str, str]:
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
