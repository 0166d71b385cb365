"""Where a process's resident memory is, by what the kernel says of its mappings: sizes and numbers only.

Read by a capture's child of its parent: the fork has copied no page table of files and shared memory, so
the child's own mappings do not tell. No path and no address leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leakhunt.hook.process import vitals

#: The kinds of mappings, as the file names them: ``heap`` is what brk(2) gave malloc; ``arenas`` malloc's
#: others (glibc); ``stacks`` those of threads; ``libraries`` files with code, what was written into their
#: pages included; ``files`` other mapped files; ``shared`` POSIX and anonymous shared memory; ``sysv``
#: System V segments; ``anonymous`` all else that has no name: pymalloc's arenas, large blocks, what
#: libraries map.
KINDS = ("heap", "arenas", "stacks", "libraries", "files", "shared", "sysv", "anonymous", "special")

#: A process may have 65,530 mappings (vm.max_map_count), of 700 bytes or so each.
MOST = 64 << 20
#: malloc's arenas but the main one lie in heaps of this size and alignment (HEAP_MAX_SIZE in
#: ``malloc/arena.c`` of glibc, 64 bits).
HEAP = 64 << 20
#: What lies before a thread's stack so that it cannot grow into something else, at most.
GUARD = 64 << 10

_NUMBER = rb"(?:[A-Z]\w*:.*\n)*?%s: +(\d+) kB\n"
_ENTRY = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) *([^\n]*)\n"
    + _NUMBER % b"Rss"
    + _NUMBER % b"Anonymous",
    re.MULTILINE,
)


class Mapping(NamedTuple):
    """One mapping. ``rss`` and ``anonymous`` (what of it belongs to no file) in bytes."""

    start: int
    end: int
    permissions: bytes
    inode: int
    name: bytes
    rss: int
    anonymous: int


def mappings(content: bytes) -> Iterator[Mapping]:
    """Those of ``/proc/PID/smaps`` (proc(5)), in order of their addresses."""
    for start, end, permissions, inode, name, rss, anonymous in _ENTRY.findall(content):
        yield Mapping(
            int(start, 16),
            int(end, 16),
            permissions,
            int(inode),
            name,
            int(rss) << 10,
            int(anonymous) << 10,
        )


def maps(pid: int, threads: Iterable[int] = ()) -> dict[str, tuple[int, int]] | None:
    """{kind: (resident bytes, mappings)} of a process; None where the kernel does not tell.

    ``threads``: what :func:`threading.get_ident` says in the process's threads. On Linux it is an address at
    the upper end of the thread's stack (``pthread_t`` of glibc and musl).
    """
    content = vitals.whole(f"/proc/{pid}/smaps", MOST) if vitals.LINUX else None
    mapped = list(mappings(content)) if content else []
    return summed(mapped, threads) if mapped else None


def summed(mapped: list[Mapping], threads: Iterable[int] = ()) -> dict[str, tuple[int, int]]:
    """The mappings by kind; the sum over all kinds is the resident memory of all mappings."""
    code = {each.inode for each in mapped if each.inode and b"x" in each.permissions}
    stacks = _stacks(mapped, sorted(threads))
    sums = {kind: [0, 0] for kind in KINDS}
    for index, each in enumerate(mapped):
        following = mapped[index + 1] if index + 1 < len(mapped) else None
        kind = "stacks" if each.start in stacks else _kind(each, following, code)
        sums[kind][0] += each.rss
        sums[kind][1] += 1
    return {kind: (rss, number) for kind, (rss, number) in sums.items() if number}


def _kind(each: Mapping, following: Mapping | None, code: set[int]) -> str:
    name = each.name
    if name.startswith(b"[heap"):
        return "heap"
    if name.startswith(b"[stack"):
        return "stacks"
    if name.startswith(b"[anon_shmem") or name.startswith((b"/dev/shm/", b"/memfd:", b"/dev/zero")):
        return "shared"
    if name.startswith(b"/SYSV"):
        return "sysv"
    if name.startswith(
        b"[anon"
    ):  # named by prctl(PR_SET_VMA_ANON_NAME), as glibc can (mem.decorate_maps)
        return (
            "stacks"
            if b"pthread stack" in name
            else "arenas"
            if b"malloc arena" in name
            else "anonymous"
        )
    if name.startswith(b"["):
        return "special"
    if each.inode:
        return "libraries" if each.inode in code else "files"
    if _is_arena(each, following):
        return "arenas"
    return "anonymous"


def _is_arena(each: Mapping, following: Mapping | None) -> bool:
    """Whether it is the part in use of a heap that malloc has reserved (``new_heap`` of glibc)."""
    if each.start % HEAP or not each.permissions.startswith(b"rw-p"):
        return False
    if each.end == each.start + HEAP:
        return True
    return (
        following is not None
        and following.start == each.end
        and following.end == each.start + HEAP
        and following.permissions.startswith(b"---p")
    )


def _stacks(mapped: list[Mapping], threads: list[int]) -> set[int]:
    """The beginnings of the stacks of threads.

    Those that the known threads' descriptors lie in; and of threads that are unknown, and of ended ones
    whose stacks pthreads keep for the next, what lies behind a guard and is as large as one of these.
    """
    starts = set()
    sizes = set()
    at = 0
    for index, each in enumerate(mapped):
        while at < len(threads) and threads[at] < each.start:
            at += 1
        if at < len(threads) and threads[at] < each.end and _is_plain(each):
            starts.add(each.start)
            if _is_guarded(mapped, index):
                sizes.add(each.end - each.start)
    for index, each in enumerate(mapped):
        if each.end - each.start in sizes and _is_plain(each) and _is_guarded(mapped, index):
            starts.add(each.start)
    return starts


def _is_plain(each: Mapping) -> bool:
    """Whether it is memory without a name or file."""
    unnamed = not each.inode and not each.name
    return unnamed and each.permissions.startswith(b"rw") and each.permissions.endswith(b"p")


def _is_guarded(mapped: list[Mapping], index: int) -> bool:
    before = mapped[index - 1] if index else None
    return (
        before is not None
        and before.end == mapped[index].start
        and before.permissions.startswith(b"---")
        and before.end - before.start <= GUARD
    )
