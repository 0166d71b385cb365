"""tracemalloc's own format: the standard library reads every block."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from leakhunt.errors import ExportError
from leakhunt.model.snapshot import Block, Facts
from tests.support.builders import snap
from tests.support.exporting import exported

PLAIN = snap("/srv/shop/b.py:1 < /srv/shop/tasks.py:40 300B x3", nframe=5)


def test_every_block_is_there_with_the_newest_call_first(tmp_path: Path) -> None:
    blocks = Facts(blocks=(Block(0, 50, 2), Block(7, 200, 1)))
    told = replace(PLAIN, facts=MappingProxyType(dict.fromkeys(PLAIN.tallies, blocks)))
    path = tmp_path / "x.bin"
    path.write_bytes(exported("tracemalloc", told))
    loaded = tracemalloc.Snapshot.load(str(path))
    assert sorted((trace.domain, trace.size) for trace in loaded.traces) == [
        (0, 50),
        (0, 50),
        (7, 200),
    ]
    assert str(loaded.traces[0].traceback[-1]) == "/srv/shop/b.py:1"
    assert loaded.traceback_limit == 5


def test_without_single_blocks_it_cannot_be_written() -> None:
    with pytest.raises(ExportError, match="not known"):
        exported("tracemalloc", PLAIN)
