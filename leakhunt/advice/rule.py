"""The shape of the known-leaks rule base: what an entry may say. Data only, no matching.

A rule is recognised by its signs, of which one is enough; a sign is a set of
conditions that must all hold. :mod:`leakhunt.advice.match` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How much a rule knows. An agent that watches the application (tracing, error reports) allocates
#: inside the calls that it watches, so a rule about it beats one about the call; that beats
#: one that goes by the shape of the application's line, and that one by the process's facts alone.
AGENT, CALL, SHAPE, FACTS = 4, 3, 2, 1


@dataclass(frozen=True)
class Look:
    """One frame outside the application; every field that is given must fit."""

    module: str = "*"
    """Globs of dotted module names, ``|`` between alternatives: ``redis.client|redis.asyncio.*``."""
    function: str = ""
    """A regular expression for the whole name, with or without its class: ``Session.__init__``."""


@dataclass(frozen=True)
class Grows:
    """A count in the facts that rises, in units per task."""

    fact: str
    """``threads``, ``sockets``, ``open_files``, or ``gc`` for the objects waiting for the collector."""
    per_task: float


@dataclass(frozen=True)
class Versions:
    """An installed distribution from ``since`` (included) to ``before`` (excluded)."""

    distribution: str
    since: str = ""
    before: str = ""


@dataclass(frozen=True)
class Sign:
    """Conditions that hold together; the frame conditions hold in one and the same stack.

    *Below* means nearer to the allocation. Library frames count only below the
    innermost application frame: what wraps every task (an APM, Celery itself) is
    on every path and proves nothing.
    """

    inside: tuple[Look, ...] = ()
    """Each fits some frame below the application's line, or of the stack if it has none."""
    innermost: Look | None = None
    """Fits the frame that allocates, if that is no application frame."""
    line: str = ""
    """Found in the source of the blamed line, or of an application line below it."""
    head: str = ""
    """Found in decorators, ``def`` line and source line together, newlines between them."""
    function: str = ""
    """The whole name of the function of that line."""
    never: tuple[Look, ...] = ()
    """Fit no frame below the application's line."""
    never_line: str = ""
    """Not found in the source of that line."""
    never_holder: str = ""
    """Not found in the name of the type of the container that keeps it."""
    versions: tuple[Versions, ...] = ()
    """Installed and in range, all of them."""
    grows: tuple[Grows, ...] = ()
    """All of these counts rise."""
    roles: tuple[str, ...] = ()
    """The process is one of these."""
    gc_enabled: bool | None = None
    """The collector's switch at the end."""
    block: tuple[float, float] | None = None
    """Bytes per block, at least and at most."""
    stores: bool = False
    """The line says what keeps the growth: it may also be a caller of the blamed line
    (``ROWS.append(build(order))``), and any stack of the finding may show it, however small its
    share (the list's own table beside the rows that it keeps)."""
    itself: bool = False
    """The line allocates itself, in C: what it calls in Python, and what that makes, is none of it."""
    shared: bool = False
    """The line's group ``name`` is a name that its function takes from the module."""
    untraced: bool = False
    """Only where no stack explains the growth."""


#: How the patterns end of what is made anew each time.
_MADE = ("-per-task", "-per-call", "-never-closed", "-never-joined")


@dataclass(frozen=True)
class Rule:
    """One known leak: how it looks, why it leaks, what to do, who says so."""

    pattern: str
    """A stable name for scripts."""
    title: str
    """What it looks like, in the words of a sentence: ``a logger per id``."""
    why: str
    fix: str
    source: str
    """A public page."""
    signs: tuple[Sign, ...]
    tier: int = CALL
    counted: str = ""
    """A count in the facts that rises where this is the cause: ``open_files``, ``sockets``, ``threads``.
    Where both snapshots say it and it stands still, this is not the cause."""

    @property
    def is_made(self) -> bool:
        """Whether it is about something made anew, or not closed: closing it, or making it once, is the
        fix. That ends nothing where a container keeps what is made.
        """
        return self.pattern.endswith(_MADE)


@dataclass(frozen=True)
class Advice:
    """A known pattern that the evidence looks like."""

    pattern: str
    why: str
    fix: str
    source: str
    because: str
    """What was seen, as a sentence that starts with ``looks like``."""
