"""The resident memory of a process in parts that add up, and what its growth is made of.

Each allocator says what it has handed out and what it holds free; the traces say how much of that are
live Python blocks, and by their sizes which allocator has them; the kernel says how much of the resident
memory is of files, shared memory and stacks. What is left is the rest: memory that something maps by
itself, less what is allocated and not resident (never touched, or swapped out), and the errors of
estimates. So the parts add up to the resident set by construction, and the rest is never hidden.

Copy-on-write makes no resident memory: a page counts before and after it is unshared. What a process has
unshared from its parent is told beside, as a growth of one part and a shrinking of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from leakhunt.judge.levels import LEVELS
from leakhunt.model import account as parts
from leakhunt.model.account import Account, Live, Part, live
from leakhunt.model.meta import Meta
from leakhunt.model.snapshot import Block, Snapshot
from leakhunt.snapshots import facts, process

#: What most of a growth is.
(
    PYTHON, FRAGMENTED, ARENAS, NATIVE, UNTOLD, ENGINE, STACKS, LIBRARIES, FILES, SHARED, SYSV,
    COPIED, NOTHING, SHRUNK, MIXED,
) = (
    "python", "fragmented", "arenas", "native", "untold", "engine", "stacks", "libraries", "files",
    "shared", "sysv", "copied", "nothing", "shrunk", "mixed",
)  # fmt: skip


class Cause(NamedTuple):
    """What most of the resident memory, or of its growth, is."""

    kind: str
    """One of the names above."""
    size: int
    """Bytes of it."""
    of: int
    """Bytes in all."""


def live_of(snapshot: Snapshot) -> Live:
    """The traced blocks of a snapshot; without their sizes where it was read without them."""
    return live_in((told.blocks for told in snapshot.facts.values()), snapshot.totals.size)


def live_in(blocks: Iterable[Iterable[Block]], size: int) -> Live:
    """Traced blocks of so many bytes in all; without their sizes where not all of them are known."""
    alive = live(chain.from_iterable(blocks))
    return alive if alive.size == size else Live({0: size}, None)


def account(meta: Meta, traced: Live) -> Account | None:
    """The parts of the resident memory of one snapshot; None where it does not say how much there is."""
    if meta.rss is None:
        return None
    allocated, mapped = process.allocators(meta), process.maps(meta)
    source = "samples" if meta.engine == "sampled" else "traces"
    named: list[Part] = []
    unknown: list[str] = []

    def add(part: str, size: int | None, source: str) -> None:
        if size is None:
            unknown.append(part)
        else:
            named.append(Part(part, size, source))

    own = _own(meta, traced)
    add(parts.PYTHON, traced.domains.get(0, 0), source)
    for domain, size in sorted(traced.domains.items()):
        if domain:
            add(f"domain-{domain}", size, source)
    if traced.small is None:
        add(parts.UNTRACED, _untraced(allocated, traced, own), "allocators")
    else:
        native, beside = _native(allocated, traced, own)
        add(parts.UNTRACKED, _untracked(allocated, traced), "pymalloc")
        add(parts.NATIVE, native, "mallinfo")
        add(parts.NATIVE_MAPPED, beside, "mallinfo")
    add(parts.PYMALLOC_FREE, _pymalloc_free(allocated, traced), "pymalloc")
    add(parts.MALLOC_FREE, _malloc_free(allocated, mapped), "mallinfo")
    add(parts.ENGINE, own, "engine")
    for part in (parts.STACKS, parts.LIBRARIES, parts.FILES, parts.SHARED, parts.SYSV):
        add(part, None if mapped is None else mapped.get(part, 0), "smaps")
    named.append(Part(parts.REST, meta.rss - sum(part.size for part in named), "difference"))
    return Account(
        meta.rss,
        tuple(named),
        tuple(unknown),
        process.malloc(meta),
        process.sharing(meta),
        traced.size > 0,
        process.arenas(meta),
    )


def _own(meta: Meta, traced: Live) -> int:
    """The engine's tables, and the blocks of leakhunt's own that are traced and not told."""
    return (meta.tracer or 0) + max(0, (meta.traced or 0) - traced.size)


def _untracked(allocated: Mapping[str, int], traced: Live) -> int | None:
    """Blocks of pymalloc's that nobody has traced."""
    used = allocated.get("pymalloc_used")
    return None if used is None else max(0, used - traced.rounded)


def _pymalloc_free(allocated: Mapping[str, int], traced: Live) -> int | None:
    """What its arenas hold beside the blocks: free ones, pools without any, heads, what rounding takes."""
    free = allocated.get("pymalloc_free")
    return None if free is None else free + traced.rounded - (traced.small or 0)


