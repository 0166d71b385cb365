"""Where the resident memory is, in words: each part, the sentence that judges, the next step."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt import units
from leakhunt.judge import account as causes
from leakhunt.judge.account import Cause
from leakhunt.judge.levels import LEVELS
from leakhunt.judge.resources import Change
from leakhunt.model import account as parts
from leakhunt.model.account import Account
from leakhunt.report.words import resources

#: Domains of tracemalloc that are known (``numpy/core/include``: NPY_TRACE_DOMAIN).
_DOMAINS = {"domain-389047": "numpy's arrays"}

_LABELS = {
    parts.PYTHON: "live Python blocks",
    parts.UNTRACKED: "Python blocks from before tracking, up to 512 B each",
    parts.PYMALLOC_FREE: "free in pymalloc's arenas",
    parts.MALLOC_FREE: "free in malloc, not returned",
    parts.NATIVE: "malloc: native code, and larger Python blocks from before tracking",
    parts.NATIVE_MAPPED: "large blocks that malloc has mapped, not Python's",
    parts.UNTRACED: "in use, and not traced: native code, blocks from before tracking",
    parts.ENGINE: "leakhunt's own tables",
    parts.STACKS: "stacks of threads",
    parts.LIBRARIES: "programs and libraries",
    parts.FILES: "mapped files",
    parts.SHARED: "shared memory",
    parts.SYSV: "System V segments",
    parts.UNSHARED: "unshared from the parent by writing",
    parts.STILL_SHARED: "shared with the parent",
    parts.REST: "the rest",
}

_SOURCES = {
    "traces": "tracemalloc",
    "samples": "estimated from samples",
    "pymalloc": "sys._debugmallocstats",
    "mallinfo": "mallinfo2",
    "allocators": "both allocators",
    "engine": "the engine",
    "smaps": "/proc/PID/smaps",
    "smaps_rollup": "/proc/PID/smaps_rollup",
    "difference": "RSS less the parts above",
}

#: What ends each.
_NEXT = {
    causes.PYTHON: "`leakhunt diff` says which lines, `leakhunt why` what keeps it",
    causes.FRAGMENTED: "MALLOC_ARENA_MAX=2 in the worker's environment, malloc_trim(0) after large tasks, or jemalloc",
    causes.ARENAS: "a few small objects that live long keep whole arenas: let tasks that make many objects run in "
    "children of their own, or bound the children (worker_max_memory_per_child)",
    causes.NATIVE: "`memray run --native` or jemalloc's profiler shows which C function",
    causes.UNTOLD: "`memray run --native` tells native code from free memory",
    causes.ENGINE: "fewer frames (LEAKHUNT_NFRAME), or the sampled engine (LEAKHUNT_ENGINE=sampled)",
    causes.STACKS: "end and join threads, or use a pool of them; threading.stack_size() makes each smaller",
    causes.LIBRARIES: "imports on first use do this once; nothing to do unless it goes on",
    causes.FILES: "close the mappings that are done (mmap.close()); the kernel takes clean pages back when "
    "memory is short",
    causes.SHARED: "close() and unlink() what is done: `ls -l /dev/shm` shows what has a name",
    causes.SYSV: "detach and remove the segments (shmdt, `ipcrm -m`): `ipcs -m` lists them",
    causes.COPIED: "gc.collect() and gc.freeze() in the main process before its pool forks, so that the collector "
    "does not write to inherited objects",
}
#: With so many arenas MALLOC_ARENA_MAX has nothing left to do.
FEW_ARENAS = 2
_FEW_ARENAS = "malloc_trim(0) after large tasks, or jemalloc"
_MORE = "`leakhunt account BEFORE AFTER` says what grows"


def label(part: str) -> str:
    """What a part is."""
    if part.startswith("domain-"):
        return _DOMAINS.get(part, f"tracemalloc's domain {part[7:]}")
    return _LABELS[part]


def source(name: str) -> str:
    """What says so."""
    return _SOURCES[name]


def unknown(account: Account) -> tuple[str, ...]:
    """What the rest may hold besides, and why that is not known."""
    if not account.unknown:
        return ()
    names = ", ".join(map(label, account.unknown))
    why = "the snapshot does not say"
    if parts.MALLOC_FREE in account.unknown and account.malloc not in (None, "glibc"):
        why = f"this process uses {_malloc(account)}, which does not tell"
    return (f"unknown, and in the rest: {names} ({why})",)


def _malloc(account: Account) -> str:
    return "another malloc" if account.malloc == "other" else f"{account.malloc}'s malloc"


def negative(account: Account, grown: bool) -> tuple[str, ...]:
    """What a rest below nothing means."""
    if account.of(parts.REST) >= 0:
        return ()
    if grown:
        return (
            "the rest shrank: memory that no part counted went back to the system, was swapped out, or is counted "
            "in a part now",
        )
    return (
        "the rest is negative: some of what the allocators have handed out was never touched, or is "
        "swapped out",
    )


def arenas(account: Account) -> tuple[str, ...]:
    """In how many arenas malloc's free memory lies, where that is told and there is much of it."""
    free = sum(arena.free for arena in account.arenas)
    if free < LEVELS.accounts.least:
        return ()
    most, of = (
        max(account.arenas, key=lambda arena: arena.free),
        sum(arena.system for arena in account.arenas),
    )
    held = f"{units.counted(len(account.arenas), 'arena')}: {units.size(free)} of {units.size(of)} free"
    return (
        f"malloc has {held}, {units.size(most.free)} of it in the one that has most (malloc_info)",
    )


