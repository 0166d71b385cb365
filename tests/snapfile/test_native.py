"""The C part of reading is there, or it is None and nobody misses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakhunt.snapfile import native
from leakhunt.snapshots.load import load
from tests.support.places import SNAPSHOTS

FILES = sorted(SNAPSHOTS.glob("*-after.bin"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_without_it_the_same_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if native.native is None:
        pytest.skip("not compiled")
    with_it = load(path)
    monkeypatch.setattr(native, "native", None)
    without = load(path)
    assert (with_it.meta, with_it.nframe) == (without.meta, without.nframe)
    assert dict(with_it.tallies) == dict(without.tallies)
