"""Lets a snapshot explain itself: function name and source line of its frames.

Runs in the forked child. Sources are compiled, never executed: the code objects
of a file tell which function a line belongs to, as the interpreter sees it.
"""

from __future__ import annotations

import contextlib
import dis
import io
import os
import time
import tokenize
import types
import warnings
from collections.abc import Iterable, Mapping
from typing import Optional

Spots = dict[str, dict[int, tuple[Optional[str], Optional[str]]]]

#: A source line in a file is cut here: minified or generated code has lines of megabytes.
LONGEST_LINE = 400
#: The kernel tells a process's start to about a second (btime of /proc/stat).
SLACK = 2.0
#: Larger sources are not read.
LARGEST_SOURCE = 4 << 20


def spots(
    frames: Iterable[tuple[str, int]],
    seconds: float,
    changed_after: float,
    known: Mapping[tuple[str, int], str],
) -> Spots:
    """{file: {line: (function, source line)}} for as many frames as the time allows.

    A file that was changed after ``changed_after`` (when the process started) is
    not read: its lines are not the ones that run. ``known`` has functions by frame,
    from whoever saw the code objects.
    """
    lines: dict[str, set[int]] = {}
    for file, line in frames:
        lines.setdefault(file, set()).add(line)
    deadline = time.monotonic() + seconds
    found: Spots = {}
    for file, wanted in lines.items():
        if time.monotonic() > deadline:
            break
        source = _source(file, changed_after)
        if source is None:
            named = {
                line: (known[file, line], None) for line in sorted(wanted) if (file, line) in known
            }
            if named:
                found[file] = {**named}
            continue
        text = source.splitlines()
        functions = _functions(source, file, wanted)
        found[file] = {
            line: (
                functions.get(line) or known.get((file, line)),
                text[line - 1].strip()[:LONGEST_LINE] if 0 < line <= len(text) else None,
            )
            for line in sorted(wanted)
        }
    return found


def _source(file: str, changed_after: float) -> str | None:
    if file.startswith("<"):
        return None
    with contextlib.suppress(OSError, SyntaxError, UnicodeDecodeError, ValueError):
        with io.open_code(file) as opened:
            raw = opened.read(LARGEST_SOURCE + 1)
        if len(raw) > LARGEST_SOURCE or os.stat(file).st_mtime > changed_after + SLACK:
            return None
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return raw.decode(encoding)
    return None


def _functions(source: str, file: str, wanted: set[int]) -> dict[int, str]:
    """The innermost function of each line; ``<module>`` at the top level."""
    found: dict[int, str] = {}
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = compile(source, file, "exec", dont_inherit=True, optimize=0)
        stack: list[tuple[types.CodeType, str]] = [(module, "")]
        while stack:
            code, prefix = stack.pop()
            name = code.co_name if code is module else f"{prefix}{code.co_name}"
            lines = _lines(code)
            if len(lines) > 1 and not code.co_name.startswith("<"):
                # The line of a `def` allocates the function, which is its parent's doing.
                lines.discard(code.co_firstlineno)
            for line in lines & wanted:
                if code is not module or line not in found:
                    found[line] = name
            inner = "" if code is module else f"{name}."
            stack.extend(
                (const, inner) for const in code.co_consts if isinstance(const, types.CodeType)
            )
    return found


def _lines(code: types.CodeType) -> set[int]:
    if hasattr(code, "co_lines"):
        return {line for _, _, line in code.co_lines() if line is not None}
    return {line for _, line in dis.findlinestarts(code)}
