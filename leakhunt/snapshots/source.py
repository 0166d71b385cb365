"""Source lines around a place: from the snapshot itself, or from a file on disk that is unchanged.

The names in a snapshot may come from anyone, so only regular Python files of a sane size are
opened, and what stands in them is shown only where nothing says that it is not what ran.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from leakhunt.model.snapshot import Frame, Spot
from leakhunt.snapfile import plain

#: The file on disk is not the one that ran; it is younger than the snapshot; nobody knows how old the snapshot is.
ANOTHER, CHANGED, MAYBE_CHANGED = "another", "changed", "maybe-changed"
#: Lines shown before and after the place.
AROUND = 3
#: How Python files are named.
ENDINGS = (".py", ".pyw", ".pyx")
#: Larger sources are not read, longer lines are cut.
LARGEST = 4 << 20
LONGEST = 400
#: What stands for the text of a literal in a recorded line; quotes of one that may go over several lines.
MASK = "***"
_LONG = "\"\"\"|'''"
#: File systems and snapshots tell times to about a second or two.
SLACK = 2.0


@dataclass(frozen=True)
class Source:
    """Lines around a place, and where they are from."""

    lines: tuple[tuple[int, str], ...]
    origin: str | None
    """``snapshot``, ``disk``, or None: there is no source."""
    note: str | None = None
    """What must be said of the file on disk: ANOTHER, CHANGED, MAYBE_CHANGED, or None: nothing."""


def around(place: Frame, spots: Mapping[Frame, Spot], taken_at: float | None) -> Source:
    """The source around a line.

    The lines that the snapshot recorded; those around them from disk, if the recorded ones still
    stand there. Where it recorded none, from disk if the file was not changed after ``taken_at``.
    """
    recorded = {
        frame.line: spot.code
        for frame, spot in spots.items()
        if frame.file == place.file and spot.code
    }
    near = {line: code for line, code in recorded.items() if abs(line - place.line) <= AROUND}
    on_disk = _lines_of(place.file)
    if on_disk is None:
        return Source(_sorted(near), "snapshot" if near else None)
    lines, changed_at = on_disk
    if recorded:
        same = all(_agrees(_line(lines, line), code) for line, code in recorded.items())
        note = None if same else ANOTHER
        if same:
            near = {**near, **_near(lines, place.line)}  # indented, where recorded lines are not
            only = near.keys() <= recorded.keys()
            return Source(_sorted(near), "snapshot" if only else "disk")
        return Source(_sorted(near), "snapshot" if near else None, note)
    if taken_at is None or changed_at > taken_at + SLACK:
        return Source((), None, CHANGED if taken_at is not None else MAYBE_CHANGED)
    return Source(_sorted(_near(lines, place.line)), "disk")


def _sorted(lines: Mapping[int, str]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted((number, text[:LONGEST]) for number, text in lines.items()))


def _line(lines: list[str], number: int) -> str | None:
    """A line as a snapshot records it."""
    return lines[number - 1].strip()[:LONGEST] if 0 < number <= len(lines) else None


def _agrees(line: str | None, code: str) -> bool:
    """Whether a line may be the one that was recorded so: as it is, or with its literals masked and without its comment
    (``LEAKHUNT_SOURCE=masked``). Of a literal over several lines the first and the last are told, each with what is
    outside of it.
    """
    if line is None or line == code:
        return line == code
    ends = [at for at, letter in enumerate(line) if letter == "#"]  # a comment may begin there
    if any(_fits(line[:end].rstrip(), code) for end in (len(line), *ends)):
        return True
    begun = re.fullmatch(rf"(.*(?:{_LONG})){re.escape(MASK)}(?:{_LONG})", code)
    if begun is not None:  # it goes on in the next line
        return _fits(line, begun[1] + MASK)
    ended = re.fullmatch(rf".*(?:{_LONG})(.*)", line)
    return ended is not None and ended[1] != line and _agrees(ended[1].strip(), code)


def _fits(line: str, code: str) -> bool:
    """Whether a line is that code with anything where a mask stands. In one pass: both may be a stranger's."""
    first, *others = code.split(MASK)
    if not others:
        return line == first
    at = len(first)
    for between in others[:-1]:
        begins = line.find(between, at)
        if begins < 0:
            return False
        at = begins + len(between)
    return (
        line.startswith(first) and line.endswith(others[-1]) and at + len(others[-1]) <= len(line)
    )


def _near(lines: list[str], number: int) -> dict[int, str]:
    first, last = max(1, number - AROUND), min(len(lines), number + AROUND)
    return {at: lines[at - 1].rstrip() for at in range(first, last + 1)}


def _lines_of(file: str) -> tuple[list[str], float] | None:
    """The lines of a Python file and when it was changed; None: there is none to be read."""
    if not file.endswith(ENDINGS) or "\0" in file:
        return None
    with suppress(OSError, SyntaxError, UnicodeError, ValueError):
        target = os.path.realpath(file)
        if not target.endswith(ENDINGS):
            return None  # a link that anybody could make, to a file of this user's alone
        raw, status = plain.read(target, LARGEST, follow=False)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding).splitlines(), status.st_mtime
    return None
