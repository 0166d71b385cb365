"""A plain tracemalloc dump: one trace per live block, and nothing that is leakhunt's.

What ``tracemalloc.Snapshot.load`` opens, and every tool that unpickles one without knowing how
leakhunt writes the same in fewer bytes.
"""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Iterator
from typing import IO

from leakhunt.errors import ExportError
from leakhunt.model.snapshot import Snapshot

Trace = tuple[int, int, tuple[tuple[str, int], ...], int]


def write(out: IO[bytes], snapshots: Iterator[Snapshot]) -> None:
    """The one snapshot, read with its blocks. Raises ExportError where those are not known."""
    (snapshot,) = snapshots
    traces: list[Trace] = []
    for stack, tally in snapshot.tallies.items():
        # tracemalloc has the most recent call first here.
        frames = tuple((frame.file, frame.line) for frame in reversed(stack))
        blocks = snapshot.told(stack).blocks
        if sum(block.size * block.count for block in blocks) != tally.size:
            raise ExportError(f"{snapshot.path}: the sizes of its single blocks are not known")
        for block in blocks:
            traces += [(block.domain, block.size, frames, len(frames))] * block.count
    dumped = tracemalloc.Snapshot(traces, snapshot.nframe)  # as take_snapshot() does
    pickle.dump(dumped, out, 4)  # which Python 3.8 reads too
