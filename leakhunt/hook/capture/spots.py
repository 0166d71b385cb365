"""Lets a snapshot explain itself: function name and source line of its frames.

Runs in the forked child. Which function a line belongs to, the compiled source tells, as the
interpreter sees it; an engine that has seen the code objects themselves knows without.
"""

from __future__ import annotations

import dis
import time
import types
from collections.abc import Iterable, Mapping
from typing import Optional

from leakhunt.cpython.features import CODE_IS_QUALIFIED
from leakhunt.hook.capture.sources import Sources

Spots = dict[str, dict[int, tuple[Optional[str], Optional[str]]]]

#: A source line in a file is cut here: minified or generated code has lines of megabytes.
LONGEST_LINE = 400


def spots(
    frames: Iterable[tuple[str, int]],
    seconds: float,
    sources: Sources,
    functions: Mapping[tuple[str, int], str],
) -> Spots:
    """{file: {line: (function, source line)}} for as many frames as the time allows.

    ``functions`` has functions by frame, from whoever saw the code objects: sources are only
    compiled where it does not say all.
    """
    lines: dict[str, set[int]] = {}
    for file, line in frames:
        lines.setdefault(file, set()).add(line)
    deadline = time.monotonic() + seconds
    by_file: Spots = {}
    for file, wanted in lines.items():
        if time.monotonic() > deadline:
            break
        source = sources.text(file)
        text = sources.lines(file, max(wanted))
        told = {line: functions[file, line] for line in wanted if (file, line) in functions}
        if source is not None and not (CODE_IS_QUALIFIED and len(told) == len(wanted)):
            told.update(_functions(sources.module(file), wanted))
        of_file = {
            line: (
                told.get(line),
                text[line - 1].strip()[:LONGEST_LINE] if 0 < line <= len(text) else None,
            )
            for line in sorted(wanted)
            if source is not None or line in told
        }
        if of_file:
            by_file[file] = of_file
    return by_file


def _functions(module: types.CodeType | None, wanted: set[int]) -> dict[int, str]:
    """The innermost function of each line; ``<module>`` at the top level."""
    names: dict[int, str] = {}
    stack = [] if module is None else [(module, "")]
    while stack:
        code, prefix = stack.pop()
        name = code.co_name if code is module else f"{prefix}{code.co_name}"
        lines = _lines(code)
        if len(lines) > 1 and not code.co_name.startswith("<"):
            # The line of a `def` allocates the function, which is its parent's doing.
            lines.discard(code.co_firstlineno)
        for line in lines & wanted:
            if code is not module or line not in names:
                names[line] = name
        inner = "" if code is module else f"{name}."
        stack.extend(
            (const, inner) for const in code.co_consts if isinstance(const, types.CodeType)
        )
    return names


def _lines(code: types.CodeType) -> set[int]:
    if hasattr(code, "co_lines"):
        return {line for _, _, line in code.co_lines() if line is not None}
    return {line for _, line in dis.findlinestarts(code)}
