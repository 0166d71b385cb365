"""What a finding offers to the rules of known leaks: frozen, and gathered by who has the snapshots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from leakhunt.model.paths import Prefixes
from leakhunt.model.retention import Retention
from leakhunt.model.snapshot import Frame, Spot, Stack

_NONE: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Evidence:
    """What a finding offers; everything but the stacks may be missing."""

    stacks: Sequence[Stack] = ()
    """The heaviest growing stacks first, most recent call last; none for growth outside Python."""
    weights: Sequence[float] = ()
    """The growth of each stack. Without: the first counts 1, the second 1/2, the third 1/3."""
    site: Frame | None = None
    """The blamed line of the user's code."""
    spots: Mapping[Frame, Spot] = field(default_factory=lambda: _NONE)
    """Function and source line per frame."""
    heads: Mapping[Frame, str] = field(default_factory=lambda: _NONE)
    """Decorators and ``def`` line of the function that a frame is in, newlines between them."""
    shared: Mapping[Frame, Collection[str]] = field(default_factory=lambda: _NONE)
    """The module's names that the function of a frame uses: what lives as long as the process.
    Without them a container's name has to tell (``HISTORY``, ``_cache``)."""
    prefixes: Prefixes = field(default_factory=Prefixes)
    blocks_per_unit: float = 0.0
    bytes_per_unit: float = 0.0
    role: str | None = None
    pool: str | None = None
    task: str | None = None
    holder: str | None = None
    """The type of the container that keeps most of it, where the snapshots know."""
    kept: Retention | None = None
    """That container itself, where the walk has found it."""
    versions: Mapping[str, str] = field(default_factory=lambda: _NONE)
    """Installed distributions; names in any spelling."""
    facts_first: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    """Of the first and of the last snapshot (see :mod:`leakhunt.snapfile`)."""
    facts_last: Mapping[str, Any] = field(default_factory=lambda: _NONE)

    @property
    def facts(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Of both snapshots."""
        return self.facts_first, self.facts_last


def scoped(
    facts: Mapping[str, Any], spots: Mapping[Frame, Spot]
) -> tuple[dict[Frame, str], dict[Frame, tuple[str, ...]]]:
    """``heads`` and ``shared`` of :class:`Evidence` from a snapshot's facts; what is malformed is left out."""
    heads: dict[Frame, str] = {}
    shared: dict[Frame, tuple[str, ...]] = {}
    recorded = facts.get("scopes")
    for frame, spot in spots.items() if isinstance(recorded, Mapping) else ():
        functions = recorded.get(frame.file) if isinstance(recorded, Mapping) else None
        scope = functions.get(spot.function) if isinstance(functions, Mapping) else None
        if isinstance(scope, (tuple, list)) and len(scope) == 2 and isinstance(scope[0], str):
            heads[frame] = scope[0]
            if isinstance(scope[1], (tuple, list)):
                shared[frame] = tuple(name for name in scope[1] if isinstance(name, str))
    return heads, shared
