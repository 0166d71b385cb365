"""A tree's lines, cut down to what is read: recursion and the framework's own frames folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

from leakhunt.model.paths import Prefixes
from leakhunt.model.snapshot import Frame, Tally
from leakhunt.render.terminal.styles import QUIET
from leakhunt.report.words import taken_apart

#: Packages that run the application's code: who wrote a task knows that they do.
FRAMEWORK = frozenset({"celery", "billiard", "kombu", "vine", "click", "amqp", "leakhunt"})


@dataclass(frozen=True)
class Line:
    """A line of a tree: its figures, and a text behind its guides."""

    tally: Tally
    lead: str
    """Guides before the first line of the text."""
    on: str
    """Guides before the following ones."""
    text: Text
    frame: Frame | None = None
    """The frame that it stands for; None for a remainder."""


def folded(lines: Sequence[Line], roots: Prefixes) -> Iterator[Line]:
    """The lines with runs of frames as one line each: those that are on the way already (recursion),
    and the framework's. The first line, the place itself, always stays.
    """
    run: list[Line] = []
    kind = None
    way: list[Frame] = []
    lead = None
    for index, line in enumerate(lines):
        if line.lead != lead:
            way, lead = way[:1], line.lead
        this = _kind(line, way, roots) if index else None
        if run and (this != kind or line.lead != run[-1].lead):
            yield from _one(run, kind, roots)
            run = []
        kind = this
        if line.frame is not None:
            way.append(line.frame)
        if this is None:
            yield line
        else:
            run.append(line)
    yield from _one(run, kind, roots)


AGAIN, OWN = "again", "framework"


def _kind(line: Line, way: Sequence[Frame], roots: Prefixes) -> str | None:
    if line.frame is None:
        return None
    file = line.frame.file
    if roots.package(file) in FRAMEWORK or roots.is_hidden(file):
        return OWN
    return AGAIN if line.frame in way else None


def _one(run: Sequence[Line], kind: str | None, roots: Prefixes) -> Iterator[Line]:
    """A run as one line; what is no longer than that stays as it is."""
    if len(run) < 2:
        yield from run
        return
    if kind == AGAIN:
        text = taken_apart.again(len(run))
    else:
        packages = (roots.package(line.frame.file) for line in run if line.frame is not None)
        text = taken_apart.framework(len(run), sorted(set(packages) & FRAMEWORK))
    yield replace(run[0], text=Text(text, QUIET), frame=None)
