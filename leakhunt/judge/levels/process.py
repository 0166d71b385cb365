"""What a process as a whole must show: its resident set, where that went, and what it has open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resident:
    """What the resident set must show to be a growth outside Python."""

    least: int = 2 << 20
    """Growth that is looked at: an allocator takes memory by the MiB,"""
    least_part: float = 0.01
    """and this part of the first resident set."""
    moments: int = 8
    """Of one snapshot: so many moments of the process's work must be known, as many as a series has snapshots."""
    explained: float = 0.5
    """A growth is outside when traced memory and the tracer explain less of it, and of one kind when it is
    so much of it."""
    accounted: float = 0.3
    """Where the allocators know of less than this part of it, it was mapped beside them."""
    newest: float = 0.25
    """The part of the work at whose end a growth has to go on, where many moments of it are known,"""
    slower: float = 0.5
    """and the part of its pace that it may not surely fall short of there: by half it has not gone on."""
    far_out: float = 3.0
    """Quartile distances above the upper quartile from which on a step is a jump: Tukey's outer fence
    (Exploratory Data Analysis, 1977, ch. 2)."""
    alike: float = 2.0
    """Stairs are of one kind where none is higher than so many times another: a doubling table's are not;"""
    held: int = 24 << 20
    """Free memory that an allocator does not return is worth a verdict from this size on,"""
    held_part: float = 0.3
    """and is the answer from this part of the first resident set on."""
    pumped: int = 8 << 20
    """Jumps of the resident set leave fragments behind where they go so far beyond any peak of what is traced:
    an arena of glibc's grows by the MiB, and each of some threads has one;"""
    pumped_part: float = 0.1
    """and by this part of the first resident set."""
    stays: int = 16 << 20
    """Memory that nothing explains and that does not grow is worth a remark, not a verdict, from this size on,"""
    stays_part: float = 0.2
    """and from this part of the first resident set on: both two thirds of the above, by convention."""
    private: int = 4 << 20
    """So much suffices where it surely stands and is of no file: libraries' pages are read in by and by, and
    are some MiB;"""
    private_part: float = 0.1
    """and this part of the first resident set."""
    still: float = 0.2
    """It stands where its newest third has added no more than this part of it to the middle third's,"""
    still_moments: int = 6
    """which takes so many moments."""


@dataclass(frozen=True)
class Accounts:
    """What the account of the resident memory calls a cause."""

    least: int = 2 << 20
    """A growth of less than this is none: the resident set of a worker that does nothing varies by a
    MiB or so, with what its capture asks for."""
    mostly: float = 0.5
    """A part is the answer where it is more than half of the whole: no other can be as large."""


@dataclass(frozen=True)
class Opened:
    """What must be so before descriptors, threads or processes are said to leak."""

    snapshots: int = 3
    """As of memory: two tell no rate."""
    least: int = 8
    """A pool of connections opens so many at once, and then no more (``broker_pool_limit`` is 10)."""
    told: int = 3
    """Between two snapshots one or two more are what a task under way has open."""
