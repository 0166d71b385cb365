"""Text from a file inside Markdown: shown to the letter, whatever it is."""

from __future__ import annotations

import re

from leakhunt.model.paths import visible


def span(text: str) -> str:
    """Text from a file as a code span, in which nothing is Markdown, a link or a mention, to the letter."""
    text = visible(text)
    # A span ends at as many backticks as it began with; one space at either end is no part of it.
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if len(fence) > 1 or (text[:1] == text[-1:] == " " and text.strip()) else ""
    return f"{fence}{room}{text}{room}{fence}"


def code(text: str) -> str:
    """The same as a table's cell, which a bar would end; a table takes the escape away, in a code span too."""
    return span(text).replace("|", "\\|")


def escape(text: str) -> str:
    """Text in which nothing is Markdown or HTML: no link, no image, nobody is mentioned."""
    told = visible(text).replace("&", "&amp;").replace("<", "&lt;")
    told = _ACTIVE.sub(r"\\\g<0>", told).replace("://", "&#58;//")
    return _MENTION.sub("@\u200b", _WWW.sub("www&#46;", told))


#: An underscore between letters is none: place_order.
_ACTIVE = re.compile(r"[\\\[\]!|`*~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_MENTION = re.compile(r"(?<!\w)@")
