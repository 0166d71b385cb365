"""The loop that calls the target. Frames of this file and outside of it are left out of snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def call(
    target: Callable[..., Any],
    arguments: Iterator[tuple[tuple[Any, ...], dict[str, Any]]],
    runs: int,
    done: Callable[[], None],
    end: Callable[[Any], None] = lambda begun: None,
) -> int:
    """Call so many times, each with the next arguments; returns how often it did: fewer where they end.

    ``end`` is called with what each returns, which is not kept; ``done`` after each.
    """
    for number in range(runs):
        try:
            args, keywords = next(arguments)
        except StopIteration:
            return number
        end(target(*args, **keywords))
        del args, keywords
        done()
    return runs
