"""What a function says of itself: its decorators and ``def`` line, and the module's names it uses.

Runs in the forked child, after :mod:`leakhunt.hook.capture.spots`, for application files only. A
cached function and a module's container are known by these, not by the lines that allocate.
"""

from __future__ import annotations

import builtins
import dis
import time
import types
from collections.abc import Iterable, Iterator

from leakhunt.hook.capture import spots
from leakhunt.hook.capture.sources import Sources

#: A head (decorators and ``def``) is cut here, and so is the list of names.
LONGEST_HEAD = 400
HEAD_LINES = 30
MOST_NAMES = 100

#: {file: {function: (head, names)}}
Scopes = dict[str, dict[str, tuple[str, tuple[str, ...]]]]


def scopes(
    explained: spots.Spots, files: Iterable[str], seconds: float, sources: Sources
) -> Scopes:
    """The scopes of the functions that ``explained`` names in ``files``, as far as time allows."""
    deadline = time.monotonic() + seconds
    by_file: Scopes = {}
    for file in files:
        module = sources.module(file) if time.monotonic() < deadline else None
        if module is None:
            continue
        wanted = {function for function, _ in explained.get(file, {}).values()}
        codes = {name: code for name, code in _functions(module, "") if name in wanted}
        last = max((code.co_firstlineno for code in codes.values()), default=0)
        text = sources.lines(file, last + HEAD_LINES)
        named = {
            name: (_head(text, code.co_firstlineno), _names(code)) for name, code in codes.items()
        }
        if named:
            by_file[file] = named
    return by_file


def _functions(code: types.CodeType, prefix: str) -> Iterator[tuple[str, types.CodeType]]:
    """All functions below, named as :mod:`leakhunt.hook.capture.spots` names them."""
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            name = f"{prefix}{const.co_name}"
            yield name, const
            yield from _functions(const, f"{name}.")


def _head(text: list[str], first: int) -> str:
    """From the first decorator to the colon of the ``def``: what stands behind it, or below, is its body."""
    lines: list[str] = []
    for line in text[first - 1 : first + HEAD_LINES]:
        lines.append(line.strip())
        head = "\n".join(lines)
        if "def " not in head:
            continue
        end = _colon(head)
        if end or line.partition("#")[0].rstrip().endswith(":"):
            return head[: end or len(head)][:LONGEST_HEAD]
    return "\n".join(lines)[:LONGEST_HEAD]


def _colon(head: str) -> int:
    """Where the ``def`` ends, behind its colon, as brackets tell; 0 where they do not, as one within a string."""
    depth = 0
    for at in range(head.index("def "), len(head)):
        letter = head[at]
        depth += (letter in "([{") - (letter in ")]}")
        if letter == ":" and depth == 0:
            return at + 1
    return 0


def _names(code: types.CodeType) -> tuple[str, ...]:
    """The module's names that the function itself loads or stores."""
    names = {
        str(step.argval)
        for step in dis.get_instructions(code)
        if step.opname in ("LOAD_GLOBAL", "STORE_GLOBAL")
    }
    return tuple(sorted(name for name in names if not hasattr(builtins, name)))[:MOST_NAMES]
