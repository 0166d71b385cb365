"""What a file tells of its process beside the traces, checked: it may say anything, and what is
malformed counts as not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leakhunt.model.account import Arena, Sharing
from leakhunt.model.meta import Meta
from leakhunt.model.resources import Open, Resource
from leakhunt.snapfile import records
from leakhunt.snapshots import facts

#: Letters of a name, and kinds of things that are told.
LONGEST_NAME = 200
MOST_KINDS = 1000


def maps(meta: Meta) -> Mapping[str, int] | None:
    """Resident bytes by kind of mapping; None where the file does not say."""
    recorded = meta.facts.get("maps")
    if not isinstance(recorded, dict):
        return None
    kinds = {}
    for kind, row in recorded.items():
        size = row[0] if isinstance(row, (list, tuple)) and row else None
        number = facts.number_of(size)
        if number is None or not isinstance(kind, str):
            return None
        kinds[kind] = int(number)
    return kinds


def allocators(meta: Meta) -> Mapping[str, int]:
    """The allocators' figures by name, those that are known."""
    recorded = meta.facts.get("allocators")
    figures = {}
    for name, value in recorded.items() if isinstance(recorded, dict) else ():
        number = facts.number_of(value)
        if number is not None:
            figures[str(name)] = int(number)
    return figures


def malloc(meta: Meta) -> str | None:
    """Whose malloc the process uses: ``glibc musl jemalloc tcmalloc mimalloc other``."""
    recorded = meta.facts.get("allocators")
    owner = recorded.get("malloc") if isinstance(recorded, dict) else None
    if isinstance(owner, str):
        return owner[:LONGEST_NAME]
    # Files from before the owner was told have figures of glibc's alone.
    return "glibc" if "malloc_used" in allocators(meta) else None


def arenas(meta: Meta) -> tuple[Arena, ...]:
    """malloc's arenas; () where the file does not say."""
    recorded = meta.facts.get("allocators")
    rows = recorded.get("malloc_arenas") if isinstance(recorded, dict) else None
    read = []
    for row in rows[:MOST_KINDS] if isinstance(rows, (list, tuple)) else ():
        figures = row if isinstance(row, (list, tuple)) and len(row) == 2 else (None, None)
        system, free = map(facts.number_of, figures)
        if system is None or free is None:
            return ()
        read.append(Arena(int(system), int(free)))
    return tuple(read)


def sharing(meta: Meta) -> Sharing | None:
    """Which anonymous pages others have too; None where the file does not say."""
    anonymous, shared = (
        facts.number_of(meta.facts.get(name)) for name in ("anonymous", "shared_dirty")
    )
    if anonymous is None or shared is None:
        return None
    mapped = maps(meta) or {}
    beside = mapped.get("shared", 0) + mapped.get("sysv", 0)
    kept = min(anonymous, max(0.0, shared - beside))
    return Sharing(int(kept), int(anonymous - kept))


def resources(meta: Meta) -> Mapping[Resource, Open] | None:
    """What was open, by kind; None where the file does not say."""
    recorded: Any = meta.facts.get("resources")
    if not isinstance(recorded, (list, tuple)):
        return None
    numbers: dict[Resource, dict[str, int]] = {}
    for told in records.read(records.Resource, recorded[:MOST_KINDS]):
        number, port = facts.number_of(told.number), facts.number_of(told.port)
        if (
            number is None
            or port is None
            or not told.kind
            or not all(isinstance(x, str) for x in (told.kind, told.name, told.state))
        ):
            continue
        kind = Resource(told.kind[:LONGEST_NAME], told.name[:LONGEST_NAME], int(port))
        states = numbers.setdefault(kind, {})
        state = told.state[:LONGEST_NAME]
        states[state] = states.get(state, 0) + int(number)
    return {
        kind: Open(
            sum(states.values()),
            tuple(
                sorted(
                    ((state, number) for state, number in states.items() if state),
                    key=lambda one: (-one[1], one[0]),
                )
            ),
        )
        for kind, states in numbers.items()
    }
