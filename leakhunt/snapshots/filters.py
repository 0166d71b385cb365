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

from leakhunt.model.paths import APP, Prefixes
from leakhunt.model.query import Query
from leakhunt.model.snapshot import Stack

_ENDING = re.compile(r"(?:(?:^|/)__init__)?\.(?:py|pyc|pyw|pyx|so)$")

Match = Callable[[str], bool]
#: The depth (index into the stack) at which a stack is ranked; None: it is dropped.
Select = Callable[[Stack], Optional[int]]


def matcher(patterns: Iterable[str], roots: Prefixes) -> Match:
    """Whether a file lies in one of the patterns; remembered per file."""
    tests = [_one(pattern.strip(), roots) for pattern in patterns if pattern.strip()]
    seen: dict[str, bool] = {}

    def match(file: str) -> bool:
        if file not in seen:
            seen[file] = any(test(file) for test in tests)
        return seen[file]

    return match


def _one(pattern: str, roots: Prefixes) -> Match:
    if any(character in pattern for character in "*?["):
        return _glob(pattern, roots)
    return _plain(pattern, roots)


def _glob(pattern: str, roots: Prefixes) -> Match:
    """A glob means files and whole folders; without a slash also modules (``shop.*``)."""
    rooted = pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"
    globs = [rooted, rooted.rstrip("/") + "/*"]
    paths = re.compile("|".join(map(translate, globs)))
    literal = _plain(pattern, roots)  # a folder may be called [app]
    dotted = re.compile(translate("*/" + pattern.replace(".", "/") + "/"))
    is_module = "/" not in pattern and not pattern.endswith(".py")

    def match(file: str) -> bool:
        if paths.match(file) or paths.match(f"/{file}") or literal(file):
            return True
        return is_module and bool(dotted.match(_module_path(file, roots)))

    return match


def _module_path(file: str, roots: Prefixes) -> str:
    """``/json/decoder/``: where a file was imported from, with a slash at both ends."""
    kind, below = roots.place(file)
    if kind == APP and not file.startswith("<"):
        below = file  # the application's folder is as good a name for it as its package
    return "/" + _ENDING.sub("", below.strip("/")) + "/"


def _plain(pattern: str, roots: Prefixes) -> Match:
    if pattern.startswith("/"):
        folder = pattern.rstrip("/")
        return lambda file: file == folder or file.startswith(f"{folder}/")
    if pattern.startswith("<"):
        return lambda file: file == pattern
    if "/" in pattern or pattern.endswith(".py"):
        middle = "/" + pattern.removeprefix("./").strip("/")
        return lambda file: f"{middle}/" in f"/{file}/"
    parts = "/" + pattern.replace(".", "/") + "/"
    return lambda file: parts in _module_path(file, roots)


def selector(query: Query, roots: Prefixes) -> Select:
    """What the query keeps of a snapshot, and at which frame each stack is ranked."""
    wanted = matcher(query.filters, roots) if query.filters else None
    unwanted = matcher(query.excludes, roots) if query.excludes else None
    hidden: dict[str, bool] = {}

    def is_hidden(file: str) -> bool:
        if file not in hidden:
            hidden[file] = roots.is_hidden(file)
        return hidden[file]

    kinds: dict[str, str] = {}

    def kind_of(file: str) -> str:
        if file not in kinds:
            kinds[file] = roots.kind(file)
        return kinds[file]

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
            return _in_app(stack, kind_of, last)
        return last

    return select


def _in_app(stack: Stack, kind_of: Callable[[str], str], last: int) -> int:
    """The innermost frame of the application, in a file rather than in generated code."""
    ours = [depth for depth in range(last, -1, -1) if kind_of(stack[depth].file) == APP]
    return next((depth for depth in ours if stack[depth].file[0:1] != "<"), [*ours, last][0])
