"""One capture: the guard, the fork, what the child does, and reaping it.

The process stands still for reading its own memory figures and for the fork;
everything else happens in the child, which ends in ``os._exit``. Parent and child
share one anonymous page: the parent leaves the length of the pause there, the
child what became of the capture.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import posix
import signal
import struct
import time
from collections.abc import Callable, Container, Sequence
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from leakhunt import units
from leakhunt.engine import births
from leakhunt.engine.interface import Engine, Life
from leakhunt.engine.retention import Walked
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import fork, own, scopes, spots, turns, walk
from leakhunt.hook.capture.allocators import allocators
from leakhunt.hook.capture.sources import Sources
from leakhunt.hook.process import look, threads, vitals
from leakhunt.snapfile import SCHEMA, folders, records, write
from leakhunt.snapfile.records import Held

if TYPE_CHECKING:
    import mmap

    from leakhunt.hook.process.identity import Process
    from leakhunt.hook.tracing import Tracing

#: A child that makes no progress hangs: seconds. One on a starved machine makes some.
PATIENCE = 30
#: CPU time that it may use, and seconds for each 170 MB it needs (with tracemalloc 10^6 blocks,
#: which take about 2 s; or 2.4 * 10^6 objects to look through).
CPU_SECONDS = 30
CPU_SECONDS_PER_170_MB = 20
#: However starved, it ends after so many times its CPU time, and so many seconds at least.
WALL_PER_CPU = 20
WALL_AT_LEAST = 900

#: How long a process stands still at most for a child that has told what it did: seconds.
EXITING = 0.05

#: Function names and source lines are looked up for the frames of that many of
#: the largest stacks, for at most that long.
EXPLAINED_STACKS = 1500
EXPLAINED_SECONDS = 3.0

#: Garbage is told of that many tracebacks.
GARBAGE_STACKS = 300
#: And so many holders of recycled objects are told, the largest.
HOLDERS = 1000

#: The page shared with the child: its notes (see :mod:`.fork`), the pause, the length of what it says.
_NOTES = struct.Struct("<BB6x")
_PAUSE = struct.Struct("<d")
_LENGTH = struct.Struct("<I")
_PAUSE_AT = _NOTES.size
_LENGTH_AT = _PAUSE_AT + _PAUSE.size
_SAID_AT = _LENGTH_AT + _LENGTH.size
PAGE = 4096


class Order(NamedTuple):
    """What to capture. ``facts`` are those known before the fork."""

    path: Path
    series: Path
    engine: Engine
    signum: int
    keep: int
    source: str
    """How source lines are recorded: see :class:`Sources`."""
    walk: str
    """``auto``, ``off`` or ``full``: how far the child may go to tell what holds the objects."""
    notify: bool
    """The child sends ``signum`` when it is done: the parent will not hear of SIGCHLD."""
    facts: dict[str, Any]
    late_facts: Callable[[], dict[str, Any]]
    """Facts that cost time and are the same in the child: called there."""
    life: Life
    limits: fork.Limits
    """What its child may take: see :func:`guard`."""
    walks: bool = True
    """Whether the process's objects are walked over."""
    explains: bool = True
    """Whether functions and source lines of the frames are looked up."""
    beside: Beside | None = None
    """Of whom it tells, where it is another process that writes: a light capture's."""


class Beside(NamedTuple):
    """What a process beside the captured one has been told of it."""

    prefixes: dict[str, list[str]]
    loaded: Container[str]
    """The source files of its modules."""


def facts_before_fork(
    process: Process,
    tracing: Tracing,
    taken_at: float,
    sequence: int,
    trigger: str,
    baseline: bool,
    memory: Callable[[], dict[str, int | None]] = vitals.memory,
) -> dict[str, Any]:
    """What every snapshot says of its process at this moment, whoever takes it."""
    return {
        "schema": SCHEMA,
        **process.who(),
        "taken_at": taken_at,
        "monotonic": time.monotonic(),
        "sequence": sequence,
        "trigger": trigger,
        "baseline": baseline,
        **tracing.facts(),
        **memory(),
        "gc": vitals.collector(),
        **tracing.figures(),
    }


