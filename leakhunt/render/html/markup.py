"""HTML from values: text is escaped unless it is markup already."""

from __future__ import annotations

import html
import json
from typing import Any

from leakhunt.model.paths import visible

#: Elements without an end tag.
_VOID = frozenset({"meta", "br", "input", "link"})


class Markup(str):
    """Text that is HTML; all other text is escaped where it is put in."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Text from anywhere, for an element or an attribute: control and bidi characters as escapes."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(visible(str(text)), quote=True))


def el(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. ``class_`` is class, ``aria_label`` aria-label; None leaves an attribute or child out."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(escaped(child) for child in children if child is not None)
    return Markup(f"<{name}{said}>" if name in _VOID else f"<{name}{said}>{inside}</{name}>")


def together(*parts: object) -> Markup:
    """Parts one after the other."""
    return Markup("".join(escaped(part) for part in parts if part is not None))


def embedded(value: Any) -> Markup:
    """A value for a script of type application/json: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
