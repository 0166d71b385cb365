"""speedscope's JSON: for each snapshot one profile of bytes and one of blocks, in that order.

Its widths cannot be negative, so a difference is a profile of what grew and one of what shrank.
The format is told in its JSON schema (file-format-schema.json of speedscope).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from leakhunt import __version__
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import NOTHING, Frame, Snapshot, Stack
from leakhunt.render.export.names import Names, frames
from leakhunt.report.labels import Labels

SCHEMA = "https://www.speedscope.app/file-format-schema.json"

Weighed = Sequence[tuple[Stack, int]]


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """Two profiles a snapshot, as they come."""

    def profiles() -> Iterator[tuple[str, str, Weighed, Names]]:
        for snapshot in snapshots:
            title, names = _title(snapshot), Names(Labels(snapshot))
            tallies = snapshot.tallies.items()
            sizes = [(stack, tally.size) for stack, tally in tallies]
            yield f"{title}: bytes", "bytes", sizes, names
            counts = [(stack, tally.count) for stack, tally in tallies]
            yield f"{title}: blocks", "none", counts, names

    _write(out, profiles())


def write_diff(out: IO[bytes], before: Snapshot, after: Snapshot) -> None:
    """What grew in bytes, then what shrank."""
    names = Names(Labels(after, before))
    old, new = before.tallies, after.tallies
    stacks = [*new, *(stack for stack in old if stack not in new)]
    changes = [
        (stack, new.get(stack, NOTHING).size - old.get(stack, NOTHING).size) for stack in stacks
    ]
    what = f"{_title(before)} to {_title(after)}"
    _write(
        out,
        [
            (f"grown: {what}", "bytes", [(s, size) for s, size in changes if size > 0], names),
            (f"shrunk: {what}", "bytes", [(s, -size) for s, size in changes if size < 0], names),
        ],
    )


def _title(snapshot: Snapshot) -> str:
    meta = snapshot.meta
    process = f"{meta.node or meta.host or ''} {meta.pid or ''}".strip()
    return visible(f"{process} {Path(snapshot.path).name}".strip())


def _write(out: IO[bytes], profiles: Iterable[tuple[str, str, Weighed, Names]]) -> None:
    """The shared frames come last: only then they are all known."""
    indexes: dict[tuple[str, str, int], int] = {}
    head = {"$schema": SCHEMA, "exporter": f"leakhunt {__version__}", "activeProfileIndex": 0}
    out.write(f'{json.dumps(head)[:-1]}, "profiles": ['.encode())
    between = ""
    numbers: _Numbers | None = None
    for name, unit, weighed, names in profiles:
        if numbers is None or numbers.names is not names:
            numbers = _Numbers(names, indexes)
        kept = [(stack, weight) for stack, weight in weighed if weight]
        profile = {
            "type": "sampled",
            "name": name,
            "unit": unit,
            "startValue": 0,
            "endValue": sum(weight for _, weight in kept),
            "samples": [numbers.of(stack) for stack, _ in kept],
            "weights": [weight for _, weight in kept],
        }
        out.write(f"{between}\n{json.dumps(profile, separators=(',', ':'))}".encode())
        between = ","
    out.write(b'], "shared": {"frames": [')
    for number, (function, file, line) in enumerate(indexes):
        shown = {"name": function, "file": file, "line": line}
        # Its schema has no line 0.
        frame = shown if line > 0 else {"name": function, "file": file}
        out.write(f"{',' if number else ''}\n{json.dumps(frame)}".encode())
    out.write(b"]}}\n")


class _Numbers:
    """The stacks of one snapshot, or of two that are compared, as indexes of the shared frames."""

    def __init__(self, names: Names, shared: dict[tuple[str, str, int], int]) -> None:
        self.names = names
        self._shared = shared
        self._frames: dict[Frame, int] = {}
        self._stacks: dict[Stack, list[int]] = {}

    def of(self, stack: Stack) -> list[int]:
        numbers = self._stacks.get(stack)
        if numbers is None:
            numbers = self._stacks[stack] = [self._number(frame) for frame in frames(stack)]
        return numbers

    def _number(self, frame: Frame) -> int:
        number = self._frames.get(frame)
        if number is None:
            names = self.names
            key = (names.function(frame), names.file(frame.file), frame.line)
            number = self._frames[frame] = self._shared.setdefault(key, len(self._shared))
        return number
