"""Whose line a frame is, and to which line a stack is booked.

A stack is booked to its *owner*, the innermost frame of the application on it: memory that
``json/decoder.py`` allocates for ``shop/tasks.py:40`` belongs to line 40. Where the stack holds no
frame of the application (it is the framework's, or cut by nframe) the owner is its innermost
frame that is not import or tracing machinery.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leakhunt.model.paths import APP, OWN, Prefixes
from leakhunt.model.snapshot import Frame, Spot, Stack

#: What a line does that puts a thing where it stays.
_KEEPS = re.compile(
    r"\.(?:append|appendleft|add|extend|insert|update|setdefault|put|put_nowait|push|write|register|"
    r"connect|addHandler)\s*\(|\]\s*(?:=[^=]|\+=|\|=)|\byield\b|\+="
)

#: Distributions that run the tasks: what they keep for themselves is bounded, mostly.
FRAMEWORK = frozenset(
    {"celery", "kombu", "billiard", "amqp", "vine", "redis", "click", "click_repl", "gevent", "eventlet"}
)  # fmt: skip


class Paths:
    """What stacks mean for one machine's folders; every stack and file is looked at once."""

    def __init__(
        self, roots: Prefixes, spots: Mapping[Frame, Spot], stacks: Iterable[Stack]
    ) -> None:
        self.roots = roots
        self.spots = spots
        self._kinds: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._of: dict[Stack, tuple[Frame, ...]] = {}
        files = {frame.file for stack in stacks for frame in stack}
        #: Code without a file counts only where there is no other, as with ``python -c``.
        self.generated = not any(
            (file[:1] != "<" and self.kind(file) == APP) or self.package(file) in FRAMEWORK
            for file in files
        )

    def kind(self, file: str) -> str:
        if file not in self._kinds:
            self._kinds[file] = self.roots.kind(file)
        return self._kinds[file]

    def package(self, file: str) -> str:
        if file not in self._packages:
            self._packages[file] = self.roots.package(file)
        return self._packages[file]

    def app(self, stack: Stack) -> tuple[Frame, ...]:
        """The application's frames, innermost last."""
        path = self._of.get(stack)
        if path is None:
            path = tuple(
                frame
                for frame in stack
                if self.kind(frame.file) == APP and (self.generated or frame.file[:1] != "<")
            )
            self._of[stack] = path
        return path

    def owner(self, stack: Stack) -> tuple[bool, Frame]:
        """(whether it is the application's, the frame to which the stack is booked)."""
        path = self.app(stack)
        if path:
            return True, path[-1]
        return False, stack[-1] if stack else Frame("<unknown>", 0)

    def is_hidden(self, stack: Stack) -> bool:
        """Import and tracing machinery, and leakhunt itself."""
        if not stack:
            return False
        inner = stack[-1].file
        return self.kind(inner) == OWN or self.roots.is_hidden(inner)

    def is_framework(self, stack: Stack) -> bool:
        return any(self.package(frame.file) in FRAMEWORK for frame in stack)

    def function(self, frame: Frame) -> str | None:
        spot = self.spots.get(frame)
        return spot.function if spot else None

    def keeps(self, frame: Frame) -> bool:
        """Whether the source line puts something into a container."""
        spot = self.spots.get(frame)
        return bool(spot and spot.code and _KEEPS.search(spot.code))

    def names(self, frame: Frame, name: str) -> bool:
        """Whether the source line names that variable."""
        spot = self.spots.get(frame)
        return bool(spot and spot.code and re.search(rf"\b{re.escape(name)}\b", spot.code))


def outer(function: str | None) -> str | None:
    """The function that a lambda or a comprehension stands in."""
    return None if function is None else function.partition(".<")[0]


@dataclass(frozen=True)
class Blame:
    """Stacks that stand for one growth, and the line that answers for it."""

    frame: Frame
    ours: bool
    """Whether the line is the application's."""
    stacks: tuple[Stack, ...]
