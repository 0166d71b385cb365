"""Only sources of loaded modules are read: files that count as such for a test."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

AsModule = Callable[[Path], str]


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