class Capture:
    """A capture under way in a forked child."""

    def __init__(self, order: Order, pid: int, page: mmap.mmap, deadline: float) -> None:
        self.order = order
        self.pid = pid
        self.page = page
        self.deadline = deadline
        self.began = time.monotonic()
        self.ended = False
        self.exiting = False
        """The child has told, and is not reaped yet."""

    def poll(self) -> Outcome | None:
        """Reap the child if it has ended; None while it has not. Never blocks.

        Only this child is waited for: others are other people's. It is ended at the deadline, while
        it is still there to be reaped: afterwards its pid may be another process's.
        """
        try:
            pid, status = posix.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # gone: somebody waits for all children, or SIGCHLD is ignored
            pid, status = self.pid, None
        if pid == 0:
            if time.monotonic() > self.deadline:
                self.ended = True
                with contextlib.suppress(OSError):
                    posix.kill(self.pid, signal.SIGKILL)
            return None
        return self._outcome(status)

    def is_told(self) -> bool:
        """Whether the child has sent the signal to say that it is done."""
        return self.order.notify and bool(_LENGTH.unpack_from(self.page, _LENGTH_AT)[0])

    def wait(self) -> Outcome:
        """Block until the child has ended, at most until the deadline, and reap it."""
        while True:
            outcome = self.poll()
            if outcome is not None:
                return outcome
            _pause(0.002)

    def told(self) -> Outcome:
        """What the child has told, which exits now, and may take a while to give a large heap's pages back;
        :func:`is_gone` reaps it then.
        """
        outcome = self.abandon(EXITING)
        self.exiting = outcome is None
        return outcome or self._outcome(None)

    def abandon(self, seconds: float) -> Outcome | None:
        """Wait that long; None where it is not done by then, and goes on alone.

        Of a process on its way out the child ends by itself in any case, and whatever becomes init
        in its place reaps it.
        """
        until = time.monotonic() + seconds
        while True:
            outcome = self.poll()
            if outcome is not None or time.monotonic() > until:
                return outcome
            _pause(0.002)

    def _outcome(self, status: int | None) -> Outcome:
        (length,) = _LENGTH.unpack_from(self.page, _LENGTH_AT)
        note, doing = _NOTES.unpack_from(self.page, 0)
        said = self.page[_SAID_AT : _SAID_AT + length]
        self.page.close()
        if said:
            return Outcome(**{"path": None, "problem": None, **json.loads(said)})
        with contextlib.suppress(OSError):
            posix.unlink(write.temporary(self.order.path))
        seconds = time.monotonic() - self.began
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        if note == fork.HUNG or self.ended:
            why = f"it hung and was ended after {seconds:.0f} s"
        elif note == fork.NO_MEMORY:
            why = "no memory for its process"
        elif note == fork.LOCKED:
            why = "another thread had tracemalloc's lock when it was forked"
        elif number == signal.SIGXCPU:
            why = f"it took more than {self.order.limits.cpu} s of CPU time"
        elif number:
            why = f"its process was killed by signal {number}"
        else:
            why = "its process ended without a word"
        walking = doing == fork.WALKING
        if walking:
            why += " while it looked through the objects"
        return Outcome(None, f"no snapshot: {why}", walking=walking, again=note == fork.LOCKED)


class Outcome(NamedTuple):
    """What became of a capture: a file, or the reason why there is none."""

    path: str | None
    problem: str | None
    size: int = 0
    blocks: int = 0
    forked: bool = True
    without: str = ""
    """What was left out and why, as it stands in the log."""
    walking: bool = False
    """Its process ended while it looked through the objects."""
    shares: dict[str, int | None] | None = None
    """Of a light capture: :func:`leakhunt.hook.process.vitals.shares` of the process, a moment ago."""
    refused: bool = False
    """Of a light capture: it cannot be made in this way, and is to be made in another."""
    again: bool = False
    """It was the moment's fault alone."""


def is_gone(pid: int) -> bool:
    """Whether a capture's child has ended; it is reaped then. Never blocks."""
    try:
        return posix.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _pause(seconds: float) -> None:
    """Sleep without yielding to a green hub: gevent and eventlet replace time.sleep."""
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait((), seconds)
    else:
        time.sleep(seconds)


def prepare(in_place: bool) -> None:
    """Get ready what a capture needs, before anything is traced; ``in_place``: for one in the
    process, which would show its imports in the next snapshot.
    """
    shared_page().close()
    own.prefixes()
    fork.prepare()


