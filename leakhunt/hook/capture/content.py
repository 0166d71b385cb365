"""What a snapshot has in it: everything that is known of a heap that was read, without leakhunt's own part.

Runs where the capture runs: in the forked child, in the process itself, or beside it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import posix
import time
from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from leakhunt.engine import births
from leakhunt.engine.interface import Engine
from leakhunt.engine.retention import Walked
from leakhunt.hook.capture import fork, own, scopes, spots, walk
from leakhunt.hook.capture.allocators import allocators
from leakhunt.hook.capture.order import Order
from leakhunt.hook.capture.page import pause_told
from leakhunt.hook.capture.sources import Sources
from leakhunt.hook.process import ledger, vitals
from leakhunt.snapfile import folders, records, write
from leakhunt.snapfile.records import Held

if TYPE_CHECKING:
    import mmap

#: Function names and source lines are looked up for the frames of that many of
#: the largest stacks, for at most that long.
EXPLAINED_STACKS = 1500
EXPLAINED_SECONDS = 3.0

#: How a walk that was not even begun is told, and what the log calls each (the file has the short names).
LEFT_OUT = "left out: "
WALKS = {"all": "all looks at the objects"}

#: Garbage is told of that many tracebacks.
GARBAGE_STACKS = 300
#: And so many holders of recycled objects are told, the largest.
HOLDERS = 1000


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
        walks.problems["all"] = f"{LEFT_OUT}a light capture"
    else:
        walks.problems["all"] = f"{LEFT_OUT}captured in the process itself"
    facts.update(seen)
    # Counted one by one: not while the process waits.
    facts["gc"] = {**facts["gc"], "frozen": gc.get_freeze_count()}
    facts.update(order.late_facts())
    if is_fork:
        let_go = order.engine.let_go()
        facts["tasks"] = ledger.settled(facts["tasks"], order.life.tasks, let_go)
    prefixes = own.prefixes() if beside is None else beside.prefixes
    kept_of = own.judge(prefixes)
    harvest = order.engine.harvest(raw, order.life, walked)
    if beside is not None and harvest.types is None:
        walks.problems["types"] = (
            f"{LEFT_OUT}another process may not look at the blocks, or they have gone"
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
            walked,
            _without_own(kept, kept_of),
            _handed(harvest.handed, kept_of),
            harvest.arrivals,
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
        live=sum(weight.values()),
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
        "without": said_without(facts["walks"]),
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
        return {"all": f"{LEFT_OUT}the last capture ended in them"}
    return walks.problems


def said_without(walks: Mapping[str, str]) -> str:
    """What was not looked at and why, as the log says it after ``left out:``; empty for nothing."""
    return "; ".join(
        f"{WALKS.get(name, name)} ({why[len(LEFT_OUT) :] if why.startswith(LEFT_OUT) else why})"
        for name, why in walks.items()
    )


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
