"""What is no plain file is not opened, and no more is read than is agreed."""

from __future__ import annotations

import os
import posix
from pathlib import Path
from typing import Any

import pytest

from leakhunt.snapfile import plain


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    content, status = plain.read(str(path), 10)
    assert (content, status.st_size) == (b"0123456789", 10)
    with pytest.raises(OSError, match="has more than 9 bytes"):
        plain.read(str(path), 9)


def test_a_link_is_followed_where_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    assert plain.read(str(tmp_path / "y"), 10)[0] == b"1"
    with pytest.raises(OSError, match="is not a regular file"):
        plain.read(str(tmp_path / "y"), 10, follow=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_what_is_no_file_is_not_even_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")

    def refuse(*words: Any) -> int:
        raise AssertionError(f"opened {words}")

    monkeypatch.setattr(posix, "open", refuse)
    for name in ("pipe", "link", "."):
        with pytest.raises(OSError, match="is not a regular file"):
            plain.read(str(tmp_path / name), 10)


def test_what_is_put_in_its_place_meanwhile_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "x", posix.open
    path.write_bytes(b"1")

    def swapped(name: str, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return real(name, flags)

    monkeypatch.setattr(posix, "open", swapped)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match="is not a regular file"):
        plain.read(str(path), 10)
    assert len(os.listdir("/dev/fd")) == before
