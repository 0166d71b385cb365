"""Which stacks a pattern means: whole path components, never substrings.

A pattern is a glob (``*/shop/*``), an absolute path, a relative path (``shop/tasks.py``), or a
package or module (``shop``, ``shop.tasks``). In installed packages and the standard library,
modules are looked for below the folder that a file was imported from, so that ``-f shop``
does not match celery's files in ``/home/shop/venv/lib/python3.11/site-packages``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Optional

from leakhunt.frames import APP, Prefixes
from leakhunt.model import Stack
from leakhunt.query import Query

Match = Callable[[str], bool]
#: The depth (index into the stack) at which a stack is ranked; None: it is dropped.
Select = Callable[[Stack], Optional[int]]


def matcher(patterns: Iterable[str], known: Prefixes) -> Match:
    """Whether a file lies in one of the patterns; remembered per file."""
    tests = [_one(pattern.strip(), known) for pattern in patterns if pattern.strip()]
    seen: dict[str, bool] = {}

    def match(file: str) -> bool:
        if file not in seen:
            seen[file] = any(test(file) for test in tests)
        return seen[file]

    return match


def _one(pattern: str, known: Prefixes) -> Match:
    if any(character in pattern for character in "*?["):
        glob = re.compile(translate(pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"))
        return lambda file: bool(glob.match(file) or glob.match(f"/{file}"))
    if pattern.startswith("/"):
        folder = pattern.rstrip("/")
        return lambda file: file == folder or file.startswith(f"{folder}/")
    if pattern.startswith("<"):
        return lambda file: file == pattern
    if "/" in pattern or pattern.endswith(".py"):
        middle = "/" + pattern.removeprefix("./").strip("/")
        return lambda file: f"{middle}/" in f"/{file}/"
    parts = "/" + pattern.replace(".", "/") + "/"

    def module(file: str) -> bool:
        kind, below = known.place(file)
        if kind == APP and not file.startswith("<"):
            below = file  # the application's folder is as good a name for it as its package
        return parts in "/" + re.sub(r"(?:/__init__)?\.(?:py|pyc|pyw|pyx|so)$", "", below) + "/"

    return module


def selector(query: Query, known: Prefixes) -> Select:
    """What the query keeps of a snapshot, and at which frame each stack is ranked."""
    wanted = matcher(query.filters, known) if query.filters else None
    unwanted = matcher(query.excludes, known) if query.excludes else None
    hidden: dict[str, bool] = {}

    def is_hidden(file: str) -> bool:
        if file not in hidden:
            hidden[file] = known.is_hidden(file)
        return hidden[file]

    kinds: dict[str, str] = {}

    def select(stack: Stack) -> int | None:
        last = len(stack) - 1
        if last < 0:
            return None if wanted else -1
        innermost = stack[last].file
        if not query.show_all and is_hidden(innermost):
            return None
        if unwanted is not None and unwanted(innermost):
            return None
        if wanted is not None:
            if query.innermost:
                return last if wanted(innermost) else None
            return next((depth for depth in range(last, -1, -1) if wanted(stack[depth].file)), None)
        if query.blame == APP:
            for depth in range(last, -1, -1):
                file = stack[depth].file
                if file not in kinds:
                    kinds[file] = known.kind(file)
                if kinds[file] == APP:
                    return depth
        return last

    return select
