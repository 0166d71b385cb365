"""The order of rows: growth first, then shrinkage, then what stayed; ties by place, never by chance.

Pure numbers and places: 10^5 rows are put in order without an object for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nsmallest
from operator import itemgetter

#: Larger than any number of bytes or blocks.
_BEYOND = 1 << 64


def by_growth(sort: str) -> Callable[[Sequence[int]], int]:
    """For (bytes, blocks before, bytes, blocks after): one number that is small where growth is large.

    ``sort``: ``size`` or ``count``. Equal numbers are told apart by :func:`in_order`.
    """
    first, second = (0, 1) if sort == "size" else (1, 0)

    def key(amounts: Sequence[int]) -> int:
        grown: int = amounts[2 + first] - amounts[first]
        if grown > 0:
            return -grown
        if grown < 0:
            return _BEYOND + grown
        other = amounts[2 + second] - amounts[second]
        return 0 if other > 0 else _BEYOND if other < 0 else 2 * _BEYOND

    return key


def by_amount(sort: str) -> Callable[[Sequence[int]], int]:
    """For the same four of what is alive: small where there is much."""
    position = 2 if sort == "size" else 3
    return lambda amounts: -amounts[position]


def in_order(
    keys: list[int], exact: Callable[[int], tuple[object, ...]], limit: int | None
) -> list[int]:
    """Indexes of the rows in order, the first ``limit`` of them (None: all).

    ``keys`` are :func:`by_growth`'s or :func:`by_amount`'s, ``exact`` gives a row's whole order and
    is asked only where ``keys`` leave it open which rows are among the first.
    """
    if limit == 0:
        return []
    if limit is None or limit >= len(keys):
        chosen = list(range(len(keys)))
    else:
        last = nsmallest(limit, keys)[-1]
        chosen = [index for index, key in enumerate(keys) if key <= last]
    ordered = sorted(((keys[index], exact(index), index) for index in chosen), key=itemgetter(0, 1))
    return [index for _, _, index in ordered[:limit]]


def heaviest(weights: list[int], limit: int, place: Callable[[int], object]) -> list[int]:
    """Indexes of the largest weights, the largest first, ties by place; ``limit`` 0: all."""
    keys = [-weight for weight in weights]
    return in_order(keys, lambda index: (place(index),), limit or None)
