"""The source files of a capture's frames: each is read once, and compiled at most once.

Runs in the forked child. Nothing is executed: compiled sources tell which function a line
belongs to, and what the function says of itself.
"""

from __future__ import annotations

import contextlib
import io
import os
import tokenize
import types
import warnings

#: The kernel tells a process's start to about a second (btime of /proc/stat).
SLACK = 2.0
#: Larger sources are not read.
LARGEST_SOURCE = 4 << 20


class Sources:
    """Of one process. A file that was changed after ``changed_after`` (when the process
    started) is not read: its lines are not the ones that run.
    """

    def __init__(self, changed_after: float) -> None:
        self._changed_after = changed_after
        self._texts: dict[str, str | None] = {}
        self._modules: dict[str, types.CodeType | None] = {}

    def text(self, file: str) -> str | None:
        """The source, None where it cannot be had."""
        if file not in self._texts:
            self._texts[file] = None if file.startswith("<") else self._read(file)
        return self._texts[file]

    def module(self, file: str) -> types.CodeType | None:
        """The source compiled, None where it cannot be had or is no Python."""
        if file not in self._modules:
            text = self.text(file)
            self._modules[file] = None if text is None else _compiled(text, file)
        return self._modules[file]

    def _read(self, file: str) -> str | None:
        with contextlib.suppress(OSError, SyntaxError, UnicodeDecodeError, ValueError):
            with io.open_code(file) as opened:
                raw = opened.read(LARGEST_SOURCE + 1)
            changed = os.stat(file).st_mtime > self._changed_after + SLACK
            if len(raw) <= LARGEST_SOURCE and not changed:
                encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
                return raw.decode(encoding)
        return None


def _compiled(text: str, file: str) -> types.CodeType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(text, file, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
