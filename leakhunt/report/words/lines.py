"""What stands above and below a table: what it is of, what is left out, how the parts add up."""

from __future__ import annotations

from collections.abc import Callable

from leakhunt import units
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Tally
from leakhunt.sites.rows import Amount, Comparison

#: What a row stands for, one and several.
NOUNS = {
    "lineno": ("line", "lines"),
    "filename": ("file", "files"),
    "traceback": ("stack", "stacks"),
    "package": ("package", "packages"),
    "type": ("row", "rows"),  # one of them is of what is not known
    "task": ("row", "rows"),
}
NOTHING_ALIVE, NOTHING_CHANGED = "nothing is alive here", "nothing changed here"
FILTERED, HIDDEN = "dropped by filters", "hidden (tracing and import machinery; --all shows it)"


def sites(number: int, query: Query) -> str:
    return units.counted(number, *NOUNS[query.group_by])


def more(comparison: Comparison, query: Query) -> str:
    """``12 lines more``: the remainder."""
    return f"{sites(comparison.remainder_sites, query)} more{_shrunk(comparison.remainder)}"


def _shrunk(amount: Amount) -> str:
    """What is put together may have shrunk while the rows grew: a sign alone is overlooked."""
    return ", shrunk together" if amount.diff.size < 0 else ""


def alive(tally: Tally) -> str:
    """``4.0 KiB in 10 blocks``."""
    return f"{units.size(tally.size)} in {units.counted(tally.count, 'block')}"


def grown(tally: Tally) -> str:
    """``+4.0 KiB in +10 blocks``."""
    number = units.signed_count(tally.count)
    return f"{units.signed_size(tally.size)} in {number} {units.plural(abs(tally.count), 'block')}"


def left_out(
    comparison: Comparison, query: Query, size: Callable[[Amount], str]
) -> tuple[str, ...]:
    """What filters and the default hiding left out, each by itself."""
    filtered = comparison.dropped.minus(comparison.hidden)
    number = comparison.dropped_sites - comparison.hidden_sites
    told = ((FILTERED, filtered, number), (HIDDEN, comparison.hidden, comparison.hidden_sites))
    return tuple(
        f"{what}: {size(amount)} at {sites(number, query)}{_shrunk(amount)}"
        for what, amount, number in told
        if number
    )


def explained(
    rss: int | None, traced: int | None, tracer: int | None, part: float | None
) -> str | None:
    """How the growth of the resident set is made up, in parts that add up; None where it is not known."""
    if rss is None or traced is None:
        return None
    text = f"RSS {units.signed_size(rss)}: Python objects {units.signed_size(traced)}"
    if part is not None and 0 <= part <= 1:
        text += f" ({units.share(part)})"
    if tracer is not None:
        rest = rss - traced - tracer
        holds = (
            "less than before: what was free is in use again, or went back to the system"
            if rest < 0
            else "allocator, native code, reuse of free memory"
        )
        text += (
            f", the tracer's own tables {units.signed_size(tracer)}, "
            f"the rest {units.signed_size(rest)} ({holds})"
        )
    return text


def between(seconds: float | None, tasks: int | None, unit: str) -> str:
    """``between 3 min 20 s, 1,000 tasks``; empty where neither is known."""
    told = [units.duration(seconds)] if seconds is not None else []
    told += [units.counted(tasks, unit)] if tasks is not None else []
    return f"between {', '.join(told)}" if told else ""


def deeper(rows: int, height: int) -> str:
    """What of a flame graph a window has no room for, and the lines of one that has."""
    return f"{units.counted(rows, 'row')} deeper: LINES={height} shows them"


def more_lines(number: int, height: int) -> str:
    """What of a flame graph and of what stands around it a window has no room for."""
    return f"{units.counted(number, 'line')} more: LINES={height} shows them"


def both_ways(change: int, grown: int, shrunk: int) -> str:
    """The total of a flame graph of changes."""
    return (
        f"total {units.signed_size(change)}: grown {units.signed_size(grown)}, "
        f"shrunk {units.signed_size(-shrunk)}; widths are the two together"
    )
