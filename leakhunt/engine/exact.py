"""The exact engine: CPython's tracemalloc (PEP 454).

It sees every allocation through ``PyMem`` and ``PyObject`` since it was started and
costs 3 to 70 times the CPU of allocation-heavy code, so it is armed by a
trigger and not at boot.
"""

from __future__ import annotations

import _tracemalloc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, cast

from leakhunt.cpython import features
from leakhunt.engine.interface import UNKNOWN_LIFE, Counters, Harvest, Life, Unsampled
from leakhunt.engine.retention import Walked
from leakhunt.snapfile.records import Retention
from leakhunt.snapfile.write import Run, Trace

#: What one traced block costs while it is copied and grouped: the 4-tuple with
#: its GC head, its size as an int, its slot in the list, its share of the
#: counter (measured 150 to 175 bytes with 10^6 blocks).
BYTES_PER_BLOCK = 170

#: The least that one traced block costs in tracemalloc's own hash table
#: (``Python/hashtable.c``: a 32 byte entry and at least two bucket pointers):
#: the table's size divided by it bounds the number of blocks from above.
TABLE_BYTES_PER_BLOCK = 48


class Exact(Unsampled):
    """See :class:`leakhunt.engine.interface.Engine`."""

    name = "exact"
    default_start = "signal"
    default_nframe = 5
    read = staticmethod(_tracemalloc._get_traces)
    at_fork = None
    salt: int | None = None

    def __init__(self, why: str | None = None) -> None:
        self.why = why
        self._nframe = self.default_nframe

    @property
    def tracing(self) -> bool:
        return tracemalloc.is_tracing()

    @property
    def nframe(self) -> int:
        # A capture's child answers 0, and has it from before the fork.
        self._nframe = (self.tracing and tracemalloc.get_traceback_limit()) or self._nframe
        return self._nframe

    def start(self, nframe: int) -> None:
        self._nframe = nframe
        if not tracemalloc.is_tracing():
            tracemalloc.start(nframe)

    def stop(self) -> None:
        tracemalloc.stop()

    def stop_refused(self, threads: int) -> str | None:
        if threads <= 1 or features.stops_tracing_safely():
            return None
        return (
            f"tracemalloc of Python {sys.version.split()[0]} may crash when it is stopped "
            f"while other threads allocate ({threads} are alive); tracing goes on until "
            "the process is restarted"
        )

    def counters(self) -> Counters:
        if not tracemalloc.is_tracing():
            return Counters(None, None, None)
        return Counters(*tracemalloc.get_traced_memory(), tracemalloc.get_tracemalloc_memory())

    def bytes_needed(self) -> int:
        blocks = tracemalloc.get_tracemalloc_memory() // TABLE_BYTES_PER_BLOCK
        return blocks * BYTES_PER_BLOCK

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        return Harvest(self._runs(raw))

    def _runs(self, raw: Any) -> Iterable[Run]:
        """Group by (domain, size, identity of the shared frames tuple) at C speed.

        CPython hands out one frames tuple per distinct traceback, so its ``id``
        stands for it as long as ``raw`` lives.
        """
        traces = cast("list[Trace]", raw)
        keys = zip(
            map(itemgetter(0), traces),
            map(itemgetter(1), traces),
            map(id, map(itemgetter(2), traces)),
        )
        counts = Counter(keys)
        keys = zip(
            map(itemgetter(0), traces),
            map(itemgetter(1), traces),
            map(id, map(itemgetter(2), traces)),
        )
        one_of_each = dict(zip(keys, traces))
        return ((one_of_each[key], count) for key, count in counts.items())

    def blocks(self, raw: Any) -> None:
        return None

    def retention(self, raw: Any, walked: Walked) -> list[Retention]:
        return walked.by_traceback()
