"""What ``leakhunt show`` says of a place."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.model.snapshot import NOTHING
from leakhunt.report.words.lines import alive
from leakhunt.sites.place import Shown
from leakhunt.snapshots.births import AT_ONCE, EARLY, EVEN, INHERITED, RECENT, Born
from leakhunt.snapshots.source import ANOTHER, CHANGED, MAYBE_CHANGED

CALLERS = "who brings us here: the place, then its callers outwards"
BELOW = "what it allocates: the place, then what it calls inwards"
FROM_DISK = "(from disk: unchanged since)"
ITSELF = "(this line itself)"
#: What must be said of the file on disk.
OF_SOURCE = {
    ANOTHER: "the source on disk is not the one that ran",
    CHANGED: "no source: the file on disk was changed after the snapshot",
    MAYBE_CHANGED: "no source: the file on disk may have been changed",
}
#: Tasks that are named.
TASKS = 3


def summary(shown: Shown) -> str:
    """How much of what is alive leads there, and whether it is allocated there or below."""
    part = shown.matched.size / shown.totals.size if shown.totals.size else 0
    text = (
        f"{alive(shown.matched)}, {units.share(part)} of what is alive, "
        f"by {units.counted(shown.stacks, 'stack')}"
    )
    if shown.here == shown.matched:
        return f"{text}; all of it is allocated right here"
    if shown.here == NOTHING:
        return f"{text}; all of it is allocated below"
    return f"{text}; {units.size(shown.here.size)} of it is allocated right here"


def hidden(shown: Shown) -> str:
    stacks = units.counted(shown.hidden_stacks, "more stack")
    return f"dropped by filters or hidden (--all): {units.size(shown.hidden.size)} in {stacks}"


#: How births lie over the life of a process.
SHAPES = {
    EVEN: "evenly",
    EARLY: "mostly early",
    RECENT: "mostly of late",
    AT_ONCE: "mostly at once",
    INHERITED: "mostly before the fork",
}


def born(births: Born) -> str:
    """``born from task 0 to task 1,200, evenly``: over which time, and how."""
    first, last = births.edges[0], births.edges[-1]
    text = f"born from {births.unit} {units.count(first)} to {units.count(last)}"
    return text if births.shape is None else f"{text}, {SHAPES[births.shape]}"


def tasks(births: Born) -> str:
    """``asked for by shop.tasks.order 90 %, no task 10 %``: of the bytes whose birth is known."""
    ranked = sorted(births.tasks.items(), key=lambda item: (-item[1], item[0] or ""))
    told = [
        f"{task or 'no task'} {units.share(size / births.dated)}" for task, size in ranked[:TASKS]
    ]
    rest = len(ranked) - len(told)
    return f"asked for by {', '.join(told)}" + (f" and {rest} more" if rest else "")


def cut(nframe: int) -> str:
    """Where the outward tree ends."""
    return f"(nothing further is recorded, at most {units.counted(nframe, 'frame')})"


def more(children: int, noun: str) -> str:
    """``3 callers more``: branches that are not drawn."""
    return f"{units.counted(children, noun)} more (-n 0 shows all)"


def again(frames: int) -> str:
    """Recursion, folded."""
    return f"… {units.counted(frames, 'frame')} of the same recursion (-v shows them)"


def framework(frames: int, packages: Sequence[str]) -> str:
    """What runs the application, folded."""
    first = ", ".join(packages[:-1])
    names = " and ".join(filter(None, (first, *packages[-1:]))) or "the interpreter"
    return f"… {units.counted(frames, 'frame')} of {names} (-v shows them)"


def cut_off(lines: int) -> str:
    """What a page leaves out."""
    return f"… {units.counted(lines, 'line')} more (-v shows all)"
