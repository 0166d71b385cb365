"""What every report for the eye is drawn with: the console, the styles, the lines that all have."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from leakhunt import units
from leakhunt.model.paths import Prefixes, visible
from leakhunt.model.snapshot import Snapshot
from leakhunt.snapshots.objects import TYPES, Kinds

GROWN, SHRUNK, QUIET, STRONG, NOTE = "bold red", "green", "dim", "bold", "yellow"


def make_console(width: int, color: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style), soft_wrap=False)


def heading(console: Console, what: str, whom: str) -> None:
    console.print(Text.assemble((f"{what} ", QUIET), (visible(whom), STRONG)))


def say_why(console: Console, why: str | None) -> None:
    if why:
        say(console, f"chosen  {visible(why)}", QUIET)


def moment_line(label: str, snapshot: Snapshot) -> str:
    known = snapshot.meta
    parts = [visible(Path(snapshot.path).name)]
    parts += [units.moment(known.taken_at)] if known.taken_at is not None else []
    parts += [f"{units.count(known.tasks_done)} tasks"] if known.tasks_done else []
    parts += [f"{units.size(known.rss)} RSS"] if known.rss is not None else []
    parts += [f"{units.size(snapshot.totals.size)} traced"]
    return label + ", ".join(parts)


def say_notes(console: Console, notes: Iterable[str]) -> None:
    for note in notes:
        console.print(Text.assemble(("note: ", NOTE), visible(note)))


def types_line(kinds: Kinds) -> str:
    """``objects: dict 60 %, str 20 %``: what is known of them, by bytes."""
    told = (f"{visible(name)} {units.share(size / kinds.size)}" for name, size in kinds.types)
    return f"objects: {', '.join(told)}"


def holders_line(kinds: Kinds, known: Prefixes) -> str:
    """``kept: 60 % by the list that grows at tasks.py:40, …``: of the bytes of the place."""
    told = (
        f"{units.share(holder.size / kinds.size)} by {holder.said(known)}"
        for holder in kinds.holders[:TYPES]
    )
    return f"kept: {', '.join(told)}"
