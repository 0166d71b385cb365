"""Workflow commands as GitHub's runner reads them.

By the rules of ``ActionCommand.TryParseV2`` (actions/runner, src/Runner.Common/ActionCommand.cs): the line begins
with ``::`` after white space; up to the next ``::`` stand the command's name and, after a blank, properties with
commas between them; the rest is the message. What a value begins with loses its ``=``, for which there is no escape. Escapes are undone one kind after the other, ``%25`` last.
"""

from __future__ import annotations

from typing import NamedTuple

#: The names that make an annotation.
ANNOTATIONS = ("error", "warning", "notice")
#: Properties that an annotation may have.
PROPERTIES = ("file", "line", "endLine", "col", "endColumn", "title")

MESSAGE = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


class Command(NamedTuple):
    """One workflow command."""

    name: str
    properties: dict[str, str]
    message: str


def parsed(line: str) -> Command | None:
    """None where the runner would print the line as it is."""
    line = line.lstrip()
    info, separator, message = line[2:].partition("::")
    if not line.startswith("::") or not separator:
        return None
    name, _, told = info.partition(" ")
    if name not in ANNOTATIONS:
        return None
    properties = {}
    for pair in told.strip().split(","):
        key, _, value = pair.lstrip("=").partition("=")
        if value.lstrip("="):
            properties[key] = _undone(value.lstrip("="), PROPERTY)
    return Command(name, properties, _undone(message, MESSAGE))


def read(text: str) -> list[Command]:
    """The commands of an output that has nothing else; the runner ends a line at CR and LF only.

    AssertionError where a line is none, or one has what an annotation cannot have.
    """
    assert text.endswith("\n")
    found = []
    for line in text[:-1].split("\n"):
        assert "\r" not in line
        command = parsed(line)
        assert command is not None, line
        assert set(command.properties) <= set(PROPERTIES), line
        assert command.message, line
        assert ("file" in command.properties) == ("line" in command.properties), line
        assert int(command.properties.get("line", "1")) >= 1, line
        found.append(command)
    return found


def _undone(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for written, meant in escapes:
        text = text.replace(written, meant)
    return text
