"""What a row stands for, and how it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from leakhunt.model.snapshot import Stack, Tally


class Site(NamedTuple):
    """What a row stands for; None for what the grouping lacks."""

    file: str | None
    line: int | None = None
    package: str | None = None
    name: str | None = None
    """A type or a task."""


@dataclass(frozen=True)
class Change:
    """One site before and after, and the stack that carries most of its change."""

    site: Site
    stack: Stack
    before: Tally
    after: Tally

    @property
    def diff(self) -> Tally:
        return self.after.minus(self.before)
