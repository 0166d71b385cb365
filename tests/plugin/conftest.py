"""Sessions of pytest in a process of their own, with the plugin as pip installs it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from tests.support.places import ROOT

#: What a busy machine must not make unsure.
LONG = "--leakhunt-at-most=5min"
SHOP = """
    KEPT = []
    PAGES = {}

    def leaks():
        KEPT.append(bytearray(1000))  # LEAK

    def healthy():
        return [str(n) for n in range(50)]
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """pytest in a process of its own, with the plugin as pip installs it."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{pytester.path}")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makepyfile(shop=SHOP)

    def started(*options: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(LONG, "-p", "no:cacheprovider", *options)

    return started


def needs(*modules: str) -> None:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
