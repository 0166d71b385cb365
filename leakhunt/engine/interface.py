"""Who tracks allocations, behind one small interface.

Nothing outside this package may assume tracemalloc: the hook arms an engine,
forks through ``read`` and writes whatever ``harvest`` gives.

Life of a capture::

    parent   bytes_needed()                    first of all: how much memory the capture will take
             counters(), facts()               traced now, peak, the engine's own tables and cost
             fork, calling read() in the child before anything is torn down
    child    blocks(raw), then retention()     what holds them, by a walk over the heap
             holders(raw), marked(raw)         who keeps what freelists have handed on; what is garbage
             harvest(raw, life)                all the rest, as one value

or, where forking is not possible, ``read()`` and ``harvest()`` in the process itself. In between,
``begin_task()`` and ``end_task()`` tell whose work a thread does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from leakhunt.engine.retention import Walked
from leakhunt.snapfile.records import (
    Arrivals,
    Births,
    Calendar,
    Estimate,
    Gone,
    Handed,
    Held,
    Recycled,
    Retention,
    Types,
)
from leakhunt.snapfile.write import RawFrames, Run


class Counters(NamedTuple):
    """Bytes: live traced memory, its peak since arming, the engine's own tables."""

    traced: int | None
    peak: int | None
    overhead: int | None


class Mark(NamedTuple):
    """So much work was done at that moment."""

    units: int
    wall: float
    """Seconds since the epoch."""
    clock: float
    """The same moment by ``time.monotonic()``."""


class Life(NamedTuple):
    """What has happened in the process, as far as it takes to tell births by it."""

    tasks: tuple[str, ...] = ()
    """Names of the tasks that have numbers: 1, 2, ..."""
    marks: tuple[Mark, ...] = ()
    """In order; the last is now. Without any, the moments of births are not known."""


#: Of a process of which nobody has taken note.
UNKNOWN_LIFE = Life()


class Harvest(NamedTuple):
    """What an engine tells of a heap that was read. None: it knows none of that."""

    runs: Iterable[Run]
    """Distinct traces with their block counts: what goes into the file."""
    estimates: Sequence[Estimate] | None = None
    """For each stack of the runs; None where the runs are exact."""
    types: Sequence[Types] | None = None
    """What the blocks of each stack are, of those where anything is known."""
    recycled: Sequence[Recycled] | None = None
    """What a freelist may have handed on, per stack that has any: whoever filled the freelist
    is charged with it, not who keeps it."""
    functions: Mapping[tuple[str, int], str] = MappingProxyType({})
    """{(file, line): function} of the frames of the runs, where known."""
    births: Sequence[Births] | None = None
    """When and in which task the blocks of each stack were asked for: size and blocks add up to
    those of its runs."""
    calendar: Calendar | None = None
    """The periods of the births."""
    gone: Sequence[Gone] | None = None
    """What of each stack has died, period by period; None: nobody has looked."""
    handed: Sequence[Handed] = ()
    """Parts of the births that containers keep, where a walk has tied blocks to them."""
    arrivals: Sequence[Arrivals] = ()
    """When the entries of containers came, where a walk has counted what they hold."""


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
    #: A capsule by which the fork of a capture leaves the engine's tables whole: see
    #: ``leakhunt/cpython/at_fork.h``; None where there are none of its own.
    at_fork: Any
    #: By which another process makes of ``read``'s result what this one would
    #: (:mod:`leakhunt.engine.tables`); None where only this one can.
    salt: int | None

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
        """Upper bound of the memory that ``read`` and ``harvest`` take."""

    def live(self, age: float | None, done: int = 0) -> None:
        """This process is that many seconds old (None: not known) and has done so many units of work.

        In a forked child: what is alive by now was born before the fork.
        """

    def begin_task(self, number: int, file: str | None) -> None:
        """From now on this thread works for the task of that number.

        With ``file``, where greenlets share a thread: not the thread, but whatever is called by
        the innermost function of that file that runs now.
        """

    def end_task(self, outer: int, done: int, file: str | None) -> None:
        """That task is over and so many are done, or more: another thread's may have been booked later and told
        sooner. This thread works for the ``outer`` one again (0: none).
        """

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        """All that is told of ``read``'s result, but for :meth:`holders` and :meth:`marked`.

        ``walked``: what a walk has found of :meth:`blocks`.
        """

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> Sequence[Held] | None:
        """Who keeps recycled objects; None for an engine without addresses.

        To be asked before anything else in a capture's child: objects made meanwhile come from
        freelists too. ``find`` takes the addresses of their blocks and of those that tell where
        a holder grew, 64 bits each, and gives three such words for each of the former: the
        holder's block, its type's address, the block that tells where it grew; or zeros.
        """

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> Mapping[RawFrames, int] | None:
        """How many blocks of each stack ``mark`` marks; None for an engine without addresses.

        ``mark`` takes addresses of blocks, 64 bits each, and gives a byte for each: 0 or 1.
        """

    def blocks(self, raw: Any) -> bytes | None:
        """The addresses of which a walk over the heap is to tell what holds them, 64 bits each.

        None for an engine without addresses: then it is told by traceback.
        """

    def retention(self, raw: Any, walked: Walked) -> Sequence[Retention]:
        """What holds the blocks of each stack: those of :meth:`blocks`, tied by a walk."""

    def let_go(self) -> Mapping[int, int]:
        """In a capture's child: bytes that count for tasks, by the task's number (0: for none), but that only a
        cache of the interpreter's kept, because the engine had given them an address of their own.
        """

    def facts(self) -> dict[str, Any]:
        """Plain values for the file, such as ``interval``: asked for before the fork."""


class Unsampled:
    """What an :class:`Engine` answers that takes no samples: it knows neither births nor tasks."""

    def live(self, age: float | None, done: int = 0) -> None:
        """It knows no births."""

    def begin_task(self, number: int, file: str | None) -> None:
        """It knows no tasks."""

    def end_task(self, outer: int, done: int, file: str | None) -> None:
        """It knows no tasks."""

    def holders(self, raw: Any, find: Callable[[bytes, bytes], bytes]) -> None:
        return None

    def marked(self, raw: Any, mark: Callable[[bytes], bytes]) -> None:
        return None

    def let_go(self) -> Mapping[int, int]:
        return {}

    def facts(self) -> dict[str, Any]:
        return {"interval": None}
