"""The analysis side's values: frozen, without I/O and without formatting.

Raw traces (10^5 to 10^7 of them) never become objects here; the reader sums
them per distinct stack (10^2 to 10^5) first.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from leakhunt.model.gcpause import uncollected
from leakhunt.model.meta import Meta
from leakhunt.model.retention import Container, Heap, Retention


class Frame(NamedTuple):
    """One line of a traceback."""

    file: str
    line: int


#: Frames with the most recent call *last*, as Python prints a traceback.
Stack = tuple[Frame, ...]


class Tally(NamedTuple):
    """Live memory: bytes and blocks. Differences of two are signed."""

    size: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses here

    def plus(self, other: Tally) -> Tally:
        return Tally(self.size + other.size, self.count + other.count)

    def minus(self, other: Tally) -> Tally:
        return Tally(self.size - other.size, self.count - other.count)


NOTHING = Tally(0, 0)


class Tallies(Mapping[Stack, Tally]):
    """The tallies of a file's stacks, in columns until somebody asks for a stack.

    Most of 10^5 stacks are only added up: these need no tuple of frames. Two lines of the
    columns may be the same stack (a file may write a traceback twice); they add up too.
    """

    __slots__ = ("_by_stack", "counts", "depths", "frames", "sizes", "steps")

    def __init__(
        self,
        frames: list[Frame],
        steps: Sequence[int],
        depths: Sequence[int],
        sizes: Sequence[int],
        counts: Sequence[int],
    ) -> None:
        self.frames = frames
        """Each distinct frame once."""
        self.steps = steps
        """The stacks one after the other: indexes into ``frames``, most recent call last."""
        self.depths = depths
        """How many steps each stack has."""
        self.sizes = sizes
        self.counts = counts
        self._by_stack: dict[Stack, Tally] | None = None

    @property
    def totals(self) -> Tally:
        return Tally(sum(self.sizes), sum(self.counts))

    def stacks(self) -> list[Stack]:
        """Every line's stack. No Python code per frame, and one Frame per place."""
        steps = map(self.frames.__getitem__, self.steps)
        with uncollected():
            return [tuple(islice(steps, depth)) for depth in self.depths]

    def _built(self) -> dict[Stack, Tally]:
        if self._by_stack is None:
            with uncollected():
                stacks = self.stacks()
                tallies = dict(zip(stacks, map(Tally, self.sizes, self.counts)))
                if len(tallies) < len(stacks):
                    tallies = {}
                    for stack, size, count in zip(stacks, self.sizes, self.counts):
                        tallies[stack] = tallies.get(stack, NOTHING).plus(Tally(size, count))
                self._by_stack = tallies
        return self._by_stack

    def __getitem__(self, stack: Stack) -> Tally:
        return self._built()[stack]

    def __iter__(self) -> Iterator[Stack]:
        return iter(self._built())

    def __len__(self) -> int:
        return len(self._built())

    def keys(self) -> KeysView[Stack]:
        return self._built().keys()

    def values(self) -> ValuesView[Tally]:
        return self._built().values()

    def items(self) -> ItemsView[Stack, Tally]:
        return self._built().items()

    def __eq__(self, other: object) -> bool:
        return self._built() == (other._built() if isinstance(other, Tallies) else other)

    __hash__ = None  # type: ignore[assignment]  # as a dict

    def __repr__(self) -> str:
        return f"<Tallies of {len(self.depths)} stacks>"


class Block(NamedTuple):
    """Live blocks of one stack that have the same size and domain."""

    domain: int
    """0 is Python's own memory, others are extensions' (``tracemalloc.DomainFilter``)."""
    size: int
    """Bytes of one block."""
    count: int  # type: ignore[assignment]  # hides tuple.count, as above


class Held(NamedTuple):
    """Objects from a freelist, of one stack, that one holder keeps."""

    grower: Stack | None
    """The stack that made room in the holder last; None: not known."""
    kind: str
    """The holder's type."""
    mark: int
    """Stands for the holder in all snapshots of the process."""
    samples: int
    variance: float
    """Square of the standard error: bytes^2."""
    blocks: tuple[tuple[int, int], ...]
    """(Bytes of one, how many), estimated."""

    @property
    def tally(self) -> Tally:
        return Tally(
            sum(size * number for size, number in self.blocks),
            sum(number for _, number in self.blocks),
        )


class Birth(NamedTuple):
    """What was asked for in one period by one task, and is still alive: of one stack."""

    period: int
    """Index into the periods of the :class:`Calendar`; -1: before the process was forked."""
    task: str | None
    """The task that ran in that thread or greenlet; None: none did."""
    runs: int
    """In how many distinct units of work (tasks done, or seconds) these survivors were born."""
    samples: int
    """Live samples."""
    size: float
    """Estimated bytes; over all births of a stack they add up to the stack's size."""
    squares: float
    """Sum over the distinct units of (bytes born there)^2: the variance of a compound Poisson sum."""
    blocks: float
    """Estimated blocks; over all births of a stack they add up to the stack's blocks."""
    recycled: float = 0.0
    """Of ``size``, what a freelist may have handed on: the block is as old as that, its object is younger."""
    waiting: float = 0.0
    """Of ``size``, what nothing refers to any more, and only waits for the garbage collector."""
    free: float = 0.0
    """Of ``size``, what lies in a freelist: the object that was in it has died."""


