"""The optional C part of reading and comparing (``_scan.c``); None where it was not compiled.

Whoever uses it can do without, in Python and more slowly, with the same result.
"""

from __future__ import annotations

from leakhunt.cpython import parts

native = parts.load("leakhunt.snapfile._scan")
