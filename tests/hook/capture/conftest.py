"""What tests of a capture need: the collector off, as in its child; files that count as sources of loaded modules."""

from __future__ import annotations

import gc
import itertools
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

AsModule = Callable[[Path], str]


@pytest.fixture
def collector_off() -> Iterator[None]:
    """As in a capture's child: whoever walks holds nodes that a collection would free."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def as_module(monkeypatch: pytest.MonkeyPatch) -> AsModule:
    """Has a module whose ``__file__`` is that path, while the test runs; returns the path as text."""
    numbers = itertools.count()

    def load(path: Path) -> str:
        module = types.ModuleType(f"module_{next(numbers)}_of_a_test")
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return str(path)

    return load
