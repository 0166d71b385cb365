"""The tables of another process's sampled engine, of which they are a copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leakhunt.engine import tables
from leakhunt.engine.interface import UNKNOWN_LIFE, Harvest, Life
from leakhunt.engine.off import Off
from leakhunt.engine.retention import Walked


class Copied(Off):
    """See :class:`leakhunt.engine.interface.Engine`: it tracks nothing, and harvests what it is given."""

    name = "sampled"

    def __init__(
        self, nframe: int, salt: int, kinds: Mapping[int, str], heads: bytes | None
    ) -> None:
        """``salt`` is that process's, ``kinds`` its types by address, ``heads`` what stands in its
        blocks (None: not known).
        """
        super().__init__("of another process")
        self.nframe, self.salt = nframe, salt
        self._kinds, self._heads = kinds, heads

    def harvest(self, raw: Any, life: Life = UNKNOWN_LIFE, walked: Walked | None = None) -> Harvest:
        resolved = tables.resolve(raw, self._kinds, self._heads)
        assert self.salt is not None
        return tables.harvest(raw, resolved, life, tables.drawing(self.salt), walked)
