"""Interpreters that get none of leakhunt's compiled parts: free-threaded builds of CPython, PyPy.

Tests of what a part does say so here, and are skipped there with the reason. Everywhere else they run: a part that should
be there and is not is a fault, which none of these marks hides.
"""

from __future__ import annotations

import re

import pytest

from leakhunt.cpython import parts

needs_parts = pytest.mark.skipif(
    parts.refused() is not None, reason=f"needs leakhunt's compiled parts: {parts.refused()}"
)


def said(stderr: str) -> str:
    """What a program under the hook has said, but for the line that tells there that parts are missing."""
    if parts.refused() is None:
        return stderr
    rest, lines = re.subn(r"\Aleakhunt: compiled parts cannot be used .*\n", "", stderr)
    assert lines == 1, stderr
    return rest
