"""A place for the eye: its source, the stacks that lead there as trees, its blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import NOTHING, Block, Tally
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.branches import Line, folded
from leakhunt.render.terminal.console import (
    drawn,
    hanging,
    heading,
    make_console,
    say,
    say_notes,
    say_why,
)
from leakhunt.render.terminal.guides import Guides
from leakhunt.render.terminal.guides import guides as guides_for
from leakhunt.render.terminal.sparks import spark
from leakhunt.render.terminal.styles import NOTE, QUIET, STRONG
from leakhunt.report.labels import Labels
from leakhunt.report.place import PlaceReport
from leakhunt.report.words import taken_apart
from leakhunt.report.words.notes import RECYCLED
from leakhunt.report.words.places import MAY_BE, holders, taken, types, who
from leakhunt.sites.place import Shown
from leakhunt.sites.tree import Node
from leakhunt.snapshots.births import FEWEST
from leakhunt.snapshots.source import Source

#: Block sizes that are listed one by one; more of them are put together by powers of two.
SIZES = 8
#: Who uses the domains of tracemalloc that are in use out there.
DOMAINS = {0: "Python", 389047: "NumPy"}


#: On a page: lines of source around the place, and of a tree alone or beside another one.
SOURCE, ALONE, BESIDE = 1, 12, 5
#: Of a tree on the smallest page.
LEAST = 2
#: Of the births over the life of a process.
BARS = 32
#: Lines of the lowest window that is kept to, that of the prompt below a page, and those that follow the blocks.
LOWEST, PROMPT, REST = 10, 1, 2


def place(report: PlaceReport, screen: Screen) -> str:
    """All of it where that is asked for; else what fits the window: trees give way first."""
    text = _page(report, screen, 0)
    if screen.verbose:
        return text
    height = _height(screen)
    for fewer in range(1, ALONE):
        if len(text.splitlines()) <= height:
            return text
        text = _page(report, screen, fewer)
    lines = text.splitlines()
    kept = lines if len(lines) <= height else [*lines[: height - 1], taken_apart.cut_off(len(lines) - height + 1)]  # fmt: skip
    return "\n".join(kept) + "\n"


def _height(screen: Screen) -> int:
    """Lines that a page may have."""
    return max(screen.height - PROMPT, LOWEST)


def _page(report: PlaceReport, screen: Screen, fewer: int) -> str:
    """``fewer``: lines that each tree has less than it has by default."""
    console = make_console(screen)
    whole, snapshot, labels, source = report.shown, report.snapshot, report.labels, report.source
    width = screen.width
    guides = guides_for(screen)
    heading(console, "alive in", who(snapshot))
    say(console, taken(snapshot), QUIET)
    say_why(console, report.why)
    console.print()
    console.print(_title(whole, labels))
    if source is not None:
        for line in _source_lines(whole, source, width, None if screen.verbose else SOURCE):
            console.print(line, soft_wrap=True)
    console.print()
    say(console, taken_apart.summary(whole), STRONG)
    if whole.hidden_stacks:
        say(console, taken_apart.hidden(whole), QUIET)
    lines = len(whole.places) > 1
    trees = []
    if len(whole.callers) > 1 or lines:
        drawn_callers = _drawn(
            whole, whole.callers, labels, guides, taken_apart.cut(snapshot.nframe), "caller"
        )
        trees.append((taken_apart.CALLERS, drawn_callers))
    if len(whole.below) > 1 and (not lines or any(node.level > 1 for node in whole.below)):
        drawn_below = _drawn(whole, whole.below, labels, guides, taken_apart.ITSELF, "line")
        trees.append((taken_apart.BELOW, drawn_below))
    for title, branches in trees:
        console.print()
        say(console, title, STRONG)
        chosen = list(branches)
        if not screen.verbose:
            chosen = list(folded(chosen, labels.roots))
        most = len(chosen) if screen.verbose else max(LEAST, (ALONE if len(trees) == 1 else BESIDE) - fewer)  # fmt: skip
        shown = chosen if len(chosen) <= most else chosen[: most - 1]
        for text in _tree(shown, whole.matched.size, guides, width):
            console.print(text, soft_wrap=True)
        if len(shown) < len(chosen):
            say(console, taken_apart.cut_off(len(chosen) - len(shown)), QUIET)
    blocks = list(_block_lines(whole.blocks)) if whole.blocks else []
    height = len(drawn(console).splitlines()) + len(blocks) + REST
    if blocks and (screen.verbose or height <= _height(screen)):
        console.print()
        for text in blocks:
            console.print(text, soft_wrap=True)
    if whole.born is not None and whole.born.events >= FEWEST:
        console.print()
        bars = spark(whole.born.spread(1.0, BARS), screen.lines, 0.0)
        say(console, f"{taken_apart.born(whole.born)}  {bars}".rstrip())
        if set(whole.born.tasks) != {None}:
            say(console, visible(taken_apart.tasks(whole.born)))
    if whole.kinds is not None and (
        whole.kinds.types or whole.kinds.holders or whole.kinds.is_recycled
    ):
        console.print()
        if whole.kinds.types:
            say(console, types(whole.kinds))
        if whole.kinds.holders:
            say(console, holders(whole.kinds, labels.roots))
        if whole.kinds.is_recycled:
            say(console, f"{MAY_BE}: {RECYCLED}", NOTE)
    say_notes(console, report.notes)
    return drawn(console)


def _title(shown: Shown, labels: Labels) -> Text:
    frame, _ = shown.places[0]
    if len(shown.places) > 1:
        return Text.assemble(
            (visible(shown.location), STRONG), f", {units.counted(len(shown.places), 'line')}"
        )
    label = labels.label(frame)
    inside = f" in {visible(label.function)}" if label.function else ""
    return Text.assemble((label.where, STRONG), inside)


def _source_lines(shown: Shown, source: Source, width: int, around: int | None) -> Iterator[Text]:
    at = shown.places[0][0].line
    lines = [line for line in source.lines if around is None or abs(line[0] - at) <= around]
    digits = max((len(str(number)) for number, _ in lines), default=0)
    shared = min((_indent(code) for _, code in lines if code.strip()), default=0)
    for number, code in lines:
        is_place = number == at
        head = f"{'>' if is_place else ' '} {number:{digits}}  "
        text = Text(visible(code.expandtabs(4)[shared:]), STRONG if is_place else QUIET)
        yield from hanging(text, Text(head, QUIET), " " * (len(head) + 2), width)
    if source.origin == "disk":
        yield Text(f"  {taken_apart.FROM_DISK}", QUIET)
    if source.note:
        yield Text(f"  ({taken_apart.OF_SOURCE[source.note]})", QUIET)


def _indent(code: str) -> int:
    spaced = code.expandtabs(4)
    return len(spaced) - len(spaced.lstrip(" "))


# -- trees ----------------------------------------------------------------------------


def _tree(lines: Sequence[Line], whole: int, guides: Guides, width: int) -> Iterator[Text]:
    """Lines with their figures before them; ``whole``: bytes that shares are of."""
    heads = ("size", "blocks", "share")
    figures = [
        (
            units.size(line.tally.size),
            units.count(line.tally.count),
            units.share(line.tally.size / whole) if whole else "",
        )
        for line in lines
    ]
    wide = [max(map(len, column)) for column in zip(heads, *figures)]
    used = sum(wide) + 2 * len(wide)
    room = max(width - used, 12)
    yield Text("".join(f"{head:>{size}}  " for head, size in zip(heads, wide)) + "where", STRONG)
    for line, cells in zip(lines, figures):
        lead, on = _within(line.lead, room, guides), _within(line.on, room, guides)
        first = "".join(f"{cell:>{size}}  " for cell, size in zip(cells, wide))
        head = Text.assemble(first, (lead, QUIET))
        if head.cell_len + line.text.cell_len <= width:
            yield head.append_text(line.text)
        else:
            yield from hanging(line.text, head, Text(" " * used + on, QUIET), width)


def _within(guide: str, room: int, guides: Guides) -> str:
    """Guides that leave the text its room, however deep a tree is."""
    most = room // 2
    return (
        guide if len(guide) <= most else guides.cut + guide[len(guide) - most + len(guides.cut) :]
    )


def _drawn(
    shown: Shown, nodes: Sequence[Node], labels: Labels, guides: Guides, ends: str, children: str
) -> Iterator[Line]:
    """The lines of a tree. An only child stands below its parent, without a step to the right."""
    inside = _children(nodes)
    blank = " " * len(guides.along)
    todo: list[tuple[int, str, str]] = [(0, "", "")]
    extra: dict[int, Line] = {}
    key = 0
    while todo:
        index, lead, on = todo.pop()
        if index < 0:
            yield extra.pop(index)
            continue
        node = nodes[index]
        items: list[int] = list(inside[index])
        lines: list[tuple[Tally, str]] = []
        if node.ends != NOTHING and (items or node.remainder_children):
            lines.append((node.ends, ends))
        if node.remainder_children:
            lines.append((node.remainder, taken_apart.more(node.remainder_children, children)))
        deeper = bool(items or lines)
        only = len(items) == 1 and not lines
        under = on + (guides.along if deeper and not only else "")
        yield Line(node.tally, lead, under + "  ", _name(shown, node, labels), node.frame)
        if only:
            todo.append((items[0], on, on))
            continue
        following: list[tuple[int, str, str]] = []
        last = len(items) + len(lines) - 1
        for position, item in enumerate(items):
            final = position == last
            following.append(
                (item, on + (guides.last if final else guides.between),
                 on + (blank if final else guides.along))
            )  # fmt: skip
        for position, (tally, text) in enumerate(lines, len(items)):
            final = position == last
            key -= 1
            extra[key] = Line(
                tally,
                on + (guides.last if final else guides.between),
                on + (blank if final else guides.along),
                Text(text, QUIET),
            )
            following.append((key, "", ""))
        todo += reversed(following)


def _children(nodes: Sequence[Node]) -> list[list[int]]:
    inside: list[list[int]] = [[] for _ in nodes]
    above: list[int] = []
    for index, node in enumerate(nodes):
        del above[node.level :]
        if above:
            inside[above[-1]].append(index)
        above.append(index)
    return inside


def _name(shown: Shown, node: Node, labels: Labels) -> Text:
    if node.frame is None:
        return Text(visible(shown.location), STRONG)
    label = labels.label(node.frame)
    text = Text(label.where, STRONG if node.level == 0 else "")
    text.append(f" in {visible(label.function)}" if label.function else "", QUIET)
    return text


# -- blocks ---------------------------------------------------------------------------


def _block_lines(blocks: Sequence[Block]) -> Iterator[Text]:
    by_size: dict[int, int] = {}
    for block in blocks:
        by_size[block.size] = by_size.get(block.size, 0) + block.count
    if len(by_size) <= SIZES:
        rows = [
            (units.exact_size(size), size * by_size[size], by_size[size])
            for size in sorted(by_size)
        ]
    else:
        rows = list(_by_powers(by_size))
    whole = sum(bytes_of for _, bytes_of, _ in rows)
    cells = [("block size", "blocks", "total", "share")]
    cells += [
        (
            name,
            units.count(number),
            units.size(bytes_of),
            units.share(bytes_of / whole) if whole else "",
        )
        for name, bytes_of, number in rows
    ]
    wide = [max(map(len, column)) for column in zip(*cells)]
    for row, style in zip(cells, (STRONG, *[""] * len(rows))):
        yield Text("  ".join(f"{cell:>{size}}" for cell, size in zip(row, wide)), style)
    by_domain: dict[int, int] = {}
    for block in blocks:
        by_domain[block.domain] = by_domain.get(block.domain, 0) + block.size * block.count
    said = [
        f"{domain}{f' ({DOMAINS[domain]})' if domain in DOMAINS else ''}"
        + (f" {units.size(by_domain[domain])}" if len(by_domain) > 1 else "")
        for domain in sorted(by_domain)
    ]
    yield Text(f"domain{'s' if len(said) > 1 else ''} {', '.join(said)}", QUIET)


def _by_powers(by_size: dict[int, int]) -> Iterator[tuple[str, int, int]]:
    groups: dict[int, list[int]] = {}
    for size in sorted(by_size):
        groups.setdefault(size.bit_length(), []).append(size)
    for sizes in groups.values():
        first, last = sizes[0], sizes[-1]
        name = (
            units.exact_size(first)
            if first == last
            else f"{units.count(first)} to {units.exact_size(last)}"
        )
        yield (
            name,
            sum(size * by_size[size] for size in sizes),
            sum(by_size[size] for size in sizes),
        )