class Gone(NamedTuple):
    """What was alive at the end of each period of the :class:`Calendar` but the last, and has died since: of
    one stack. What has lived for less than a sixty-fourth of the process's life then is left out.
    """

    sizes: tuple[float, ...]
    """Estimated bytes."""
    squares: tuple[float, ...]
    """Sum of (bytes that a sample stands for)^2."""


class Handed(NamedTuple):
    """Births of one stack whose objects a freelist may have handed on, and that one container keeps."""

    holder: Container
    grower: Stack | None
    """The stack that asked for the newest part of the container's own table; None: not known."""
    births: tuple[Birth, ...]
    """Parts of the stack's own births."""

    @property
    def size(self) -> float:
        """Estimated bytes."""
        return sum(birth.size for birth in self.births)


@dataclass(frozen=True)
class Calendar:
    """The periods into which births are sorted: from the start of tracking to the snapshot."""

    unit: str
    """What ``edges`` count: ``task`` (done by this process) or ``second`` (since it started)."""
    edges: tuple[int, ...]
    """Ascending; period i goes from edge i, included, to edge i + 1, excluded."""
    moments: tuple[float | None, ...]
    """The wall clock at each edge, seconds since the epoch; None: not known."""
    intervals: tuple[float | None, ...]
    """Mean bytes between two samples among those born in each period; None: none was."""
    armed: int
    """The unit at which tracking began."""
    rest: tuple[Birth, ...] = ()
    """Of all stacks that have no births of their own, the smallest; their runs and squares are
    upper bounds."""
    deaths: bool = False
    """Whether the deaths of older samples are known: see :class:`Gone`."""

    @property
    def periods(self) -> int:
        return len(self.intervals)


class Counted(NamedTuple):
    """The size of one stack, put right by what a walk has counted of all that is held alike."""

    size: int
    """Bytes."""
    variance: float
    scale: float = 1.0
    """That size over the estimate, once the figures of its snapshot have been put right by it."""


@dataclass(frozen=True)
class Facts:
    """What a file tells of one stack beyond its tally: all of it goes where the stack goes."""

    stderr: float | None = None
    """Standard error of the size, in bytes; None: the size is exact."""
    samples: int = 0
    """How many live samples the size is estimated from; 0: it is exact."""
    types: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Bytes of its objects by the name of their type: the largest ones, as far as known."""
    recycled: int = 0
    """Bytes that may be objects from a freelist, which another line keeps."""
    holders: tuple[Held, ...] = ()
    """Who keeps these, as far as was found: at most the stack's bytes and blocks in all."""
    blocks: tuple[Block, ...] = ()
    """Sizes and domains of its blocks, sorted; filled by ``load(..., detail=True)``."""
    births: tuple[Birth, ...] = ()
    """When and in which task its blocks were asked for, by period and task; (): not known."""
    retention: tuple[Retention, ...] = ()
    """What holds its objects, by path, the most bytes first; (): not known."""
    gone: Gone | None = None
    """What of it has died, by period; None: nothing, or not known (:attr:`Calendar.deaths`)."""
    handed: tuple[Handed, ...] = ()
    """What of its births a container keeps that a freelist may have handed on; (): not known."""
    counted: Counted | None = None
    """Its size by what was counted, not by samples alone; None: nobody counted."""


#: Of a stack of which a file tells nothing more.
UNTOLD = Facts()


class Spot(NamedTuple):
    """What a file itself says of a frame: the function and the source line there."""

    function: str | None
    code: str | None


class Resident(NamedTuple):
    """The resident set at one moment."""

    tasks: int
    """Units of work that were done by then."""
    rss: int
    """Bytes."""


@dataclass(frozen=True)
class Snapshot:
    """One file, summed per distinct stack.

    ``tallies`` keeps every stack of the file, hidden ones too: its sum is
    ``totals`` and equals the standard library's to the byte.
    """

    path: str
    meta: Meta
    nframe: int
    tallies: Mapping[Stack, Tally]
    spots: Mapping[Frame, Spot] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[Stack, Facts] = field(default_factory=lambda: MappingProxyType({}))
    """Of the stacks of which the file tells more: see :meth:`told`."""
    heap: Heap | None = None
    """What the heap was; None: nobody walked over it."""
    calendar: Calendar | None = None
    """The periods of the births; None where none are known."""
    resident: tuple[Resident, ...] = ()
    """How large the process was in the course of its work, oldest first."""

    def told(self, stack: Stack) -> Facts:
        """The facts of a stack; empty ones where there are none."""
        return self.facts.get(stack, UNTOLD)

    @property
    def totals(self) -> Tally:
        if isinstance(self.tallies, Tallies):
            return self.tallies.totals
        return Tally(
            sum(map(itemgetter(0), self.tallies.values())),
            sum(map(itemgetter(1), self.tallies.values())),
        )
