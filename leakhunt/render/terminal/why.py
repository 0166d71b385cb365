"""What keeps the objects of a place, for the eye: the ways to them as a tree, the named ones first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.render.screen import Screen
from leakhunt.render.terminal.console import drawn, hanging, make_console, say
from leakhunt.render.terminal.guides import Guides, guides
from leakhunt.render.terminal.styles import QUIET, STRONG
from leakhunt.report.why import WhyReport
from leakhunt.report.words import kept
from leakhunt.report.words.places import taken, who
from leakhunt.retention.ways import Branch


def why(report: WhyReport, screen: Screen) -> str:
    console = make_console(screen)
    say(console, visible(report.title), STRONG)
    code = report.labels.label(report.site).code
    if code:
        say(console, f"  {visible(code)}")
    say(console, visible(f"in {who(report.snapshot)}; {taken(report.snapshot)}"), QUIET)
    say(console, visible(report.summary), QUIET)
    if report.tree:
        console.print()
        for text in _table(report.tree, guides(screen), screen.width):
            console.print(text, soft_wrap=True)
    if report.more:
        say(console, kept.more(report.more), QUIET)
    if report.advice is not None:
        console.print()
        _say_advice(console, report)
    return drawn(console)


def _table(tree: Sequence[Branch], lines: Guides, width: int) -> Iterator[Text]:
    """A row per step: bytes and objects that are held through it, and the step; what is too long for a line
    goes on under it.
    """
    rows = list(_rows(tree, "", True, lines))
    sizes = [units.size(branch.size) for branch, _, _ in rows]
    numbers = [units.count(branch.objects) for branch, _, _ in rows]
    wide, long = max(map(len, [*sizes, "size"])), max(map(len, [*numbers, "objects"]))
    yield Text(f"{'size':>{wide}}  {'objects':>{long}}  {kept.HELD_BY}", STRONG)
    for (branch, guide, on), size, number in zip(rows, sizes, numbers):
        head = Text(f"{size:>{wide}}  {number:>{long}}  {guide}")
        text = Text(visible(kept.step(branch.step)), STRONG if branch.holding else "")
        for way in branch.holding[:1]:
            told = kept.container(way)
            text.append(f"  {visible(told)}" if told else "", QUIET)
        yield from hanging(text, head, " " * (wide + long + 4) + on, width)


def _rows(
    branches: Sequence[Branch], lead: str, top: bool, lines: Guides
) -> Iterator[tuple[Branch, str, str]]:
    """Each branch with the guides before its first line, and before those that follow. What goes one way only
    stands under its step.
    """
    middle, last, on, _ = lines
    for index, branch in enumerate(branches):
        is_last = index == len(branches) - 1
        guide = "" if top else lead + (last if is_last else middle)
        below = "" if top else lead + (" " * len(last) if is_last else on)
        yield branch, guide, below + (on if branch.below else " " * len(last))
        yield from _rows(branch.below, below, False, lines)


def _say_advice(console: Console, report: WhyReport) -> None:
    advice = report.advice
    assert advice is not None
    say(console, visible(advice.because[:1].upper() + advice.because[1:]))
    console.print(Text.assemble(("fix  ", QUIET), visible(advice.fix)))