# -- the sentence ---------------------------------------------------------------------


def sentence(
    account: Account, cause: Cause, grown: bool, opened: Sequence[Change] = ()
) -> tuple[str, str | None]:
    """What the figures say, and what to do next."""
    if not grown:
        return _of_one(account, cause), _MORE
    said = _SAID.get(cause.kind, _most)(account, cause)
    following = _NEXT.get(cause.kind)
    if cause.kind == causes.FRAGMENTED and 0 < len(account.arenas) <= FEW_ARENAS:
        following = _FEW_ARENAS
    return said + _opened(cause, opened), following


def _of_one(account: Account, cause: Cause) -> str:
    rss = units.size(account.rss)
    if cause.kind == causes.MIXED:
        return (
            f"RSS is {rss}; no kind of memory makes half of it. "
            f"The largest: {_two_largest(account, False)}."
        )
    size, names = units.size(cause.size), _WHAT[cause.kind]
    return f"RSS is {rss}; {_part(cause)} of it is {names} ({size})."


def _part(cause: Cause) -> str:
    """``97 %``; a part of something that others make smaller may be more than all of it."""
    return "all" if cause.size >= cause.of else units.share(cause.size / cause.of)


_WHAT = {
    causes.PYTHON: "live Python memory",
    causes.FRAGMENTED: "free memory that the allocators have not returned, most of it malloc's",
    causes.ARENAS: "free memory that the allocators have not returned, most of it in pymalloc's arenas",
    causes.NATIVE: "outside Python: native code",
    causes.UNTOLD: "outside Python's blocks",
    causes.ENGINE: "leakhunt's own tables",
    causes.STACKS: "stacks of threads",
    causes.LIBRARIES: "programs and libraries",
    causes.FILES: "mapped files",
    causes.SHARED: "shared memory",
    causes.SYSV: "System V shared memory",
}


def _grew(account: Account) -> str:
    return f"RSS grew by {units.size(account.rss)}"


def _most(account: Account, cause: Cause) -> str:
    """``RSS grew by 12.0 MiB; 97 % of it is live Python memory (+11.6 MiB).``"""
    return f"{_grew(account)}; {_part(cause)} of it is {_WHAT[cause.kind]} ({units.signed_size(cause.size)})."


def _beside(account: Account) -> str:
    """How Python did meanwhile."""
    python = account.of(parts.PYTHON, parts.UNTRACKED, *account.domains)
    if abs(python) < 0.1 * account.rss:
        return f"Python is flat ({units.signed_size(python)})"
    return f"live Python memory {'grew' if python > 0 else 'shrank'} by {units.size(abs(python))}"


def _fragmented(account: Account, cause: Cause) -> str:
    free, arenas = account.of(parts.MALLOC_FREE), account.of(parts.PYMALLOC_FREE)
    held = f"malloc holds {units.size(free)} more that is free" if free > 0 else ""
    pools = f"pymalloc's arenas {units.size(arenas)} more" if arenas > 0 else ""
    both = " and ".join(filter(None, (held, pools)))
    return f"{_grew(account)}; {_beside(account)}, and {both}: fragmentation."


