"""Frames by name, for formats that know frames by their text: any name is harmless there."""

from __future__ import annotations

from leakhunt.model.paths import visible
from leakhunt.model.snapshot import Frame, Stack
from leakhunt.report.labels import Labels

#: Stands for a stack without frames.
NOWHERE = Frame("<unknown>", 0)


def frames(stack: Stack) -> Stack:
    """The stack, or the one frame that stands for none: every byte needs a place."""
    return stack or (NOWHERE,)


class Names:
    """Function and file of frames; each is looked up once."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._functions: dict[Frame, str] = {}
        self._files: dict[str, str] = {}
        self._short: dict[str, str] = {}

    def function(self, frame: Frame) -> str:
        """``Shop.order``; ``tasks.py:40`` where the file does not say."""
        identifier = self._functions.get(frame)
        if identifier is None:
            function = self._labels.spot(frame).function
            if not function:
                function = f"{self.short(frame.file).rpartition('/')[2]}:{frame.line}"
            identifier = self._functions[frame] = visible(function, longest=0)
        return identifier

    def file(self, file: str) -> str:
        """The whole path, control characters and lone surrogates as escapes."""
        identifier = self._files.get(file)
        if identifier is None:
            identifier = self._files[file] = visible(file, longest=0)
        return identifier

    def short(self, file: str) -> str:
        """The path below its application or installation folder."""
        identifier = self._short.get(file)
        if identifier is None:
            identifier = self._short[file] = self._labels.file(file)
        return identifier
