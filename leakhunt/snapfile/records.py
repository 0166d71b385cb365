"""What a file tells of single stacks: one record per kind, to write it and to read it.

In the file a record is a plain tuple with its fields in this order, so that nothing but plain
values is ever unpickled. A later version may append fields: :func:`read` takes the ones it knows.
A field with a default may be missing: an earlier version wrote none. All of them begin with
``frames``: the very tuple that the traces share, most recent call first; a stack may occur twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

RawFrames = tuple[tuple[str, int], ...]


class Estimate(NamedTuple):
    """How sure the size of a stack is that an engine has estimated."""

    frames: RawFrames
    samples: int
    """Live samples."""
    stderr: float
    """Standard error of the stack's live size, in bytes."""


class Types(NamedTuple):
    """What a stack's blocks are."""

    frames: RawFrames
    largest: tuple[tuple[str, int], ...]
    """Names and estimated bytes of its objects' largest types."""


class Recycled(NamedTuple):
    """What of a stack a freelist may have handed on to another line."""

    frames: RawFrames
    size: int
    """Estimated bytes: at most the stack's."""


class Held(NamedTuple):
    """Objects from a freelist that one holder keeps, of one stack."""

    frames: RawFrames
    """The stack that they are booked to: it filled the freelist, or made them."""
    grower: RawFrames | None
    """The stack that made room in the holder last; None: not known."""
    kind: str
    """The holder's type."""
    mark: int
    """The same for the same holder in each snapshot of a process."""
    samples: int
    stderr: float
    """Standard error of the bytes."""
    blocks: tuple[tuple[int, int], ...]
    """(Bytes of one, how many), estimated."""


Record = TypeVar("Record", bound=tuple[Any, ...])


def plain(records: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As a file has them."""
    return [tuple(record) for record in records]


def read(kind: type[Record], recorded: Any) -> Iterator[Record]:
    """The records of a file that have the fields of that kind; what these hold is not looked at."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    least = len(fields) - len(kind._field_defaults)  # type: ignore[attr-defined]
    for entry in recorded if isinstance(recorded, (tuple, list)) else ():
        if isinstance(entry, (tuple, list)) and len(entry) >= least:
            yield kind(*entry[: len(fields)])
