"""A folder with series in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import filled


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return filled(tmp_path)
