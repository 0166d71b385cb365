"""Snapshots in scripts and notebooks: load, keep, group, compare.

::

    from leakhunt import api

    before, after = api.load("before.bin", "after.bin")
    found = api.compare(before, after, by="lineno", keep="myapp")
    for row in found.rows[:3]:
        print(row.change.site, row.change.diff.size)

    api.rows(found)            # a list of dicts, for pandas.DataFrame
    mine = api.keep(after, "myapp")
    api.group(mine, by="package").totals.after

Everything returned is frozen. What is kept, dropped and hidden is what ``leakhunt top``
and ``leakhunt diff`` do with the same options.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Union

from leakhunt.errors import SnapshotError
from leakhunt.model.paths import prefixes
from leakhunt.model.query import BLAMES, GROUPS, SORTS, Query
from leakhunt.model.snapshot import Snapshot
from leakhunt.sites import rows as _grouping
from leakhunt.sites.rows import Comparison
from leakhunt.snapshots.filters import selector
from leakhunt.snapshots.load import load_all
from leakhunt.snapshots.named import expand

__all__ = ["Comparison", "Snapshot", "SnapshotError", "compare", "group", "keep", "load", "rows"]

#: One pattern or several: a package, a dotted module, a path or a glob.
Patterns = Union[str, Sequence[str]]


def load(*paths: str | Path, detail: bool = False) -> list[Snapshot]:
    """Read snapshot files, globs and folders, in parallel. Raises SnapshotError.

    ``detail`` fills the ``blocks`` of each stack's facts: sizes and domains.
    """
    return load_all(expand([str(path) for path in paths]), detail=detail)


def keep(
    snapshot: Snapshot,
    *patterns: str,
    drop: Patterns = (),
    innermost: bool = False,
    show_all: bool = True,
) -> Snapshot:
    """The snapshot with only the stacks that have a frame in one of ``patterns``.

    ``drop`` leaves out stacks whose innermost frame is in it; ``innermost`` makes
    ``patterns`` look at the innermost frame only.
    """
    query = Query(filters=patterns, excludes=_listed(drop), innermost=innermost, show_all=show_all)
    select = selector(query, prefixes(snapshot.meta.facts))
    chosen = [stack for stack in snapshot.tallies if select(stack) is not None]
    return replace(
        snapshot,
        tallies=MappingProxyType({stack: snapshot.tallies[stack] for stack in chosen}),
        facts=MappingProxyType(
            {stack: snapshot.facts[stack] for stack in chosen if stack in snapshot.facts}
        ),
    )


def group(snapshot: Snapshot, by: str = "lineno", **options: Any) -> Comparison:
    """What is alive, ranked. Options: see :func:`compare`."""
    return _grouping.group(snapshot, _query(by, **options))


def compare(before: Snapshot, after: Snapshot, by: str = "lineno", **options: Any) -> Comparison:
    """What changed, growth first.

    ``by``: ``lineno traceback filename package type task``. Options: ``keep`` (patterns; rows stand for
    the innermost frame in them), ``drop``, ``innermost``, ``show_all`` (also tracing and import
    machinery), ``blame`` (``innermost``, ``app``), ``limit`` (0: all), ``sort`` (``size``, ``count``).
    """
    return _grouping.diff(before, after, _query(by, **options))


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """The rows as flat dicts: the place, bytes and blocks before, after and between."""
    return [
        {
            "rank": row.rank,
            "file": row.change.site.file,
            "line": row.change.site.line,
            "package": row.change.site.package,
            "name": row.change.site.name,
            "size_before": row.change.before.size,
            "size_after": row.change.after.size,
            "size_diff": row.change.diff.size,
            "count_before": row.change.before.count,
            "count_after": row.change.after.count,
            "count_diff": row.change.diff.count,
        }
        for row in comparison.rows
    ]


def _query(
    by: str,
    keep: Patterns = (),
    drop: Patterns = (),
    innermost: bool = False,
    show_all: bool = False,
    blame: str = "innermost",
    limit: int = 0,
    sort: str = "size",
) -> Query:
    for name, value, allowed in (
        ("by", by, GROUPS),
        ("blame", blame, BLAMES),
        ("sort", sort, SORTS),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return Query(by, _listed(keep), _listed(drop), innermost, show_all, blame, limit, sort)


def _listed(patterns: Patterns) -> tuple[str, ...]:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)
