"""What a path *is*: the application's, an installed package's, the standard library's.

Pure text work: files are classified by the prefixes that the snapshot recorded on
the machine that wrote it, and by the usual shape of paths where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any

APP, SITE, STDLIB, OWN = "app", "site", "stdlib", "leakhunt"

_SITE = re.compile(r".*/(?:site|dist)-packages/")
_OWN = re.compile(r".*/(?:site|dist)-packages/leakhunt/")
_STDLIB = re.compile(r"^.*/lib(?:64)?/python3(?:\.\d+)?t?/(?!(?:site|dist)-packages/)")
#: The command that starts the program: a stub that pip has written, nobody's code.
_COMMAND = re.compile(r".*/(?:bin|Scripts)/(celery|leakhunt)")
_FROZEN = re.compile(r"^<frozen (.+)>$")

#: Frames that say how the measuring or importing was done, not who wanted the memory.
_MACHINERY = re.compile(r"^(?:<frozen )?importlib(?:\._|/_)|^<frozen (?:zipimport|runpy)")


#: Names and lines are cut to that many characters where they are shown: the longest path is
#: four times as long (PATH_MAX), a name in a file from anywhere may have megabytes.
LONGEST_SHOWN = 1000


def visible(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Text from a file, safe to print: control, bidi and surrogate characters as escapes.

    A name in a snapshot must not be able to write to the terminal, to reorder
    a line, or to break an encoder; or to be so long that laying it out takes minutes: what is longer
    than ``longest`` (0: whatever there is) loses its middle.
    """
    if longest and len(text) > longest:
        text = f"{text[: longest // 2]}…{text[len(text) - longest // 2 :]}"
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text.encode("utf-8", "backslashreplace").decode("utf-8", "replace")
    )


@dataclass(frozen=True)
class Prefixes:
    """Folders with their kind, longest first."""

    folders: tuple[tuple[str, str], ...] = ()

    def place(self, file: str) -> tuple[str, str]:
        """(kind, path below the folder that gives the file its kind)."""
        frozen = _FROZEN.match(file)
        if frozen:
            return STDLIB, frozen[1].replace(".", "/")
        if file.startswith("<"):
            return APP, file
        command = _COMMAND.fullmatch(file)
        if command:
            return SITE, command[1]
        for folder, kind in self.folders:
            if file.startswith(folder):
                # A virtual environment in the application's folder is not the application.
                inner = _SITE.match(file, len(folder) - 1) if kind in (APP, STDLIB) else None
                return (SITE, file[inner.end() :]) if inner else (kind, file[len(folder) :])
        for pattern, kind in ((_OWN, OWN), (_SITE, SITE), (_STDLIB, STDLIB)):
            match = pattern.match(file)
            if match:
                return kind, file[match.end() :]
        return APP, file.lstrip("/")

    def kind(self, file: str) -> str:
        """``app site stdlib leakhunt``."""
        return self.place(file)[0]

    def package(self, file: str) -> str:
        """The top-level package or module that a file belongs to."""
        if file.startswith("<") and not _FROZEN.match(file):
            return file
        if self.place(file)[0] == OWN:
            return "leakhunt"
        below = self.place(file)[1]
        first = below.partition("/")[0]
        return re.sub(r"\.(?:py|pyc|pyw|so)$", "", first) or file

    def is_hidden(self, file: str) -> bool:
        """Whether a stack that ends here is hidden by default: tracing and import machinery."""
        kind, below = self.place(file)
        if kind == OWN:
            return True
        return (kind == STDLIB or file.startswith("<")) and (
            below == "tracemalloc.py" or bool(_MACHINERY.match(below) or _MACHINERY.match(file))
        )

    def guessed(self, files: Iterable[str]) -> Prefixes:
        """With the folder that all application files share as its root, where none is recorded."""
        if any(kind == APP for _, kind in self.folders):
            return self
        folders = {file.rpartition("/")[0] for file in files if self._is_app(file)}
        shared = [*takewhile(_all_equal, zip(*(folder.split("/") for folder in folders)))]
        root = "/".join(parts[0] for parts in shared)
        return _from_items((*self.folders, (f"{root}/", APP))) if root else self

    def _is_app(self, file: str) -> bool:
        return file.startswith("/") and self.kind(file) == APP


def _all_equal(parts: tuple[str, ...]) -> bool:
    return len(set(parts)) == 1


@lru_cache(maxsize=64)
def _from_items(items: tuple[tuple[str, str], ...]) -> Prefixes:
    return Prefixes(tuple(sorted(items, key=lambda item: (-len(item[0]), item))))


def prefixes(facts: Mapping[str, Any]) -> Prefixes:
    """The prefixes that a snapshot recorded; nothing that is not a folder name counts."""
    recorded = facts.get("prefixes")
    if not isinstance(recorded, dict):
        return Prefixes()
    items = [
        (folder.rstrip("/") + "/", kind)
        for kind in (OWN, STDLIB, SITE, APP)
        for folder in _listed(recorded.get(kind))
        if isinstance(folder, str) and folder.startswith("/") and len(folder) > 1
    ]
    return _from_items(tuple(dict(reversed(items)).items()))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def shorten(file: str, roots: Prefixes) -> str:
    """A path as people say it: below its application root or installation folder."""
    kind, below = roots.place(file)
    if file.startswith("<"):
        return visible(file)
    if kind == APP and not any(file.startswith(folder) for folder, _ in roots.folders):
        return visible(file)
    return visible(below)
