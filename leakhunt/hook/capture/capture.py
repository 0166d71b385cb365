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
from collections.abc import Callable, Sequence
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from leakhunt import units
from leakhunt.engine import births
from leakhunt.engine.interface import Engine, Life
from leakhunt.engine.retention import Walked
from leakhunt.errors import CaptureError
from leakhunt.hook.capture import fork, own, scopes, spots, walk
from leakhunt.hook.capture.allocators import allocators
from leakhunt.hook.capture.sources import Sources
from leakhunt.hook.process import vitals
from leakhunt.snapfile import folders, records, write
from leakhunt.snapfile.records import Held

if TYPE_CHECKING:
    import mmap

#: The kernel ends a child that is not done by then: seconds, and seconds for
#: each 170 MB it needs (with tracemalloc 10^6 blocks, which take about 2 s).
PATIENCE = 30
PATIENCE_PER_170_MB = 20

#: Function names and source lines are looked up for the frames of that many of
#: the largest stacks, for at most that long.
EXPLAINED_STACKS = 1500
EXPLAINED_SECONDS = 3.0

#: Garbage is told of that many tracebacks.
GARBAGE_STACKS = 300
#: And so many holders of recycled objects are told, the largest.
HOLDERS = 1000

_PAUSE = struct.Struct("<d")
_LENGTH = struct.Struct("<I")
_PAGE = 4096


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


class Capture:
    """A capture under way in a forked child."""

    def __init__(self, order: Order, pid: int, page: mmap.mmap, deadline: float) -> None:
        self.order = order
        self.pid = pid
        self.page = page
        self.deadline = deadline
        self.began = time.monotonic()
        self.ended = False

    def poll(self) -> Outcome | None:
        """Reap the child if it has ended; None while it has not. Never blocks.

        Only this child is waited for: others are other people's.
        """
        try:
            pid, status = posix.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody waits for all children, or SIGCHLD is ignored
            if self._alive():
                return None
            pid, status = self.pid, None
        if pid == 0:
            if time.monotonic() > self.deadline:
                with contextlib.suppress(OSError):
                    self._end()
            return None
        return self._outcome(status)

    def is_told(self) -> bool:
        """Whether the child has sent the signal to say that it is done."""
        return self.order.notify and bool(_LENGTH.unpack_from(self.page, _PAUSE.size)[0])

    def wait(self) -> Outcome:
        """Block until the child has ended, at most until the deadline, and reap it."""
        while True:
            try:
                if time.monotonic() > self.deadline:
                    self._end()
                outcome = self.poll()
            except ProcessLookupError:
                outcome = self._outcome(None)
            if outcome is not None:
                return outcome
            _pause(0.002)

    def abandon(self, seconds: float) -> Outcome:
        """Wait that long, then end the child: the process itself is on its way out."""
        self.deadline = min(self.deadline, time.monotonic() + seconds)
        return self.wait()

    def _end(self) -> None:
        self.ended = True
        posix.kill(self.pid, signal.SIGKILL)

    def _alive(self) -> bool:
        try:
            posix.kill(self.pid, 0)
        except OSError:
            return False
        return True

    def _outcome(self, status: int | None) -> Outcome:
        (length,) = _LENGTH.unpack_from(self.page, _PAUSE.size)
        start = _PAUSE.size + _LENGTH.size
        said = self.page[start : start + length]
        self.page.close()
        if said:
            return Outcome(**{"path": None, "problem": None, **json.loads(said)})
        with contextlib.suppress(OSError):
            posix.unlink(write.temporary(self.order.path))
        if status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGALRM or self.ended:  # its own watchdog, or this process
                why = f"it hung and was ended after {time.monotonic() - self.began:.0f} s"
            else:
                why = f"its process was killed by signal {number}"
        else:
            why = "its process ended without a word"
        return Outcome(None, f"no snapshot: {why}")


class Outcome(NamedTuple):
    """What became of a capture: a file, or the reason why there is none."""

    path: str | None
    problem: str | None
    size: int = 0
    blocks: int = 0
    forked: bool = True


def _pause(seconds: float) -> None:
    """Sleep without yielding to a green hub: gevent and eventlet replace time.sleep."""
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait((), seconds)
    else:
        time.sleep(seconds)


def prepare(in_place: bool) -> None:
    """Import now what a capture needs, before anything is traced; more for one in the process,
    which would show its imports in the next snapshot.
    """
    shared_page().close()
    if in_place:
        import importlib.metadata
        import platform
        import sysconfig

        sysconfig.get_paths()
        platform.platform()
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version("celery")


def shared_page() -> mmap.mmap:
    """One page of memory that a forked child shares with its parent.

    ``mmap`` is imported here and not above: a worker that never captures need not have it.
    """
    import mmap

    return mmap.mmap(-1, _PAGE)


