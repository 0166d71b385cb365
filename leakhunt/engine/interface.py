"""Who tracks allocations, behind one small interface.

Nothing outside this package may assume tracemalloc: the hook arms an engine,
forks through ``read`` and writes whatever ``runs`` yields.

Life of a capture::

    parent   bytes_needed()                    first of all: how much memory the capture will take
             counters(), facts()               traced now, peak, the engine's own tables and cost
             fork, calling read() in the child before anything is torn down
    child    stop()                            tracing must not slow the rest down
             runs(raw)                         what goes into the file
             estimates(), types(), recycled()  how sure that is, what it is
             holders()                         who keeps what freelists have handed on
             marked()                          which of it is garbage
             functions()                       what its frames are called

or, where forking is not possible, ``read()`` and ``runs()`` in the process itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from leakhunt.errors import EngineRefusedError
from leakhunt.snapfile.write import RawFrames, Run


class Counters(NamedTuple):
    """Bytes: live traced memory, its peak since arming, the engine's own tables."""

    traced: int | None
    peak: int | None
    overhead: int | None


class Estimate(NamedTuple):
    """How sure the size of a stack is that an engine has estimated."""

    frames: RawFrames
    samples: int
    stderr: float
    """Standard error of the stack's live size, in bytes."""


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


class Engine(Protocol):
    """What the hook needs of an engine. No method raises for being called twice."""

    #: ``exact``, ``sampled`` or ``off``: what files and listings say.
    name: str
    #: Why this engine was chosen and not the one that was asked for; else None.
    why: str | None
    #: When tracing starts unless the user says otherwise: ``signal`` or ``boot``.
    default_start: str
    #: Frames kept per stack unless the user says otherwise.
    default_nframe: int
    #: Takes the raw traces. A C function, because the fork calls it while no
    #: bytecode may run; it may not depend on other threads making progress.
    read: Callable[[], Any]

    @property
    def tracing(self) -> bool:
        """Whether allocations are being tracked now."""

    @property
    def nframe(self) -> int:
        """Frames kept per stack now (the configured number while not tracing)."""

    def start(self, nframe: int) -> None:
        """Begin tracking; a tracker that runs already keeps running as it is.

        Raises EngineRefusedError.
        """

    def stop(self) -> None:
        """End tracking and forget what was tracked."""

    def stop_refused(self, threads: int) -> str | None:
        """Why stopping is not safe now with that many threads alive, or None."""

    def counters(self) -> Counters:
        """The engine's figures, in well under a millisecond."""

    def bytes_needed(self) -> int:
        """Upper bound of the memory that ``read`` and ``runs`` take."""

    def runs(self, raw: Any) -> Iterable[Run]:
        """``read``'s result as distinct traces with their block counts."""

    def estimates(self) -> Sequence[Estimate] | None:
        """For each stack that ``runs`` has given; None where the runs are exact."""

    def types(self) -> Sequence[tuple[RawFrames, tuple[tuple[str, int], ...]]] | None:
        """Per stack that ``runs`` has given: names and bytes of its objects' largest types."""

    def recycled(self) -> Sequence[tuple[RawFrames, int]] | None:
        """Bytes of objects that a freelist may have handed on, per stack that has any.

        Whoever filled the freelist is charged with them, not who keeps them.
        """

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> Sequence[Held] | None:
        """Who keeps the objects of which :meth:`recycled` tells; None for an engine without addresses.

        To be asked before anything else in a capture's child: objects made meanwhile come from
        freelists too. ``find`` takes the addresses of their blocks and of those that tell where
        a holder grew, 64 bits each, and gives three such words for each of the former: the
        holder's block, its type's address, the block that tells where it grew; or zeros.
        """

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> Mapping[RawFrames, int] | None:
        """How many blocks of each stack ``mark`` marks; None for an engine without addresses.

        ``mark`` takes addresses of blocks, 64 bits each, and gives a byte for each: 0 or 1.
        """

    def functions(self) -> Mapping[tuple[str, int], str]:
        """{(file, line): function} of the frames that ``runs`` has given, where known."""

    def facts(self) -> dict[str, Any]:
        """Plain values for the file, such as ``interval``: asked for before the fork."""


ENGINES = ("sampled", "exact", "off")

#: The engine where nothing is said.
DEFAULT = "sampled"


def choose(name: str | None, interval: int | None = None, budget: float | None = None) -> Engine:
    """The engine of that name (None: :data:`DEFAULT`), or the next best with the reason why.

    ``interval`` and ``budget`` are the sampled engine's. Engines are imported on demand: a
    process that uses none pays for none.
    """
    name = name or DEFAULT
    why = None
    if name == "sampled":
        try:
            from leakhunt.engine.sampled import Sampled

            return Sampled(interval, budget)
        except EngineRefusedError as error:
            why = f"the sampled engine does not work here: {error}"
    if name == "off":
        from leakhunt.engine.off import Off

        return Off("set to off")
    try:
        from leakhunt.engine.exact import Exact
    except ImportError as error:  # PyPy has no tracemalloc
        from leakhunt.engine.off import Off

        return Off(f"this interpreter has no tracemalloc ({error})")
    return Exact(why)
