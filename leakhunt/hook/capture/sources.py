"""The source files of a capture's frames: each is read once, and compiled at most once.

Runs in the forked child. Nothing is executed: compiled sources tell which function a line
belongs to, and what the function says of itself.

A frame names any file that its code was compiled under: a template, a configuration file with
passwords. Only Python source files of modules that are loaded are read. What is recorded of them
has no string literals and no comments, unless the settings say so.
"""

from __future__ import annotations

import contextlib
import io
import os
import posix
import re
import stat
import sys
import tokenize
import types
import warnings
from collections.abc import Container, Iterator
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES

#: The kernel tells a process's start to about a second (btime of /proc/stat).
SLACK = 2.0
#: Larger sources are not read.
LARGEST_SOURCE = 4 << 20
#: What stands for the text of a string literal; an empty one stays empty.
MASK = "***"
#: Since Python 3.12 an f-string may have its own quotes within (PEP 701), since 3.14 a t-string too.
SPLIT = hasattr(tokenize, "FSTRING_START")
_FORMATTED = frozenset({"f", "fr", "rf", "t", "tr", "rt"})
_OPEN, _CLOSE = (
    frozenset(
        getattr(tokenize, f"{kind}STRING_{end}") for kind in "FT"
        if hasattr(tokenize, f"{kind}STRING_{end}")
    )
    for end in ("START", "END")
)  # fmt: skip
#: The tokenizer takes 3 s for a megabyte, this 0.1 s: what begins a comment or a literal, ...
_BEGINNING = re.compile(r"""\#[^\n]*|\"\"\"|\'\'\'|"|'""")
_PREFIX = re.compile(r"(?<!\w)[A-Za-z]{1,2}\Z")
#: ... and the rest of a literal up to its end, where a backslash guards what follows it.
_REST = {
    quote: re.compile(
        rf"(?:[^\\{quote[0]}]|\\.|{quote[0]}(?!{quote[0]}{{2}}))*{quote}"
        if len(quote) == 3
        else rf"(?:[^\\\n{quote}]|\\.)*{quote}",
        re.DOTALL,
    )
    for quote in ("'", '"', "'''", '"""')
}
_UNIVERSAL = re.compile("\r\n?")
#: Beyond any text.
_BROKEN = sys.maxsize


class Sources:
    """Of one process. A file that was changed after ``changed_after`` (when the process
    started) is not read: its lines are not the ones that run.
    """

    def __init__(
        self, changed_after: float, record: str = "masked", loaded: Container[str] | None = None
    ) -> None:
        """``record``: source lines ``masked``, ``full`` or ``off``; ``loaded``: the source files of the
        process's modules, None: of this one.
        """
        self._changed_after = changed_after
        self._record = record
        self._loaded: Container[str] = _loaded() if loaded is None else loaded
        self._texts: dict[str, str | None] = {}
        self._modules: dict[str, types.CodeType | None] = {}
        self._lines: dict[str, tuple[int, list[str]]] = {}

    def text(self, file: str) -> str | None:
        """The source, None where it cannot be had. It is not to be recorded."""
        if file not in self._texts:
            self._texts[file] = self._read(file) if file in self._loaded else None
        return self._texts[file]

    def module(self, file: str) -> types.CodeType | None:
        """The source compiled, None where it cannot be had or is no Python."""
        if file not in self._modules:
            text = self.text(file)
            self._modules[file] = None if text is None else _compiled(text, file)
        return self._modules[file]

    def lines(self, file: str, last: int) -> list[str]:
        """The lines up to ``last`` as they may be recorded; fewer where the file has no more, none
        where nothing of it may be told.
        """
        text = self.text(file)
        if text is None or self._record == "off":
            return []
        if self._record == "full":
            return _UNIVERSAL.sub("\n", text).split("\n")
        masked_to = self._lines.get(file)
        if masked_to is None or masked_to[0] < last:
            masked_to = self._lines[file] = (last, masked(text, last))
        return masked_to[1]

    def _read(self, file: str) -> str | None:
        with contextlib.suppress(OSError, SyntaxError, UnicodeDecodeError, ValueError):
            status = posix.stat(file)
            if not stat.S_ISREG(
                status.st_mode
            ):  # a program that came through a pipe: nobody writes
                return None
            with io.open_code(file) as opened:
                raw = opened.read(LARGEST_SOURCE + 1)
            changed = status.st_mtime > self._changed_after + SLACK
            if len(raw) <= LARGEST_SOURCE and not changed:
                encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
                return raw.decode(encoding)
        return None


