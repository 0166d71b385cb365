"""What was seen of each process while watching, in memory that does not grow with time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from leakhunt.model.process import Identity, Process

#: Samples kept per process: when full, every other one of the older ones goes.
MOST = 240

Sample = TypeVar("Sample")


class History(Generic[Sample]):
    """Of the processes that are there; those that have ended are counted and forgotten."""

    def __init__(self) -> None:
        self.samples: dict[Identity, list[Sample]] = {}
        self.ended = 0

    def observe(self, seen: Sequence[tuple[Process, Sample]]) -> None:
        """Book one look at everything that is watched."""
        present = {process.identity for process, _ in seen}
        gone = [identity for identity in self.samples if identity not in present]
        for identity in gone:
            del self.samples[identity]
        self.ended += len(gone)
        for process, sample in seen:
            kept = self.samples.setdefault(process.identity, [])
            kept.append(sample)
            if len(kept) > MOST:
                del kept[1:-1:2]  # the first and the newest stay
