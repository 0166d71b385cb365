"""Collapsed stacks (Brendan Gregg's FlameGraph): one line per stack, outermost frame first, then bytes.

Of a difference two numbers follow, before and after, as ``difffolded.pl`` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from leakhunt.model.snapshot import NOTHING, Snapshot, Stack
from leakhunt.render.export.names import Names, frames
from leakhunt.report.labels import Labels


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """What is alive in the one snapshot."""
    (snapshot,) = snapshots
    names = Names(Labels(snapshot))
    for stack, tally in snapshot.tallies.items():
        if tally.size:
            out.write(f"{_line(stack, names)} {tally.size}\n".encode())


def write_diff(out: IO[bytes], before: Snapshot, after: Snapshot) -> None:
    """Both sides of each stack."""
    names = Names(Labels(after, before))
    old, new = before.tallies, after.tallies
    for stack in (*new, *(stack for stack in old if stack not in new)):
        was, now = old.get(stack, NOTHING).size, new.get(stack, NOTHING).size
        if was or now:
            out.write(f"{_line(stack, names)} {was} {now}\n".encode())


def _line(stack: Stack, names: Names) -> str:
    return ";".join(_frame(names, frame.file, names.function(frame), frame.line) for frame in frames(stack))  # fmt: skip


def _frame(names: Names, file: str, function: str, line: int) -> str:
    """``Shop.order (shop/tasks.py:40)``: no semicolon, which parts frames; names has no line ends."""
    return f"{function} ({names.short(file)}:{line})".replace(";", "\\x3b")
