"""A real headless Chromium."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

#: Processes that several tests share: what is below them comes and goes as they like (tests/conftest.py).
STANDING: set[int] = set()
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's browser; skips the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        # As root there is no sandbox; the pages are files of these tests.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@contextlib.contextmanager
def standing() -> Iterator[Any]:
    """The same for several tests: each has contexts of its own, which is all that it may change, and closes them."""
    before = set(psutil.Process().children())
    with chromium() as launched:
        drivers = {each.pid for each in set(psutil.Process().children()) - before}
        STANDING.update(drivers)
        yield launched
    STANDING.difference_update(drivers)