def masked(text: str, last: int) -> list[str]:
    """The lines of a source up to ``last`` without what its string literals and comments say.

    A line in the middle of a long string is masked as well: what is a literal is told from the
    beginning of the file on. Where a source cannot be taken apart, the lines end before that place.
    """
    text = _UNIVERSAL.sub("\n", text)
    told: list[str] = []
    row, at = 1, 0
    for start, end, put in _masks(text):
        piece = text[at:start]
        row += piece.count("\n")
        if end == _BROKEN:
            return _lines(told, piece, min(last, row - 1))
        inside = text.count("\n", start, end)
        # Lines stay where they are, so that the numbers of frames fit.
        told += (piece, put, "\n" * inside)
        row, at = row + inside, end
        if row > last:
            return _lines(told, "", last)
    return _lines(told, text[at:], last)


def _lines(told: list[str], rest: str, last: int) -> list[str]:
    return [line.rstrip() for line in "".join((*told, rest)).split("\n")][:last]


def _masks(text: str) -> Iterator[tuple[int, int, str]]:
    """What is to be replaced: from, to, and by what; ``_BROKEN`` as the end where a literal has none."""
    at = 0
    while True:
        beginning = _BEGINNING.search(text, at)
        if beginning is None:
            return
        start, after, quote = beginning.start(), beginning.end(), beginning[0]
        if quote[0] == "#":
            yield start, after, ""
            at = after
            continue
        prefix = _PREFIX.search(text, max(at, start - 2), start)
        letters = prefix[0] if prefix else ""
        start -= len(letters)
        if SPLIT and letters.lower() in _FORMATTED:
            end = _end_of_formatted(text, start)
        else:
            rest = _REST[quote].match(text, after)
            end = _BROKEN if rest is None else rest.end()
        inner = end - len(quote) > after
        yield start, end, f"{letters}{quote}{MASK if inner else ''}{quote}"
        if end == _BROKEN:
            return
        at = end


def _end_of_formatted(text: str, start: int) -> int:
    """Where an f-string ends that may have any quotes within (PEP 701): the tokenizer knows."""
    reader, lengths, depth = io.StringIO(text[start:]), [0], 0

    def readline() -> str:
        line = reader.readline()
        lengths.append(lengths[-1] + len(line))
        return line

    with contextlib.suppress(tokenize.TokenError, SyntaxError, IndexError):
        for token in tokenize.generate_tokens(readline):
            depth += (token.type in _OPEN) - (token.type in _CLOSE)
            if token.type in _CLOSE and depth == 0:
                return start + lengths[token.end[0] - 1] + token.end[1]
    return _BROKEN


def _loaded() -> frozenset[str]:
    """The Python source files of the modules that are loaded, as tracebacks may name them."""
    binary = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)
    files = set()
    for file in _files():
        if file.endswith(tuple(BYTECODE_SUFFIXES)):  # loaded without its source beside it
            file = file[:-1]
        if not file.endswith(binary) and not file.startswith("<"):
            files.add(file)
            with contextlib.suppress(OSError):
                files.add(os.path.abspath(file))
                files.add(os.path.relpath(file))
    return frozenset(files)


def _files() -> Iterator[str]:
    """``__file__`` of each module, without running code of a module that makes up attributes."""
    for module in list(sys.modules.values()):
        with contextlib.suppress(Exception):
            space = object.__getattribute__(module, "__dict__")
            file = space.get("__file__")
            if type(file) is str:
                yield file


def _compiled(text: str, file: str) -> types.CodeType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(text, file, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
