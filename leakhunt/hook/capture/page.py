"""The page of memory that a capture's child shares with its parent: notes, the pause, what became of it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

#: The page shared with the child: its notes (see :mod:`.fork`), the pause, the length of what it says.
NOTES = struct.Struct("<BBB5x")
#: The third note: the child sends a signal to say that it is done.
SIGNALLED_AT = 2
_PAUSE = struct.Struct("<d")
LENGTH = struct.Struct("<I")
_PAUSE_AT = NOTES.size
LENGTH_AT = _PAUSE_AT + _PAUSE.size
SAID_AT = LENGTH_AT + LENGTH.size
PAGE = 4096


def shared_page() -> mmap.mmap:
    """One page of memory that a forked child shares with its parent.

    ``mmap`` is imported here and not above: a worker that never captures need not have it.
    """
    import mmap

    return mmap.mmap(-1, PAGE)


def pause_told(page: mmap.mmap, seconds: float | None = None) -> float | None:
    """How long the process stood still, as the shared page has it; with ``seconds`` it is left there."""
    if seconds is not None:
        _PAUSE.pack_into(page, _PAUSE_AT, seconds)
    return float(_PAUSE.unpack_from(page, _PAUSE_AT)[0]) or None
