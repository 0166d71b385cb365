"""What malloc and pymalloc hold: in use, and free but not given back to the system.

Measured by the C part in a capture's forked child, before the capture itself allocates.
"""

from __future__ import annotations

import re
from typing import Any

from leakhunt.cpython import parts

_fork = parts.load("leakhunt.hook.capture._fork")

#: Lines of ``sys._debugmallocstats()`` (``_PyObject_DebugMallocStats`` in ``Objects/obmalloc.c``).
_ARENAS = re.compile(r"^\d+ arenas \* \d+ bytes/arena\s*=\s*([\d,]+)", re.MULTILINE)
_IN_USE = re.compile(r"^# bytes in allocated blocks\s*=\s*([\d,]+)", re.MULTILINE)


def allocators() -> dict[str, Any] | None:
    """``malloc_used malloc_mapped malloc_free pymalloc_used pymalloc_free`` in bytes, as far as known;
    ``malloc``: whose it is; ``malloc_arenas``: of each arena (bytes from the kernel, bytes of these that are free).

    malloc's figures are of all arenas of glibc's (mallinfo2(3), malloc_info(3)). None where nothing was
    measured.
    """
    measured = _fork.allocators() if _fork is not None else None
    if measured is None:
        return None
    used, mapped, free, text, owner, arenas = measured
    figures: dict[str, Any] = {"malloc": owner}
    if used is not None:
        figures.update(malloc_used=used, malloc_mapped=mapped, malloc_free=free)
    if arenas is not None:
        figures["malloc_arenas"] = arenas
    figures.update(pymalloc(text))
    return figures


def pymalloc(text: str) -> dict[str, int]:
    """The arenas' bytes in use and free, from ``sys._debugmallocstats()``; {} where it does not say."""
    arenas, in_use = _ARENAS.search(text), _IN_USE.search(text)
    if not arenas or not in_use:
        return {}
    total, used = (int(match[1].replace(",", "")) for match in (arenas, in_use))
    return {"pymalloc_used": used, "pymalloc_free": max(0, total - used)}
