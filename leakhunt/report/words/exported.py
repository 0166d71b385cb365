"""What an export leaves behind: no format carries everything."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from leakhunt import units
from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Snapshot

ERRORS, COUNTS, TYPES, BIRTHS, HOLDERS, CODE, PROCESS, STACKS = (
    "errors", "counts", "types", "births", "holders", "code", "process", "stacks",
)  # fmt: skip

#: Of the table beside a table.
BESIDE = "the frames of each stack"

#: In words, in the order they are told.
SAID = {
    STACKS: "the stacks",
    COUNTS: "numbers of blocks",
    ERRORS: "the standard errors of sampled sizes",
    TYPES: "types of objects",
    BIRTHS: "when objects were born",
    HOLDERS: "what keeps them",
    CODE: "source lines",
    PROCESS: "the process and its figures",
}


@dataclass
class Seen:
    """What the snapshots of an export hold; filled while they pass, since none is kept."""

    number: int = 0
    size: int = 0
    """Bytes of all of them."""
    held: set[str] = field(default_factory=lambda: {STACKS, COUNTS})
    escaped: bool = False
    """Whether names have characters that no text format takes as they are."""

    def add(self, snapshot: Snapshot) -> None:
        """Look at one more."""
        self.number += 1
        self.size += snapshot.totals.size
        for told in snapshot.facts.values():
            self.held |= {
                name
                for name, value in (
                    (ERRORS, told.stderr is not None),
                    (TYPES, told.types),
                    (BIRTHS, told.births),
                    (HOLDERS, told.retention or told.holders),
                )
                if value
            }
        if any(spot.code for spot in snapshot.spots.values()):
            self.held.add(CODE)
        if snapshot.meta.pid is not None:
            self.held.add(PROCESS)
        if not self.escaped:
            files = {frame.file for stack in snapshot.tallies for frame in stack}
            self.escaped = any(visible(file, longest=0) != file for file in files)


def left_behind(form: str, carries: Collection[str], seen: Seen) -> Iterator[str]:
    """What the format has no place for, of what there is; then what it changes."""
    lost = [said for name, said in SAID.items() if name in seen.held and name not in carries]
    if lost:
        yield f"{form} does not carry {listed(lost)}"
    if ERRORS in seen.held and ERRORS not in carries:
        yield "these sizes are estimates from samples, and the file does not say so"
    if seen.escaped and form not in ("json", "tracemalloc"):
        yield "control characters and bytes that are no text are written as escapes"


def wrote(seen: Seen, compared: bool) -> str:
    """``3 snapshots, 1.9 MiB in all``."""
    if compared:
        return "the difference of two snapshots"
    text = f"{units.counted(seen.number, 'snapshot')}, {units.size(seen.size)}"
    return text if seen.number == 1 else f"{text} in all"


def changed(before: Snapshot, after: Snapshot) -> str:
    """The net change. pprof prints it above its table, whose own total adds up what grew and what shrank."""
    net = after.totals.minus(before.totals)
    blocks = f"{units.signed_count(net.count)} {units.plural(net.count, 'block')}"
    return f"change since {units.moment(before.meta.taken_at)}: {units.signed_size(net.size)}, {blocks}"


def listed(parts: Collection[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
