"""Where a process's resident memory is, in parts that add up: values, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from leakhunt.model.snapshot import Block

#: The largest block that pymalloc serves, and what it rounds sizes to (``Objects/obmalloc.c``:
#: SMALL_REQUEST_THRESHOLD and ALIGNMENT on 64 bits).
SMALL, ALIGNED = 512, 16
#: From this size on glibc's malloc maps a block by itself (M_MMAP_THRESHOLD; it may rise).
HUGE = 128 << 10

#: The names of the parts, in the order in which they are told: see :func:`leakhunt.judge.account.account`.
PYTHON, DOMAINS, UNTRACKED, PYMALLOC_FREE, MALLOC_FREE = (
    "python", "domains", "untracked", "pymalloc-free", "malloc-free",
)  # fmt: skip
NATIVE, NATIVE_MAPPED, ENGINE, STACKS = "native", "native-mapped", "engine", "stacks"
UNTRACED = "untraced"
LIBRARIES, FILES, SHARED, SYSV, REST = "libraries", "files", "shared", "sysv", "rest"
UNSHARED, STILL_SHARED = "unshared", "shared-with-parent"


class Live(NamedTuple):
    """Traced blocks, as far as it matters which allocator has them."""

    domains: Mapping[int, int]
    """Bytes by tracemalloc's domain; 0 is Python's own."""
    small: int | None
    """Bytes of those that pymalloc serves; None: only the sum of all blocks is known."""
    rounded: int = 0
    """The same as pymalloc counts them."""
    huge: int = 0
    """Bytes of those that malloc maps by themselves, about."""

    @property
    def size(self) -> int:
        return sum(self.domains.values())


def live(blocks: Iterable[Block]) -> Live:
    """The blocks of all stacks together."""
    domains: dict[int, int] = {0: 0}
    small = rounded = huge = 0
    for domain, size, count in blocks:
        domains[domain] = domains.get(domain, 0) + size * count
        if domain == 0 and size <= SMALL:
            small += size * count
            rounded += -(-size // ALIGNED) * ALIGNED * count
        elif size >= HUGE:
            huge += size * count
    return Live(domains, small, rounded, huge)


class Part(NamedTuple):
    """One part of the resident memory, or of its growth."""

    part: str
    """One of the names above; of tracemalloc's other domains ``domain-N``."""
    size: int
    """Bytes; of a growth signed. The rest may be negative: what is allocated need not be resident."""
    source: str
    """What says so: ``traces samples pymalloc malloc mallinfo smaps smaps_rollup difference``."""


class Arena(NamedTuple):
    """One arena of malloc's, in bytes."""

    system: int
    """From the kernel."""
    free: int
    """Of it not in use."""


@dataclass(frozen=True)
class Sharing:
    """Pages that no file has, by who else has them; bytes."""

    shared: int
    """Other processes have them too: what was there when they were forked, and nobody has written since."""
    private: int
    """The process alone."""


@dataclass(frozen=True)
class Account:
    """The resident memory of a process, or its growth, in parts."""

    rss: int
    """Bytes: what the parts add up to."""
    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()
    """Names of the parts that cannot be known here, and are in the rest."""
    malloc: str | None = None
    """Whose malloc the process uses, where that is known."""
    sharing: Sharing | None = None
    """Of the later snapshot; None: not known."""
    traced: bool = True
    """Whether anything was tracked: without, Python's blocks are those of before tracking."""
    arenas: tuple[Arena, ...] = ()
    """malloc's, of the later snapshot; (): not known."""
    sizes: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", {part.part: part.size for part in self.parts})

    def of(self, *names: str) -> int:
        """The size of some parts together."""
        return sum(self.sizes.get(name, 0) for name in names)

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the parts of tracemalloc's other domains."""
        return tuple(part.part for part in self.parts if part.part.startswith("domain-"))
