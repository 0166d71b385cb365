"""Opening what is said to be a snapshot: no folder, no pipe, nothing empty, no holes, and no descriptor left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakhunt.errors import SnapshotError
from leakhunt.snapfile import opening
from leakhunt.snapfile.opening import is_pickle, opened
from leakhunt.snapfile.read import read


def test_a_file_is_opened_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\x80\x04N.")
    descriptor, size = opened(str(path))
    try:
        assert (size, os.read(descriptor, 9)) == (4, b"\x80\x04N.")
        assert is_pickle(descriptor)
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_what_is_no_file(what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    with pytest.raises(
        SnapshotError, match=r"x\.bin: (cannot be read|is a folder|is not a regular)"
    ):
        read(path)


def test_a_name_with_an_escape_sequence_is_shown_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\n.bin"
    path.write_bytes(b"")
    with pytest.raises(SnapshotError) as raised:
        opened(str(path))
    assert str(raised.value).isprintable()
    with pytest.raises(SnapshotError, match="cannot be read"):
        opened(str(tmp_path / "nul\0.bin"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_what_is_no_snapshot_leaves_no_descriptor_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of a thousand bad files is read to its end."""
    empty, text = tmp_path / "empty.bin", tmp_path / "text.bin"
    empty.touch()
    text.write_text("no snapshot")
    holes = tmp_path / "holes.bin"
    holes.write_bytes(b"x" * 77)
    looked = opening._holes
    monkeypatch.setattr(
        opening, "_holes", lambda at, size: 1 << 40 if size == 77 else looked(at, size)
    )
    before = set(os.listdir("/proc/self/fd"))
    for path in (empty, text, holes, tmp_path, tmp_path / "none.bin"):
        with pytest.raises(SnapshotError):
            read(path)
    assert len(os.listdir("/proc/self/fd")) == len(before)
