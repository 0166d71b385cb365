"""A section of the page with its title, and tables that scroll by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from leakhunt.render.html.markup import Markup, el
from leakhunt.report.words import page as words

#: Name and title of each, in the order of the page.
SECTIONS = (
    ("timeline", "Timeline"), ("findings", "Findings"), ("flame", "Flame graph"),
    ("functions", "Functions"), ("table", "Table"), ("memory", "Memory"), ("measured", words.HOW),
)  # fmt: skip


def section(name: str, *children: object) -> Markup:
    title = dict(SECTIONS)[name]
    return el("section", el("h2", title, id=f"{name}-title"), *children,
              id=name, aria_labelledby=f"{name}-title")  # fmt: skip


def heads(names: Sequence[str]) -> list[Markup]:
    """Of columns of numbers, after the first: over their numbers."""
    return [
        el("th", name, scope="col", class_="number" if at else None)
        for at, name in enumerate(names)
    ]


def scrolled(table: Markup, label: str) -> Markup:
    """Wider than a phone: it scrolls by itself, with the keyboard too."""
    return el("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)