def shared_page() -> mmap.mmap:
    """One page of memory that a forked child shares with its parent.

    ``mmap`` is imported here and not above: a worker that never captures need not have it.
    """
    import mmap

    return mmap.mmap(-1, PAGE)


def guard(engine: Engine, groups: Sequence[vitals.Cgroup]) -> fork.Limits:
    """What a capture's child may take. Raises CaptureError for one that would not fit.

    That counts what the engine needs; the census of objects gets what is left, or is left out.
    Where the kernel ends all processes of a control group together, the child may not be the
    reason: then what it needs counts with all that the process could write meanwhile.
    """
    needed, left = engine.bytes_needed(), vitals.memory_left(groups)
    census = fork.objects() * fork.BYTES_PER_OBJECT
    cpu = int(CPU_SECONDS + CPU_SECONDS_PER_170_MB * (needed + census) / 170e6)
    wall = max(WALL_AT_LEAST, WALL_PER_CPU * cpu)
    if left is None:
        return fork.Limits(PATIENCE, cpu, wall, _ANY_MEMORY, _ANY_MEMORY)
    must_fit(needed, left)
    if any(group.ends_together() for group in groups):
        copied = vitals.rss() or 0
        if needed + copied > left:
            raise CaptureError(
                f"no snapshot: it could take up to {units.size(needed + copied)} for a moment and "
                f"{units.size(left)} of memory is left, and running out of it would end all "
                "processes of this control group (memory.oom.group)"
            )
    return fork.Limits(PATIENCE, cpu, wall, left, (left - needed) // fork.BYTES_PER_OBJECT)


def must_fit(needed: int, left: int | None) -> None:
    """Raises CaptureError for a capture that takes more bytes than there are; None: nobody knows."""
    if left is not None and needed > left:
        raise CaptureError(
            f"no snapshot: it would take up to {units.size(needed)} for a moment and "
            f"{units.size(left)} of memory is left (cgroup or host)"
        )


#: Where nobody knows how much there is: bytes, and objects.
_ANY_MEMORY = 1 << 40


def begin(order: Order, began: float) -> Capture:
    """Fork and capture in the child. Raises ForkRefusedError, CaptureError.

    ``began`` is the moment the trigger fired, by ``time.monotonic()``.
    """
    page = shared_page()
    parent = os.getpid()
    try:
        forked = fork.fork(order.engine, order.limits, page, order.walks)
        if forked.pid:
            pause_told(page, time.monotonic() - began)
            return Capture(order, forked.pid, page, time.monotonic() + order.limits.wall + 10)
    except BaseException as error:
        if os.getpid() == parent:
            page.close()
            raise
        if isinstance(error, MemoryError):
            page[0] = fork.NO_MEMORY
        os._exit(70)
    _child(order, forked, page, began)
    raise AssertionError("unreachable")


def _child(order: Order, forked: fork.Forked, page: mmap.mmap, began: float) -> None:
    """The forked child: capture, say what became of it, and end without a trace."""
    try:
        fork.settle(order.signum)
        gc.disable()
        pid = order.facts["pid"]
        # As text: what lives while the heap is walked over may have taken objects from freelists.
        with_parent = posix.getppid() == pid
        seen = json.dumps(look.look(pid, forked.threads, os.getpid()) if with_parent else {})

        def looked() -> dict[str, Any]:
            how = order.walk if order.walks else "off"
            walked = walk.look(order.engine, forked.raw, how, own.PACKAGE)
            kept = order.engine.retention(forked.raw, walked) if walked else ()
            fork.quiet(order.engine)
            return written(order, forked, began, json.loads(seen), page, walked, kept)

        with turns.turn(order.series.parent):
            said = outcome_of(looked)
        tell(page, said, order)
    except MemoryError:  # not even for the words that say so
        page[0] = fork.NO_MEMORY
    finally:
        os._exit(0)


def tell(page: mmap.mmap, said: dict[str, Any], order: Order) -> None:
    """Leave in the shared page what became of a capture, and wake the process that waits for it."""
    content = json.dumps(said).encode()
    if len(content) > PAGE - _SAID_AT:
        content = json.dumps({"path": said.get("path"), "problem": None}).encode()
    page[_SAID_AT : _SAID_AT + len(content)] = content
    _LENGTH.pack_into(page, _LENGTH_AT, len(content))
    if order.notify and _still_hears(order):
        posix.kill(order.facts["pid"], order.signum)


def pause_told(page: mmap.mmap, seconds: float | None = None) -> float | None:
    """How long the process stood still, as the shared page has it; with ``seconds`` it is left there."""
    if seconds is not None:
        _PAUSE.pack_into(page, _PAUSE_AT, seconds)
    return float(_PAUSE.unpack_from(page, _PAUSE_AT)[0]) or None


def _still_hears(order: Order) -> bool:
    """Whether the process has a handler for the signal: it may have become another program meanwhile
    (execve(2) keeps the pid and resets handlers), which would die of it.
    """
    pid: int = order.facts["pid"]
    return posix.getppid() == pid and vitals.catches(pid, order.signum) is not False


def in_process(order: Order, began: float) -> Outcome:
    """Capture without a fork: the process stands still all the while."""
    raw = order.engine.read()

    def capture() -> dict[str, Any]:
        seen = look.look(order.facts["pid"], threads.described(threads.alive()))
        return written(order, fork.Forked(-1, raw, None, None), began, seen)

    return Outcome(**{"path": None, "problem": None, **outcome_of(capture)})


def outcome_of(capture: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``capture`` gives, or what went wrong with it: fields of :class:`Outcome`."""
    try:
        return capture()
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return {"problem": f"no snapshot: cannot write{where}: {error.strerror}"}
    except MemoryError:
        return {"problem": "no snapshot: out of memory while capturing"}
    except Exception as error:  # noqa: BLE001 - the child must say whatever it was
        return {"problem": f"no snapshot: {type(error).__name__}: {error}"}


def written(
    order: Order,
    forked: fork.Forked,
    began: float,
    seen: dict[str, Any],
    page: mmap.mmap | None = None,
    walked: Walked | None = None,
    kept: Sequence[records.Retention] = (),
) -> dict[str, Any]:
    facts, raw = dict(order.facts), forked.raw
    held = None
    walks = fork.Walks(forked.problem)
    beside = order.beside
    is_fork = page is not None and beside is None
    if is_fork:
        if order.walks:
            held = order.engine.holders(raw, walks.holders)
        facts["allocators"] = allocators()
        facts["garbage"] = _garbage(order.engine, raw, forked)
        if facts["rss"] is None:  # the process is out of descriptors; the child shares its pages
            facts["rss"] = vitals.rss()
    elif beside is not None:
        walks.problems["all"] = "left out: a light capture"
    else:
        walks.problems["all"] = "left out: captured in the process itself"
    facts.update(seen)
    # Counted one by one: not while the process waits.
    facts["gc"] = {**facts["gc"], "frozen": gc.get_freeze_count()}
    facts.update(order.late_facts())
    prefixes = own.prefixes() if beside is None else beside.prefixes
    kept_of = own.judge(prefixes)
    harvest = order.engine.harvest(raw, order.life, walked)
    if beside is not None and harvest.types is None:
        walks.problems["types"] = (
            "left out: another process may not look at the blocks, or they have gone"
        )
    runs = list(own.without_own(harvest.runs, kept_of))
    weight: dict[int, int] = {}
    stacks: dict[int, write.RawFrames] = {}
    for trace, count in runs:
        key = id(trace[2])
        weight[key] = weight.get(key, 0) + trace[1] * count
        stacks[key] = trace[2]
    most = EXPLAINED_STACKS if order.explains else 0
    largest = nlargest(most, weight, key=weight.__getitem__)
    loaded = None if beside is None else beside.loaded
    sources = Sources(facts["started_at"] or time.time(), order.source, loaded)
    explained = spots.spots(
        (frame for key in largest for frame in stacks[key]),
        EXPLAINED_SECONDS,
        sources,
        harvest.functions,
    )
    for name, told in (
        ("estimates", harvest.estimates),
        ("types", harvest.types),
        ("recycled", harvest.recycled),
    ):
        if told is not None:
            facts[name] = records.plain(_without_own(told, kept_of))
    if harvest.births is not None and harvest.calendar is not None:
        born = births.trimmed(_without_own(harvest.births, kept_of))
        facts["births"], facts["calendar"] = records.plain(born), harvest.calendar._asdict()
    if harvest.gone is not None:
        facts["gone"] = records.plain(_without_own(harvest.gone, kept_of))
    if walked is not None:
        facts["heap"], retention, handed = walk.heap(
            walked, _without_own(kept, kept_of), _handed(harvest.handed, kept_of)
        )
        facts["retention"], facts["handed"] = records.plain(retention), records.plain(handed)
        facts["counted"] = records.plain(_without_own(walked.counted, kept_of))
    if held is not None:
        facts["holders"] = _held(held, kept_of)
    outside = tuple(
        f"{folder}{os.sep}" for kind in ("stdlib", "site", "leakhunt") for folder in prefixes[kind]
    )
    facts.update(
        forked=is_fork,
        light=beside is not None,
        exact=fork.exact() or not is_fork,
        walks=_left_out(order, walks),
        prefixes=prefixes,
        pause=pause_told(page) if page else time.monotonic() - began,
        capture=time.monotonic() - began,
        samples=None if harvest.estimates is None else sum(each[1] for each in facts["estimates"]),
        frames=explained,
        scopes=scopes.scopes(
            explained,
            [file for file in explained if not file.startswith(outside)],
            EXPLAINED_SECONDS,
            sources,
        ),
    )
    folders.make_private(folders.make_private(order.series.parent) / order.series.name, own=True)
    size = write.write(order.path, runs, order.engine.nframe, facts)
    prune(order.series, order.keep)
    return {
        "path": str(order.path),
        "size": size,
        "blocks": sum(count for _, count in runs),
        "forked": is_fork,
        "without": "; ".join(f"{name}: {why}" for name, why in facts["walks"].items()),
    }


Told = TypeVar("Told", bound=tuple[Any, ...])


def _without_own(
    told: Sequence[Told], kept_of: Callable[[write.RawFrames], write.RawFrames | None]
) -> list[Told]:
    """The records of stacks that are not leakhunt's, which have their frames first."""
    return [
        record._replace(frames=kept)  # type: ignore[attr-defined]
        for record in told
        if (kept := kept_of(record[0])) is not None
    ]


def _left_out(order: Order, walks: fork.Walks) -> dict[str, str]:
    """{walk: why it was not made, or not to its end}; {} where nothing was left out."""
    if not order.walks:
        return {"all": "left out: the last capture ended in them"}
    return walks.problems


def _held(
    held: Sequence[Held], kept_of: Callable[[write.RawFrames], write.RawFrames | None]
) -> list[tuple[Any, ...]]:
    """As the file has them: the largest holders, without leakhunt's own."""
    told = []
    for frames, grower, *rest in nlargest(HOLDERS, held, key=_bytes_held):
        mine, its = kept_of(frames), None if grower is None else kept_of(grower)
        if mine is not None and (its is not None or grower is None):
            told.append((mine, its, *rest))
    return told


def _handed(
    told: Sequence[records.Handed], kept_of: Callable[[write.RawFrames], write.RawFrames | None]
) -> list[records.Handed]:
    """Those of stacks that are not leakhunt's; nor is a grower that is told."""
    return [
        record._replace(grower=None if record.grower is None else kept_of(record.grower))
        for record in _without_own(told, kept_of)
    ]


def _bytes_held(held: Held) -> int:
    return sum(size * number for size, number in held.blocks)


def _garbage(engine: Engine, raw: Any, forked: fork.Forked) -> dict[str, Any] | None:
    """What only waits for the collector: objects, and how many by traceback, the most first."""
    if forked.garbage is None:
        return None
    number, by_traceback = forked.garbage
    by_sample = engine.marked(raw, fork.among)
    by_traceback = by_traceback if by_sample is None else by_sample
    largest = nlargest(GARBAGE_STACKS, by_traceback.items(), key=lambda item: item[1])
    return {"objects": number, "stacks": [(traceback, count) for traceback, count in largest]}


def prune(series: Path, keep: int) -> None:
    """Leave the snapshots that :func:`leakhunt.snapfile.folders.surplus` lets stay.

    Temporary files of captures that were killed go as well; nothing that this user's hook did not
    write.
    """
    with contextlib.suppress(OSError), folders.opened(series) as folder:
        names = sorted(posix.listdir(folder))
        snapshots = [each for each in names if folders.is_own(folder, each, folders.SNAPSHOT)]
        torn = [each for each in names if folders.is_own(folder, each, folders.TORN)]
        for each in (*torn, *folders.surplus(snapshots, keep)):
            with contextlib.suppress(OSError):
                posix.unlink(each, dir_fd=folder)
