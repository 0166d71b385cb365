"""The optional C part of reading and comparing (``_scan.c``); None where it was not compiled.

Whoever uses it can do without, in Python and more slowly, with the same result.
"""

from __future__ import annotations

from typing import Any

native: Any
try:
    from leakhunt.snapfile import _scan as native  # type: ignore[attr-defined,no-redef,unused-ignore]
except ImportError:
    native = None