def guard(engine: Engine, groups: Sequence[vitals.Cgroup]) -> None:
    """Refuse a capture that would not fit the memory that is left. Raises CaptureError."""
    needed, left = engine.bytes_needed(), vitals.memory_left(groups)
    if left is not None and needed > left:
        raise CaptureError(
            f"no snapshot: it would take up to {units.size(needed)} for a moment and "
            f"{units.size(left)} of memory is left (cgroup or host)"
        )


def begin(order: Order, began: float) -> Capture:
    """Fork and capture in the child. Raises ForkRefusedError, CaptureError.

    ``began`` is the moment the trigger fired, by ``time.monotonic()``.
    """
    seconds = int(PATIENCE + PATIENCE_PER_170_MB * order.engine.bytes_needed() / 170e6)
    page = shared_page()
    parent = os.getpid()
    try:
        pid, raw = fork.fork(order.engine.read, seconds)
        if pid:
            _PAUSE.pack_into(page, 0, time.monotonic() - began)
            return Capture(order, pid, page, time.monotonic() + seconds + 10)
    except BaseException:
        if os.getpid() == parent:
            page.close()
            raise
        os._exit(70)
    _child(order, raw, page, began)
    raise AssertionError("unreachable")


def _child(order: Order, raw: Any, page: mmap.mmap, began: float) -> None:
    """The forked child: capture, say what became of it, and end without a trace."""
    try:
        fork.settle(order.signum)
        gc.disable()
        walked = walk.look(order.engine, raw, order.walk, own.PACKAGE)
        kept = order.engine.retention(raw, walked) if walked else ()
        order.engine.stop()
        said = _said(lambda: _capture(order, raw, True, began, page, walked, kept))
        content = json.dumps(said).encode()
        if len(content) > _PAGE - _PAUSE.size - _LENGTH.size:
            content = json.dumps({"path": said.get("path"), "problem": None}).encode()
        page[_PAUSE.size + _LENGTH.size : _PAUSE.size + _LENGTH.size + len(content)] = content
        _LENGTH.pack_into(page, _PAUSE.size, len(content))
        if order.notify and posix.getppid() == order.facts["pid"]:
            posix.kill(order.facts["pid"], order.signum)
    finally:
        os._exit(0)


def in_process(order: Order, began: float) -> Outcome:
    """Capture without a fork: the process stands still all the while."""
    raw = order.engine.read()
    return Outcome(
        **{"path": None, "problem": None, **_said(lambda: _capture(order, raw, False, began))}
    )


def _said(capture: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return capture()
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return {"problem": f"no snapshot: cannot write{where}: {error.strerror}"}
    except MemoryError:
        return {"problem": "no snapshot: out of memory while capturing"}
    except Exception as error:  # noqa: BLE001 - the child must say whatever it was
        return {"problem": f"no snapshot: {type(error).__name__}: {error}"}


def _capture(
    order: Order,
    raw: Any,
    forked: bool,
    began: float,
    page: mmap.mmap | None = None,
    walked: Walked | None = None,
    kept: Sequence[records.Retention] = (),
) -> dict[str, Any]:
    facts = dict(order.facts)
    held = None
    if forked:
        held = order.engine.holders(raw, fork.holders)
        facts["allocators"] = allocators()
        facts["garbage"] = _garbage(order.engine, raw)
    facts.update(order.late_facts())
    known = own.prefixes()
    kept_of = own.judge(known)
    harvest = order.engine.harvest(raw, order.life)
    runs = list(own.without_own(harvest.runs, kept_of))
    weight: dict[int, int] = {}
    stacks: dict[int, write.RawFrames] = {}
    for trace, count in runs:
        key = id(trace[2])
        weight[key] = weight.get(key, 0) + trace[1] * count
        stacks[key] = trace[2]
    largest = nlargest(EXPLAINED_STACKS, weight, key=weight.__getitem__)
    sources = Sources(facts["started_at"] or time.time(), order.source)
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
    if walked is not None:
        facts["heap"], retention = walk.heap(walked, _without_own(kept, kept_of))
        facts["retention"] = records.plain(retention)
    if held is not None:
        facts["holders"] = _held(held, kept_of)
    outside = tuple(
        f"{folder}{os.sep}" for kind in ("stdlib", "site", "leakhunt") for folder in known[kind]
    )
    facts.update(
        forked=forked,
        exact=fork.exact() or not forked,
        prefixes=known,
        pause=_PAUSE.unpack_from(page, 0)[0] if page else time.monotonic() - began,
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
        "forked": forked,
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


def _bytes_held(held: Held) -> int:
    return sum(size * number for size, number in held.blocks)


def _garbage(engine: Engine, raw: Any) -> dict[str, Any] | None:
    """What only waits for the collector: objects, and how many by traceback, the most first."""
    if fork.unreachable is None:
        return None
    number, by_traceback = fork.unreachable
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
