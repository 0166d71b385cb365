"""What a file tells in records: one type per kind, to write it and to read it. Most are of single stacks.

In the file a record is a plain tuple with its fields in this order, so that nothing but plain
values is ever unpickled. A later version may append fields: :func:`read` takes the ones it knows.
A field with a default may be missing: an earlier version wrote none. All but :class:`Arrivals` and :class:`Resource` begin with
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


class Birth(NamedTuple):
    """What was asked for in one period by one task, and is still alive: of one stack."""

    period: int
    """Index into the calendar's periods; -1: before the process was forked."""
    task: int
    """Index into the calendar's tasks plus 1; 0: no task's."""
    runs: int
    """In how many distinct units these survivors were born."""
    samples: int
    """Live samples."""
    size: int
    """Estimated bytes."""
    root: int
    """Root of the sum of (bytes born in a unit)^2 over the distinct units: bytes."""
    blocks: int
    """Estimated blocks."""
    recycled: int = 0
    """Of ``size``, what a freelist may have handed on: the block was born then, the object later."""
    waiting: int = 0
    """Of ``size``, what nothing refers to any more, and only waits for the garbage collector."""
    free: int = 0
    """Of ``size``, what lies in a freelist: the object that was in it has died."""


class Births(NamedTuple):
    """The births of a stack: their size and blocks add up to the stack's."""

    frames: RawFrames
    """(): of all stacks that have no record of their own; runs and roots are then upper bounds."""
    births: tuple[Birth, ...]


class Gone(NamedTuple):
    """What of a stack was alive at the end of each period and has died since; what died young is left out."""

    frames: RawFrames
    sizes: tuple[int, ...]
    """Estimated bytes, one for each period of the calendar but the last."""
    roots: tuple[int, ...]
    """Root of the sum of (bytes of a sample)^2: bytes."""


class Handed(NamedTuple):
    """Births of a stack whose objects a freelist may have handed on, and one container keeps."""

    frames: RawFrames
    """The stack that asked for the blocks."""
    grower: RawFrames | None
    """The stack that asked for the newest part of the container's own table; None: not known."""
    holder: int
    """Number of the container among the heap's ``holders``, from 1."""
    births: tuple[Birth, ...]
    """For each period and task at most what the stack's record of its births says is recycled, over all containers."""


class Calendar(NamedTuple):
    """The periods of the births, written as a dict: see :class:`leakhunt.model.snapshot.Calendar`."""

    unit: str
    edges: tuple[int, ...]
    moments: tuple[float | None, ...]
    intervals: tuple[float | None, ...]
    armed: int
    tasks: tuple[str, ...]
    """Their names."""


class Retention(NamedTuple):
    """What holds the blocks of a stack, as far as it was found."""

    frames: RawFrames
    ways: tuple[tuple[int, ...], ...]
    """(Number of the path among the heap's ``paths``, objects, bytes, number of the holder among its
    ``holders`` from 1, or 0), the most bytes first; estimated where the engine or the walk samples. Then, from
    some version on, objects and bytes as put right by what the walk has counted."""


class Counted(NamedTuple):
    """The size of a stack as put right by what the walk has counted of all that is held alike."""

    frames: RawFrames
    size: int
    """Bytes."""
    stderr: float
    """Its standard error: bytes."""


class Arrivals(NamedTuple):
    """When entries of a container came: as many of those that are there now had come by then. It is of no stack."""

    path: int
    """Number among the heap's ``paths``: of objects that the entries lead to."""
    holder: int
    """Number of the container among the heap's ``holders``, from 1."""
    objects: int
    """How many objects are held in that way, counted."""
    size: int
    """Their bytes, counted."""
    points: tuple[tuple[int, int], ...]
    """(Units of work done when an entry came, its place among the entries from 1), by place."""
    handed: tuple[tuple[int, int], ...] = ()
    """The same of entries whose blocks a freelist may have handed on: they came then, or later."""


class Resource(NamedTuple):
    """How many of a kind a process has open. It is of no stack, and begins with its kind."""

    kind: str
    """``file``, ``deleted file``, ``socket``, ``pipe``, ``eventfd``, ``thread``, ``subprocess`` ..."""
    name: str
    """Of a socket ``tcp`` (to that port), ``tcp from`` (at that port), ``tcp listening``, ``udp``, ``unix``;
    of a thread the code that it runs; of a subprocess its program; else ""."""
    port: int
    """0: it has none."""
    state: str
    """Of a connection; "ended" of a subprocess that nobody has waited for."""
    number: int


Record = TypeVar("Record", bound=tuple[Any, ...])


def plain(records: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As a file has them."""
    return [tuple(map(_plain, record)) for record in records]


def _plain(value: Any) -> Any:
    """Without the records within; frames, of which there are many, have none."""
    if value.__class__ is tuple and value and hasattr(value[0], "_fields"):
        return tuple(map(tuple, value))
    return value


def read(kind: type[Record], recorded: Any) -> Iterator[Record]:
    """The records of a file that have the fields of that kind; what these hold is not looked at."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    least = len(fields) - len(kind._field_defaults)  # type: ignore[attr-defined]
    for entry in recorded if isinstance(recorded, (tuple, list)) else ():
        if isinstance(entry, (tuple, list)) and len(entry) >= least:
            yield kind(*entry[: len(fields)])
