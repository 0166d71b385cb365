"""Histories of processes whose heap was walked at each snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from leakhunt.judge.history import History
from leakhunt.model.retention import TypeCount
from leakhunt.report.types import TypesReport, by_type
from tests.support.builders import history

#: Six kilobytes a snapshot, a little uneven; as much all the time; a cache that fills.
UP = [100_000 + 6_000 * at + (at * 7919) % 300 for at in range(10)]
FLAT = [900_000] * 10
FILLS = [500_000, 800_000, 900_000, 940_000, 960_000, 965_000, 966_000, 966_000, 966_000, 966_000]


def census(**columns: Sequence[int | None]) -> list[Mapping[str, TypeCount] | None]:
    """At each snapshot the types that are told: None is not among the largest."""
    return [
        {
            name: TypeCount(name, size // 50, size)
            for name, size in zip(columns, row)
            if size is not None
        }
        for row in zip(*columns.values())
    ]


def walked(rows: Sequence[Mapping[str, TypeCount] | None]) -> History:
    return replace(history(("/srv/shop/tasks.py:8", UP, UP)), census=rows)


def types_report(rows: Sequence[Mapping[str, TypeCount] | None], limit: int = 0) -> TypesReport:
    return by_type([walked(rows)], None, (), limit)
