"""Where sizes are samples: lines that leak together, though each alone has too few samples to tell.

An object graph is allocated by several lines, and samples are spread over them. So the lines of a
function are looked at together, and all that is allocated below one function of the
application that is called first (a task, mostly). The line with most of the growth is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from leakhunt.judge.blame.parts import responsible
from leakhunt.judge.excuses import bounded
from leakhunt.judge.owners import Book, Growth
from leakhunt.judge.whose import Blame, outer
from leakhunt.model.snapshot import Frame, Stack

#: A file, a function in it, and the mark of the container that keeps what is made there, where that is known.
Place = tuple[str, str, "int | None"]
#: Stacks by the place that they are looked at together for.
Groups = dict[Place, list[Stack]]


def families(book: Book) -> list[Groups]:
    """Groups of stacks to be judged together: each list is one family of hypotheses."""
    partitions: list[Groups] = []
    choose: tuple[Callable[[tuple[Frame, ...]], Frame], ...] = (_innermost, _outermost)
    for chosen in choose:
        groups: Groups = {}
        for stacks in book.owners.values():
            for stack in stacks:
                if bounded.holds(book, stack):
                    continue  # it leaks with nothing, and would hide what does
                place = _place(book, book.paths.app(stack), chosen)
                if place is not None:
                    groups.setdefault(place, []).append(stack)
        partitions.append(
            {
                place: stacks
                for place, stacks in _by_container(book, groups).items()
                if len(_lines(book, stacks)) > 1
            }
        )
    return partitions


def _by_container(book: Book, groups: Groups) -> Groups:
    """Lines that feed different containers are no one leak. One of which it is not known goes with the others where
    these have one container at most.
    """
    parted: Groups = {}
    for (file, function, _), stacks in groups.items():
        kept = {
            frame: bounded.container_of(book, own) for frame, own in _lines(book, stacks).items()
        }
        marks = sorted({mark for mark in kept.values() if mark is not None})
        if len(marks) < 2:
            parted[file, function, None] = stacks
            continue
        for mark in marks:
            parted[file, function, mark] = [
                stack for stack in stacks if kept[book.paths.owner(stack)[1]] == mark
            ]
    return parted


def blamed(book: Book, stacks: Iterable[Stack]) -> Blame:
    """The stacks, with the line that answers for most of their growth."""
    stacks = tuple(stacks)
    rising = [part for part in _parts(book, stacks) if part.grown > 0]
    return Blame(responsible(book, rising), True, stacks)


def with_lines(book: Book, growth: Growth) -> Growth:
    """The growth, with all lines that grow in it said, the largest first."""
    if growth.parts:
        return growth
    rising = [part for part in _parts(book, growth.blame.stacks) if part.grown > 0]
    frames = [part.blame.frame for part in rising]
    return replace(growth, parts=tuple(frame for frame in frames if frame != growth.blame.frame))


def _parts(book: Book, stacks: Iterable[Stack]) -> list[Growth]:
    """A growth for each line that owns some of the stacks, the largest first."""
    parts = [book.of(Blame(frame, True, tuple(own))) for frame, own in _lines(book, stacks).items()]
    return sorted(parts, key=lambda part: (-part.grown, part.blame.frame))


def _lines(book: Book, stacks: Iterable[Stack]) -> dict[Frame, list[Stack]]:
    lines: dict[Frame, list[Stack]] = {}
    for stack in stacks:
        lines.setdefault(book.paths.owner(stack)[1], []).append(stack)
    return lines


def _place(
    book: Book, path: tuple[Frame, ...], choose: Callable[[tuple[Frame, ...]], Frame]
) -> Place | None:
    if not path:
        return None
    frame = choose(path)
    function = outer(book.paths.function(frame))
    return None if function is None else (frame.file, function, None)


def _innermost(path: tuple[Frame, ...]) -> Frame:
    return path[-1]


def _outermost(path: tuple[Frame, ...]) -> Frame:
    return path[0]