def _arenas(account: Account, cause: Cause) -> str:
    free, arenas = account.of(parts.MALLOC_FREE), account.of(parts.PYMALLOC_FREE)
    also = f" (and malloc {units.size(free)})" if free > 0 else ""
    return (
        f"{_grew(account)}; {_beside(account)}, and pymalloc's arenas hold {units.size(arenas)} more that is "
        f"free{also}: fragmentation."
    )


def _native(account: Account, cause: Cause) -> str:
    used = account.of(parts.NATIVE, parts.NATIVE_MAPPED, parts.UNTRACED)
    rest = account.of(parts.REST)
    where = f"{units.signed_size(used)} from malloc, {units.signed_size(rest)} mapped or not told"
    return f"{_grew(account)}; {_beside(account)}, and {_part(cause)} of it is outside Python ({where})."


def _untold(account: Account, cause: Cause) -> str:
    return (
        f"{_grew(account)}; {_beside(account)}, and {_part(cause)} of it is outside Python's blocks "
        f"({units.signed_size(cause.size)}): native code or free memory, which cannot be told apart here."
    )


def _files(account: Account, cause: Cause) -> str:
    return f"{_most(account, cause)[:-1]}: pages of files, which the kernel can take back."


def _copied(account: Account, cause: Cause) -> str:
    size = units.size(cause.size)
    stands = abs(account.rss) < cause.size
    rss = (
        _still(account)
        if stands and abs(account.rss) < 0.1 * cause.size
        else f"RSS changed by {units.signed_size(account.rss)}"
    )
    left = account.sharing.shared if account.sharing is not None else 0
    end = f"; {units.size(left)} are still shared, and no more can follow" if left else ""
    return (
        f"{rss}, and {size} that the process shared with its parent are its own now: copy-on-write "
        f"after the fork{end}."
    )


def _nothing(account: Account, cause: Cause) -> str:
    return f"{_still(account)}."


def _still(account: Account) -> str:
    if not account.rss:
        return "RSS stands still (0 B)"
    return f"RSS has hardly changed ({units.signed_size(account.rss)})"


def _shrunk(account: Account, cause: Cause) -> str:
    return f"RSS shrank by {units.size(-account.rss)}."


def _mixed(account: Account, cause: Cause) -> str:
    return (
        f"{_grew(account)}, and no kind of memory makes half of it. "
        f"The largest: {_two_largest(account, True)}."
    )


def _two_largest(account: Account, grown: bool) -> str:
    """By kind, as the cause was judged: of one part another of its kind may have given back some."""
    made_of = causes.parts_by_kind(account)
    largest = sorted(made_of, key=lambda kind: -sum(made_of[kind]))[:2]
    return "; ".join(f"{_WHAT[kind]} {_of_parts(made_of[kind], grown)}" for kind in largest)


def _of_parts(sizes: Sequence[int], grown: bool) -> str:
    """``+1.2 MiB (+2.2 MiB less 953.0 KiB)``: where a row of the table says more than its kind."""
    amount = units.signed_size if grown else units.size
    whole = amount(sum(sizes))
    up = sum(size for size in sizes if size > 0)
    said, down = amount(up), units.size(up - sum(sizes))
    return whole if said == whole else f"{whole} ({said} less {down})"


_SAID = {
    causes.FRAGMENTED: _fragmented,
    causes.ARENAS: _arenas,
    causes.NATIVE: _native,
    causes.UNTOLD: _untold,
    causes.FILES: _files,
    causes.COPIED: _copied,
    causes.NOTHING: _nothing,
    causes.SHRUNK: _shrunk,
    causes.MIXED: _mixed,
}


def _opened(cause: Cause, opened: Sequence[Change]) -> str:
    """What else grows, where memory does not: the buffers of sockets are the kernel's."""
    grown = [one for one in opened if one.grown > 0]
    if cause.kind != causes.NOTHING or not grown:
        return ""
    first = grown[0]
    told = resources.risen(first.resource, first.first, first.last.number, None, None)
    kernels = (
        ", and their buffers are the kernel's, not in RSS"
        if first.resource.kind == "socket"
        else ""
    )
    return f" But {told}{kernels}."
