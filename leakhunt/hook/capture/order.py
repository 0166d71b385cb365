"""What to capture, and what became of it: values that all three ways of a capture share.

A forked child (:mod:`.capture`), the process itself, and a process beside it (:mod:`.light`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from leakhunt.engine.interface import Engine, Life
from leakhunt.hook.capture import fork
from leakhunt.hook.process import vitals
from leakhunt.snapfile import SCHEMA

if TYPE_CHECKING:
    from leakhunt.hook.process.identity import Process
    from leakhunt.hook.tracing import Tracing


class Order(NamedTuple):
    """What to capture. ``facts`` are those known before the fork."""

    path: Path
    series: Path
    engine: Engine
    signum: int
    keep: int
    source: str
    """How source lines are recorded: see :class:`leakhunt.hook.capture.sources.Sources`."""
    walk: str
    """``auto``, ``off`` or ``full``: how far the child may go to tell what holds the objects."""
    notify: bool
    """The child sends ``signum`` when it is done: the parent will not hear of SIGCHLD. Else it does so only where
    SIGCHLD has been taken from the hook meanwhile."""
    facts: dict[str, Any]
    late_facts: Callable[[], dict[str, Any]]
    """Facts that cost time and are the same in the child: called there."""
    life: Life
    limits: fork.Limits
    """What its child may take: see :func:`.capture.guard`."""
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
