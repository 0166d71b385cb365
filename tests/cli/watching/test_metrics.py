"""Looks as metrics: where they cannot be given, nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.cli.watching import metrics
from leakhunt.errors import SettingError


@pytest.mark.parametrize("address", ["x", ":", ":x", "127.0.0.1:99999", "9898x"])
def test_an_address_that_is_none(address: str) -> None:
    pytest.importorskip("prometheus_client")
    with pytest.raises(SettingError, match="give a port"), metrics.metrics(address, None):
        pass


def test_a_text_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.mkdir()
    with pytest.raises(OSError, match="taken"):
        metrics._replace(place, b"x")
    assert list(tmp_path.iterdir()) == [place]