def _untraced(allocated: Mapping[str, int], traced: Live, own: int) -> int | None:
    """What both allocators have handed out beyond what is traced, where the sizes of blocks are not known."""
    used = [allocated.get(name) for name in facts.USED]
    told = [each for each in used if each is not None]
    return max(0, sum(told) - traced.size - own) if len(told) == len(used) else None


def _native(allocated: Mapping[str, int], traced: Live, own: int) -> tuple[int | None, int | None]:
    """What malloc has handed out, in its arenas and in mappings of their own, to others than Python."""
    used, mapped = allocated.get("malloc_used"), allocated.get("malloc_mapped")
    if used is None or mapped is None:
        return None, None
    huge = traced.huge + own  # the engine's tables are a few large blocks
    rest = traced.size - (traced.small or 0) + own - huge
    in_mappings = min(huge, mapped)
    return max(0, used - rest - (huge - in_mappings)), mapped - in_mappings


def _malloc_free(allocated: Mapping[str, int], mapped: Mapping[str, int] | None) -> int | None:
    """What malloc holds free and resident: at most what its arenas have beyond what is in use."""
    free, used = allocated.get("malloc_free"), allocated.get("malloc_used")
    if free is None or used is None or mapped is None:
        return free
    resident = mapped.get("heap", 0) + mapped.get("arenas", 0)
    return max(0, min(free, resident - used))


# -- growth ---------------------------------------------------------------------------


def between(before: Account, after: Account) -> Account:
    """The growth of each part. What one of the two does not know is in the rest of the growth."""
    names = dict.fromkeys([part.part for part in (*after.parts, *before.parts)])
    sources = {part.part: part.source for part in (*before.parts, *after.parts)}
    unknown = {*before.unknown, *after.unknown}
    grown = [
        Part(name, after.of(name) - before.of(name), sources[name])
        for name in names
        if name != parts.REST and name not in unknown
    ]
    unshared = _unshared(before, after)
    if unshared:
        grown.append(Part(parts.UNSHARED, unshared, "smaps_rollup"))
        grown.append(Part(parts.STILL_SHARED, -unshared, "smaps_rollup"))
    rss = after.rss - before.rss
    grown.append(Part(parts.REST, rss - sum(part.size for part in grown), "difference"))
    return Account(
        rss,
        tuple(grown),
        tuple(dict.fromkeys((*after.unknown, *before.unknown))),
        after.malloc,
        after.sharing,
        after.traced,
        after.arenas,
    )


def _unshared(before: Account, after: Account) -> int:
    """Pages that others had as well, and have no more: the process has written to them, or is the last one."""
    if before.sharing is None or after.sharing is None:
        return 0
    return max(0, before.sharing.shared - after.sharing.shared)


def cause(whole: Account, grown: bool) -> Cause:
    """What most of it is. ``grown``: it is a growth, and small ones are nothing."""
    unshared = whole.of(parts.UNSHARED)
    least = LEVELS.accounts.least
    if grown and whole.rss < least:
        if unshared >= least:
            return Cause(COPIED, unshared, whole.rss)
        return Cause(SHRUNK if whole.rss <= -least else NOTHING, whole.rss, whole.rss)
    sizes = by_kind(whole)
    largest = max(sizes, key=lambda kind: (sizes[kind], kind))
    if grown and unshared > sizes[largest]:
        return Cause(COPIED, unshared, whole.rss)
    if sizes[largest] < LEVELS.accounts.mostly * whole.rss:
        return Cause(MIXED, sizes[largest], whole.rss)
    return Cause(largest, sizes[largest], whole.rss)


def by_kind(whole: Account) -> dict[str, int]:
    """Bytes by what has to be done about them: parts of a kind are added, and one may make another small."""
    return {kind: sum(sizes) for kind, sizes in parts_by_kind(whole).items()}


def parts_by_kind(whole: Account) -> dict[str, tuple[int, ...]]:
    """The parts of each kind, in bytes; less than nothing, where a part has shrunk or others are estimates."""

    def each(*names: str) -> tuple[int, ...]:
        return tuple(whole.of(name) for name in names)

    free, arenas = freed = each(parts.MALLOC_FREE, parts.PYMALLOC_FREE)
    sizes = {
        PYTHON: each(parts.PYTHON, parts.UNTRACKED, *whole.domains),
        FRAGMENTED if free >= arenas else ARENAS: freed,
        ENGINE: each(parts.ENGINE),
        STACKS: each(parts.STACKS),
        LIBRARIES: each(parts.LIBRARIES),
        FILES: each(parts.FILES),
        SHARED: each(parts.SHARED),
        SYSV: each(parts.SYSV),
    }
    if parts.NATIVE in whole.unknown or parts.UNTRACED in whole.unknown:
        sizes[UNTOLD] = each(parts.REST)  # native code and free memory are both in it
    else:
        sizes[NATIVE] = each(parts.NATIVE, parts.NATIVE_MAPPED, parts.UNTRACED, parts.REST)
    return sizes
