"""What pytest's own fixtures keep of a run, let go: they live for one test, and a test is repeated."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

#: Fixtures that keep what a test writes until it is read.
CAPTURES = ("capsys", "capsysbinary", "capfd", "capfdbinary", "capteesys")


@contextlib.contextmanager
def patches(made: MutableMapping[str, Any]) -> Iterator[None]:
    """Inside, a test's ``monkeypatch`` is its own, and is undone at the end; what fixtures have patched for it stays.

    ``made``: what fixtures have made for the test, by name.
    """
    first = made.get("monkeypatch")
    if not isinstance(first, pytest.MonkeyPatch):
        yield
        return
    with pytest.MonkeyPatch.context() as own:
        made["monkeypatch"] = own
        try:
            yield
        finally:
            made["monkeypatch"] = first


def forget(made: MutableMapping[str, Any]) -> None:
    """What is kept of the run before is gone: output that nobody has read, warnings, records of the log.

    asyncio logs each callback that took 0.1 s, so that on a busy machine any test may log.
    """
    for name in CAPTURES:
        if name in made:
            made[name].readouterr()
    recorded = made.get("recwarn")
    if isinstance(recorded, pytest.WarningsRecorder):
        recorded.clear()
        warnings.simplefilter("default")  # as it begins: what was warned of is warned of again
    for handler in logging.getLogger().handlers:
        if type(handler).__module__ == "_pytest.logging":
            # Its handlers for the report and for caplog; clear() came with pytest 7.2.
            clear = getattr(handler, "clear", None) or getattr(handler, "reset", None)
            if clear is not None:
                clear()
