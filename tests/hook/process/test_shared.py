"""Pages shared with others: no descriptor goes with the mapping."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from leakhunt.hook.capture import fork
from leakhunt.hook.process import shared

SIZE = 4096


def test_what_one_writes_the_other_reads(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"as it was".ljust(SIZE))
    descriptor = os.open(tmp_path / "page", os.O_RDWR)
    page = shared.mapped(descriptor, SIZE)
    os.close(descriptor)
    assert page[:9] == b"as it was"
    page[:9] = b"is shared"
    assert (tmp_path / "page").read_bytes()[:9] == b"is shared"
    page.close()


@pytest.mark.skipif(
    not fork.exact() and sys.version_info < (3, 13), reason="installed without leakhunt's C part"
)
def test_no_descriptor_goes_with_it(tmp_path: Path) -> None:
    """A program that closes all descriptors and opens its own would have one of those closed with the page."""
    (tmp_path / "page").write_bytes(bytes(SIZE))
    descriptor = os.open(tmp_path / "page", os.O_RDWR)
    before = sorted(os.listdir("/dev/fd"))
    page = shared.mapped(descriptor, SIZE)
    assert sorted(os.listdir("/dev/fd")) == before
    page.close()
    os.fstat(descriptor)
    os.close(descriptor)


@pytest.mark.skipif(not fork.exact(), reason="installed without leakhunt's C part")
def test_what_is_no_mapping_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(bytes(SIZE))
    descriptor = os.open(tmp_path / "page", os.O_RDWR)
    with pytest.raises(ValueError, match="needs a mapping"):
        shared._fork.lay_over(bytearray(7), descriptor)
    os.close(descriptor)
