"""What this version of CPython can do, each thing by a name of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

VERSION = sys.version_info
#: Where the standard library is, below a prefix and its ``lib``; free-threaded builds have another (PEP 703).
LIBRARY = f"python{VERSION[0]}.{VERSION[1]}{'t' if 't' in getattr(sys, 'abiflags', '') else ''}"
#: Code objects tell the class and the function that they are in (``co_qualname``).
CODE_IS_QUALIFIED = VERSION >= (3, 11)

#: Releases in which ``tracemalloc.stop()`` no longer races with threads that
#: allocate without the GIL (python/cpython#128679), by minor version; all from 3.14 on.
_SAFE_STOP = {(3, 12): (3, 12, 9), (3, 13): (3, 13, 2)}


def stops_tracing_safely(version: tuple[int, int, int] = VERSION[:3]) -> bool:
    """Whether tracemalloc can be stopped while other threads allocate."""
    fixed = _SAFE_STOP.get(version[:2])
    return version >= (3, 14) or (fixed is not None and version >= fixed)


def mapped_without_descriptor(descriptor: int, size: int) -> mmap.mmap | None:
    """The first ``size`` bytes of a file, mapped so that no duplicate of the descriptor is kept; None: it always is
    (up to 3.12). Raises OSError, ValueError.
    """
    if sys.version_info < (3, 13):
        return None
    import mmap  # a worker that never captures need not have it

    return mmap.mmap(descriptor, size, trackfd=False)
