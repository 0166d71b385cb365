"""What a process has open beside memory: values, no I/O."""

from __future__ import annotations

from typing import NamedTuple


class Resource(NamedTuple):
    """A kind of thing that a process may have open."""

    kind: str
    """``file``, ``deleted file``, ``socket``, ``pipe``, ``eventfd``, ``thread``, ``subprocess`` ..."""
    name: str
    """Of a socket ``tcp`` (to that port), ``tcp from`` (at that port), ``tcp listening``, ``udp``,
    ``unix``; of a thread the code that it runs; of a subprocess its program; else ""."""
    port: int = 0
    """0: it has none."""


class Open(NamedTuple):
    """How many of a kind are open."""

    number: int
    states: tuple[tuple[str, int], ...] = ()
    """Of connections, and of subprocesses that have ended, the most first."""
