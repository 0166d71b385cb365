"""What the user asked of a report, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

TYPE, TASK = SPLIT = ("type", "task")
#: The last two share a stack out among several rows (:mod:`leakhunt.sites.split`).
GROUPS = ("lineno", "traceback", "filename", "package", *SPLIT)
#: Those of them that hold several lines.
GROUPED = FILENAME, PACKAGE = ("filename", "package")
SORTS = ("size", "count")
BLAMES = ("innermost", "app")


@dataclass(frozen=True)
class Query:
    """The options that top and diff share."""

    group_by: str = "lineno"
    """One of GROUPS: what a row stands for."""
    filters: tuple[str, ...] = ()
    """Keep stacks with any frame in one of these, ranked at their innermost such frame."""
    excludes: tuple[str, ...] = ()
    """Drop stacks whose innermost frame is in one of these."""
    innermost: bool = False
    """``filters`` look at the innermost frame only, as ``tracemalloc.Filter`` does."""
    show_all: bool = False
    """Also show what is hidden by default: totals then equal the standard library's."""
    blame: str = "innermost"
    """Without filters: rank at the innermost frame, or at the innermost one of the app."""
    limit: int = 20
    """Rows; 0: all."""
    sort: str = "size"
    """One of SORTS."""
