"""Stacks as boxes of text, callers above what they call: as wide as their bytes, as high as the window."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import APP, visible
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
#: Lines of the list below the boxes, at most and at least, and rows of boxes at least.
LIST, LEAST_LISTED, ROWS = 8, 2, 4
#: Lines that are not printed on: what is said of rows without room, and the prompt.
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


def flame(report: FlameReport, screen: Screen) -> str:
    console = make_console(screen)
    table = report.table
    if isinstance(table, DiffReport):
        labels = Labels(table.after, table.before)
        heading(console, "growth in", who(table.after))
        say(console, f"{taken(table.before)}, to {taken(table.after)}", QUIET)
    else:
        labels = Labels(table.snapshot)
        heading(console, "alive in", who(table.snapshot))
        say(console, taken(table.snapshot), QUIET)
    say_why(console, table.why)
    console.print()
    root = _boxes(report.tree)
    if not root.width(report.compared):
        say(console, lines.NOTHING_CHANGED if report.compared else lines.NOTHING_ALIVE)
        return drawn(console)
    _folded(root, labels)
    rows = _laid(root, labels, report.compared, screen)
    above = drawn(console)
    taken_up = KEPT_FREE + above.count("\n") + _below(root, report, labels, screen, 0).count("\n")
    listed = min(LIST, max(LEAST_LISTED, (screen.height - taken_up) // 3))
    below = _below(root, report, labels, screen, listed)
    room = max(ROWS, screen.height - KEPT_FREE - above.count("\n") - below.count("\n"))
    boxes = make_console(screen)
    for row in rows[:room]:
        boxes.print(row, soft_wrap=True)
    deeper = len(rows) - room
    if deeper > 0:
        say(boxes, lines.deeper(deeper, screen.height + deeper), QUIET)
    return above + drawn(boxes) + below


def _below(root: _Box, report: FlameReport, labels: Labels, screen: Screen, listed: int) -> str:
    """What stands below the boxes: so many of the frames in which most ends, the total, the notes."""
    console = make_console(screen)
    console.print()
    for frame, weight in _listed(root, report.compared)[:listed]:
        console.print(_line(frame, weight, labels, report.compared, screen), soft_wrap=True)
    total = root.weight
    what = (
        lines.both_ways(total.change, total.grown, total.shrunk)
        if report.compared
        else f"total {units.size(total.now)}"
    )
    say(console, what, STRONG)
    table = report.table
    for line in lines.left_out(
        table.comparison, table.query, lambda amount: _bytes(amount, report.compared)
    ):
        say(console, line, QUIET)
    say_notes(console, table.notes)
    return drawn(console)


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


def _laid(root: _Box, labels: Labels, compared: bool, screen: Screen) -> list[Text]:
    """A line of text per depth."""
    rows: list[Text] = []
    whole = root.width(compared)
    level: list[tuple[int, int, _Box]] = [(0, screen.width, root)]
    while level:
        text, at = Text(), 0
        below: list[tuple[int, int, _Box]] = []
        for left, right, box in level:
            text.append(" " * (left - at))
            text.append_text(_cell(box, right - left, labels, compared, screen, box is root))
            at = right
            below += _parted(box, left, right, compared)
        text.rstrip()
        rows.append(text)
        level = below
    assert whole
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


def _cell(box: _Box, width: int, labels: Labels, compared: bool, screen: Screen, top: bool) -> Text:
    """A box: what it is called, and where it has room its place and its bytes."""
    edge = "▏" if screen.lines else "|"
    mark = _mark(box.weight) if compared and not top else ""
    name, where = _named(box, labels, top)
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


def _named(box: _Box, labels: Labels, top: bool) -> tuple[str, str]:
    """What a box is called, and its place where that is another thing."""
    if top:
        return "all", ""
    if box.together:
        return f"{units.count(box.together)} more", ""
    if box.frame is None:
        return "smaller", ""
    label = labels.label(box.frame)
    if label.function:
        # Boxes of one function differ by the line, which a narrow box shows too.
        return f"{visible(label.function)}:{box.frame.line}", labels.file(box.frame.file)
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
    weighty = [(frame, weight) for frame, weight in ends.items() if weight != NO_WEIGHT]
    return sorted(
        weighty, key=lambda each: (-abs(each[1].change if compared else each[1].now), each[0])
    )


def _line(frame: Frame, weight: Weight, labels: Labels, compared: bool, screen: Screen) -> Text:
    label = labels.label(frame)
    figure = units.signed_size(weight.change) if compared else units.size(weight.now)
    where = f"{label.where} in {visible(label.function)}" if label.function else label.where
    room = max(8, screen.width - 13)
    return Text.assemble((f"{figure:>11}  ", STRONG), _ending(where, room))


def _ending(text: str, room: int) -> str:
    """Its last so many columns: of a path the file, the line and the function."""
    if cell_len(text) <= room:
        return text
    while cell_len(text) > room - 1:
        text = text[1:]
    return f"…{text}"
